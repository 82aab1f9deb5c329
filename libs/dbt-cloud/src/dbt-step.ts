import type { DbtCloudApiStep } from './api/api-objects.js';

/**
 * Work of a step:
 *
 * - `nodes`: it executes nodes, so that it writes `run_results.json`. An unknown command counts as one.
 * - `freshness`: it checks sources, and writes `sources.json`.
 * - `inspection`: it runs dbt, but executes no nodes. `dbt compile` and `dbt docs generate` write a `run_results.json` in which
 *   every node that compiles is a success.
 * - `setup`: it prepares the run. `dbt deps` is one.
 */
export type DbtStepWork = 'nodes' | 'freshness' | 'inspection' | 'setup';

const WORK_OF_COMMAND: ReadonlyMap<string, DbtStepWork> = new Map([
  ...['build', 'clone', 'retry', 'run', 'run-operation', 'seed', 'snapshot', 'test'].map(of('nodes')),
  ...['source'].map(of('freshness')),
  ...['compile', 'debug', 'docs', 'generate', 'list', 'ls', 'parse', 'show', 'sl'].map(of('inspection')),
  ...['clean', 'deps', 'init'].map(of('setup')),
]);

function of(work: DbtStepWork): (command: string) => readonly [string, DbtStepWork] {
  return (command) => [command, work];
}

/** Returns the work of a step, by its name: ``Invoke dbt with `dbt --fail-fast build --select orders` ``. */
export function workOf({ name }: Pick<DbtCloudApiStep, 'name'>): DbtStepWork {
  const [, text] = /(?:^|`)\s*dbtf?\s+([^`]+)/.exec(name) ?? [];
  if (text === undefined) return 'setup';
  const words = text.split(/\s+/);
  const isCommand = (word: string) => WORK_OF_COMMAND.has(word);
  // Options can stand before the command, and can have the name of one as their value: `dbt --log-level debug build`.
  const isValue = (place: number) => /^-[^=]*$/.test(words[place - 1] ?? '');
  const command = words.find((word, place) => isCommand(word) && !isValue(place)) ?? words.find(isCommand);
  return workOfCommand(command ?? '');
}

/** Returns the work of a command in one word, such as `build`, or `generate` for `dbt docs generate`. */
export function workOfCommand(command: string): DbtStepWork {
  return WORK_OF_COMMAND.get(command) ?? 'nodes';
}

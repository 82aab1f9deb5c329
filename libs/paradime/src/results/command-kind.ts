/**
 * Kind of a command of a run.
 *
 * - `nodes`: it executes nodes, and writes `run_results.json`.
 * - `freshness`: it checks sources, and writes `sources.json`.
 * - `no-nodes`: it executes no nodes, such as `git clone` or `dbt docs generate`, whatever it writes.
 * - `unknown`: any other program, which may run dbt.
 */
export type CommandKind = 'nodes' | 'freshness' | 'no-nodes' | 'unknown';

const KIND_OF_DBT: ReadonlyMap<string, CommandKind> = new Map([
  ...['build', 'run', 'test', 'seed', 'snapshot', 'run-operation', 'retry', 'clone'].map(kindIs('nodes')),
  ...['source', 'freshness'].map(kindIs('freshness')),
  ...['deps', 'parse', 'compile', 'docs', 'list', 'ls', 'debug', 'clean', 'init', 'show', '--version'].map(
    kindIs('no-nodes'),
  ),
]);

/** Options that can stand before the command of dbt, with a value that can be the same word as one. */
const HAS_VALUE = /^(?:--log-level(?:-file)?|--profile|--target|-t)$/;

/** From the least to the most: of several programs in one command, the last kind of this order decides. */
const ORDER: readonly CommandKind[] = ['no-nodes', 'unknown', 'freshness', 'nodes'];

/** Returns the kind of a command, such as `dbt run`, `poetry run dbt --quiet build -s orders` or `dbt deps && dbt build`. */
export function commandKindOf(command: string): CommandKind {
  const kinds = command
    .split(/&&|\|\||[;|\n]/)
    .map((program) => kindOf(program.split(/\s+/).filter((word) => word !== '')));
  return ORDER.findLast((kind) => kinds.includes(kind)) ?? 'unknown';
}

function kindOf(words: readonly string[]): CommandKind {
  const dbt = words.findIndex((word) => /(?:^|\/)dbtf?$/.test(word));
  if (dbt < 0) return words[0] === 'git' ? 'no-nodes' : 'unknown';
  const subcommand = words.slice(dbt + 1).find((word, index, rest) => {
    return KIND_OF_DBT.has(word) && !HAS_VALUE.test(rest[index - 1] ?? '');
  });
  return (subcommand !== undefined && KIND_OF_DBT.get(subcommand)) || 'unknown';
}

function kindIs(kind: CommandKind): (word: string) => readonly [string, CommandKind] {
  return (word) => [word, kind];
}

import type { Random } from '../../crash/random.js';
import type { Project } from './project.js';
import type { FileFate, JobKind, PlannedNode, PlannedStep } from './world-run.js';

/** Chances of a file. */
const IS_LOST = 0.03;
const IS_STALE = 0.02;
const IS_UNREADABLE = 0.03;
const HAS_ODD_ROWS = 0.05;

/** Rows that some files have, in which no node can be recognized. */
const ODD_ROWS: readonly unknown[] = [null, 7, 'row', [], { status: 'error' }, { unique_id: '', status: 'fail' }];

/** A command and the `args.which` of its file. */
type Command = readonly [command: string, which: string];

const COMMANDS: Readonly<Record<JobKind, readonly Command[]>> = {
  build: [['dbt build', 'build']],
  'run and test': [
    ['dbt run', 'run'],
    ['dbt build --exclude tag:slow', 'build'],
  ],
  freshness: [
    ['dbt source freshness', 'freshness'],
    ['dbt build', 'build'],
  ],
  docs: [
    ['dbt build', 'build'],
    ['dbt docs generate', 'generate'],
  ],
  subset: [['dbt build --select tag:hourly', 'build']],
  wide: [['dbt test --select tag:wide', 'test']],
  parse: [['dbt parse', 'parse']],
  ci: [['dbt build --select state:modified+', 'build']],
};

/** Command of a retry, which runs the nodes that failed or were skipped. */
export const RETRY: Command = ['dbt retry', 'retry'];

/** Returns the commands of a job. */
export function commandsOf(kind: JobKind): string[] {
  return COMMANDS[kind].map(([command]) => command);
}

/** Runs the commands of a job, up to the first in which a node fails. */
export function executed(kind: JobKind, project: Project, where: string, random: Random): PlannedStep[] {
  const steps: PlannedStep[] = [];
  for (const command of COMMANDS[kind]) {
    steps.push(stepOf(command, nodesOf(kind, command, project, where), random));
    if (hasFailed(steps)) break;
  }
  return steps;
}

/** Runs a retry. */
export function retried(ids: readonly string[], project: Project, where: string, random: Random): PlannedStep[] {
  return [stepOf(RETRY, project.again(ids, where), random)];
}

/** Returns whether a node failed in one of the steps. */
export function hasFailed(steps: readonly PlannedStep[]): boolean {
  return steps.some(({ nodes, which }) => which !== 'generate' && nodes.some(({ outcome }) => outcome === 'failed'));
}

function stepOf([command, which]: Command, nodes: readonly PlannedNode[], random: Random): PlannedStep {
  const oddRows = random.chance(HAS_ODD_ROWS) ? ODD_ROWS.filter(() => random.chance(0.5)) : [];
  return { command, which, nodes, oddRows, fate: which === 'parse' ? 'none' : fateOf(random) };
}

function nodesOf(kind: JobKind, [, which]: Command, project: Project, where: string): PlannedNode[] {
  if (which === 'parse') return [];
  if (which === 'freshness') return project.freshness(where);
  // After docs were generated, every row of the file is a success, whatever the nodes came to.
  if (which === 'generate')
    return project.build(where).map(({ id }) => ({ id, outcome: 'succeeded', status: 'success' }));
  if (which === 'run') return project.kinds(['model', 'seed'], where);
  if (kind === 'wide') return project.wide(where);
  return kind === 'subset' || kind === 'ci' ? project.subset(where) : project.build(where);
}

function fateOf(random: Random): FileFate {
  const chance = random.next();
  if (chance < IS_LOST) return 'lost';
  if (chance < IS_LOST + IS_STALE) return 'stale';
  return chance < IS_LOST + IS_STALE + IS_UNREADABLE ? 'unreadable' : 'written';
}

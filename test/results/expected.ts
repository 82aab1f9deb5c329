import type { Outcome, PlannedNode, PlannedStep, Reason, WorldRun } from './world/world-run.js';

/** What a reader must make of the files of a run. */
export type Expected =
  | {
      readonly state: 'available';
      /** Nodes by id. */
      readonly nodes: ReadonlyMap<string, PlannedNode>;
      readonly unreadableRows: number;
      /** Number of steps whose results are missing. */
      readonly missingSteps: number;
    }
  | { readonly state: 'missing'; readonly reason: Reason };

/** Reasons that say most come first: a file that was found says more than one that was not. */
const MOST_TELLING: readonly Reason[] = ['unreadable', 'stale'];

const EXECUTES_NOTHING = new Set(['generate', 'compile', 'parse', 'list']);

/** Returns what the files of a run say, by the rules of the design. */
export function expectedOf({ outcome, steps }: WorldRun): Expected {
  if (outcome === 'canceled') return { state: 'missing', reason: 'canceled' };
  if (steps.length === 0) return { state: 'missing', reason: 'not-written' };
  const executing = steps.filter(({ which }) => !EXECUTES_NOTHING.has(which));
  if (executing.length === 0) return { state: 'missing', reason: 'nothing-ran' };
  const written = executing.filter(({ fate }) => fate === 'written');
  if (written.length === 0) {
    const reasons = executing.map(reasonOf);
    return { state: 'missing', reason: MOST_TELLING.find((reason) => reasons.includes(reason)) ?? 'not-written' };
  }
  const nodes = new Map<string, PlannedNode>();
  for (const node of written.flatMap((step) => step.nodes)) {
    if (node.outcome !== 'skipped' || !nodes.has(node.id)) nodes.set(node.id, node);
  }
  const unreadableRows = written.reduce((sum, { oddRows }) => sum + oddRows.length, 0);
  return { state: 'available', nodes, unreadableRows, missingSteps: executing.length - written.length };
}

/** Returns the nodes of an outcome. */
export function nodesOf(expected: Expected, ...outcomes: readonly Outcome[]): PlannedNode[] {
  if (expected.state === 'missing') return [];
  return [...expected.nodes.values()].filter(({ outcome }) => outcomes.includes(outcome));
}

function reasonOf({ fate }: PlannedStep): Reason {
  if (fate === 'stale' || fate === 'unreadable') return fate;
  return 'not-written';
}

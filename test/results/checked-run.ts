import { runKeyOf, type Evidence } from './evidence.js';
import { expectedOf, nodesOf, type Expected } from './expected.js';
import type { Receipt } from './ledger.js';
import { isNightly, type WorldRun } from './world/world-run.js';

/** A run of the world, and what the inbox must know about its nodes. */
export interface CheckedRun extends WorldRun {
  readonly key: string;
  readonly expected: Expected;
  /** Whether the inbox has not read its results, and need not, because nobody asks for them. */
  readonly isUnread: boolean;
}

/** Returns the runs that ended after the install, by key. */
export function checkedRuns({ world, since, results }: Evidence): ReadonlyMap<string, CheckedRun> {
  const runs = world
    .filter(({ endedAt }) => endedAt > since)
    .map((run): CheckedRun => {
      const key = runKeyOf(run);
      const found = results.get(key)?.results;
      // Files that came too late may be missing. What depends on them is checked against what was there.
      const isGivenUp = run.isLate && found?.state === 'missing' && found.reason === 'not-written';
      const expected: Expected = isGivenUp ? { state: 'missing', reason: 'not-written' } : expectedOf(run);
      return { ...run, key, expected, isUnread: run.outcome === 'succeeded' && !isNightly(run) && !found };
    });
  return new Map(runs.map((run) => [run.key, run]));
}

/** Returns what an event or a receipt is about. */
export function factOf(type: string, runKey: string, nodeId?: string): string {
  return nodeId === undefined ? `${type} ${runKey}` : `${type} ${runKey} ${nodeId}`;
}

/** Returns what a receipt is about. */
export function factOfReceipt({ fact, source, runId }: Receipt): string {
  return factOf(fact.type, `${source}/${runId}`, 'node' in fact ? fact.node.uniqueId : undefined);
}

/** Returns what the events about the failed nodes of a run are about. */
export function failuresOf({ key, expected }: CheckedRun): string[] {
  return nodesOf(expected, 'failed').map(({ id }) => factOf('node.failed', key, id));
}

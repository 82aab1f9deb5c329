import { LIMITS } from '../limits.js';
import type { NodeResult } from '../nodes/node-result.js';
import type { RunKey } from '../runs/run-state.js';
import type { ResultStore, StoredResults } from '../store/result-store.js';
import { shownResults } from '../store/shown-results.js';

/** Returns the results of a run with all nodes that failed or warned, or `undefined` if they were not read. */
export async function storedResults(store: ResultStore | undefined, run: RunKey): Promise<StoredResults | undefined> {
  const saved = await store?.find(run);
  if (!store || !saved || saved.state === 'unread') return undefined;
  const failing: NodeResult[] = [];
  while (failing.length < saved.failing) {
    const nodes = await store.failing(run, failing.length, LIMITS.nodesPerStep);
    // An erasure removes the nodes.
    if (nodes.length === 0) break;
    failing.push(...nodes);
  }
  const { scope } = saved;
  return {
    results: shownResults(saved, failing),
    isRecorded: saved.state === 'recorded',
    ...(scope !== undefined && { scope }),
  };
}

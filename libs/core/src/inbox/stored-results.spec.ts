import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../errors.js';
import { nodeNameOf } from '../nodes/node-name.js';
import type { NodeResult } from '../nodes/node-result.js';
import type { ResultStore, SavedResults } from '../store/result-store.js';
import { requireNodeKey } from './requests.js';
import { storedResults } from './stored-results.js';

const RUN = { source: 'dbt', accountId: '4', runId: '7' };
const NONE = { total: 450, succeeded: 0, warned: 150, failed: 300, skipped: 0, unknown: 0 };
const NODES = Array.from({ length: 450 }, (_, index): NodeResult => {
  const outcome = index < 300 ? 'failed' : 'warned';
  return { ...nodeNameOf(`test.shop.t${index}`), outcome, status: outcome };
});
const SAVED: SavedResults = {
  state: 'recorded',
  scope: '{"accountId":"4"}',
  finishedAt: new Date(0),
  counts: { counts: NONE, kinds: {}, statuses: {}, unreadableRows: 0, missingSteps: [] },
  failing: NODES.length,
  recorded: NODES.length + 1,
  good: [],
  skipped: [],
};

function storeOf(saved: SavedResults | undefined, nodes = NODES): ResultStore {
  return {
    find: () => Promise.resolve(saved),
    failing: (_: unknown, from: number, limit: number) => Promise.resolve(nodes.slice(from, from + limit)),
  } as unknown as ResultStore;
}

describe('storedResults', () => {
  it('has all nodes that failed or warned', async () => {
    const found = await storedResults(storeOf(SAVED), RUN);
    expect(found).toMatchObject({ isRecorded: true, scope: SAVED.scope, results: { state: 'available', omitted: 0 } });
    expect(found?.results).toMatchObject({ failed: NODES.slice(0, 300), warned: NODES.slice(300) });
  });

  it('counts nodes that were erased as omitted', async () => {
    const found = await storedResults(storeOf(SAVED, []), RUN);
    expect(found?.results).toMatchObject({ failed: [], warned: [], omitted: 450, counts: { failed: 300 } });
  });

  it('has the reason for missing results', async () => {
    const { counts: _, ...missing } = { ...SAVED, failing: 0, reason: 'canceled' } as const;
    const found = await storedResults(storeOf(missing), RUN);
    expect(found?.results).toEqual({ state: 'missing', reason: 'canceled' });
  });

  it('is undefined for results that were not read, and for a store without results', async () => {
    expect(await storedResults(storeOf({ ...SAVED, state: 'unread' }), RUN)).toBeUndefined();
    expect(await storedResults(storeOf(undefined), RUN)).toBeUndefined();
    expect(await storedResults(undefined, RUN)).toBeUndefined();
  });
});

describe('requireNodeKey', () => {
  const key = { source: 'dbt', scope: '{"accountId":"4"}', nodeId: 'model.shop.orders' };

  it.each([{ nodeId: '' }, { scope: undefined }, { source: 7 }, { node: 'x' }])('rejects %j', (wrong) => {
    expect(() => requireNodeKey(key)).not.toThrow();
    expect(() => requireNodeKey({ ...key, ...wrong } as never)).toThrow(ConfigurationError);
  });
});

import { equal } from 'node:assert/strict';
import type { Purge, Purged } from 'nestjs-runhooks/core';
import { at, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import {
  claimedFor,
  COUNTS,
  failedNode,
  recordFailure,
  resultsOf,
  runOf,
  savedFor,
  SCOPE,
  stepOf,
} from './results-harness.js';

const A = 'model.shop.a';
const NEVER = at(-1_000_000);

/** Purges in small steps until nothing is left, and returns the numbers of results and nodes. */
async function purge({ store }: StoreHarness, fields: Partial<Purge>): Promise<Pick<Purged, 'results' | 'nodes'>> {
  const times = { finishedBefore: NEVER, deadBefore: NEVER, deduplicationBefore: NEVER, tasksBefore: NEVER };
  const purge: Purge = { ...times, goodBefore: NEVER, nodesBefore: NEVER, limit: 2, ...fields };
  const sum = { results: 0, nodes: 0 };
  for (let step = 0; step < 10; step += 1) {
    const { results, nodes } = await store.purge(purge);
    sum.results += results;
    sum.nodes += nodes;
  }
  return sum;
}

/** Cases for a store with results. */
export const resultsUpkeepCases: readonly ContractCase[] = [
  {
    title: 'purge: removes old results with their nodes, after the message of their run',
    run: async (harness) => {
      const results = resultsOf(harness);
      const old = { finishedBefore: at(100), deadBefore: at(100) };
      const unfinished = await savedFor(harness, '1', { failing: [failedNode(A)] });
      for (const runId of ['2', '3', '4']) await harness.settle(await recordFailure(harness, runId, A));
      same(await purge(harness, { finishedBefore: at(0), deadBefore: at(0) }), { results: 0, nodes: 0 });
      same(await purge(harness, old), { results: 3, nodes: 0 });
      same([await results.find(runOf('2')), await results.failing(runOf('2'), 0, 9)], [undefined, []]);
      equal((await results.find(runOf('1')))?.failing, 1);
      await harness.settle(unfinished, { state: 'dead' });
      same(await purge(harness, { finishedBefore: at(100) }), { results: 0, nodes: 0 });
      same(await purge(harness, old), { results: 1, nodes: 0 });
    },
  },
  {
    title: 'purge: removes the ids of nodes that did not fail earlier than the results',
    run: async (harness) => {
      const results = resultsOf(harness);
      const runIds = ['1', '2', '3', '4', '5'];
      for (const runId of runIds) await savedFor(harness, runId, { good: [A] });
      await purge(harness, { goodBefore: at(0) });
      same((await results.find(runOf('1')))?.good, [A]);
      await purge(harness, { goodBefore: at(1) });
      for (const runId of runIds) {
        const saved = await results.find(runOf(runId));
        same([saved?.good, saved?.skipped, saved?.state], [[], [], 'recording']);
      }
    },
  },
  {
    title: 'purge: removes nodes that no run has observed for long, with their incidents',
    run: async (harness) => {
      const results = resultsOf(harness);
      for (const [index, id] of ['a', 'b', 'c', 'd'].entries()) {
        await recordFailure(harness, `${index}`, id, { observedMs: index });
      }
      same(await purge(harness, { nodesBefore: at(3) }), { results: 0, nodes: 3 });
      same(await results.trackedNodes({ source: SOURCE, scope: SCOPE }), ['d']);
    },
  },
  {
    title: 'erase: removes the nodes of the results of a message, and keeps their numbers',
    run: async (harness) => {
      const results = resultsOf(harness);
      const text = 'the address ada@example.com';
      const [held, other] = [
        await savedFor(harness, '7', { failing: [failedNode(A, { message: text })] }),
        await savedFor(harness, '8', { failing: [failedNode(A, { message: text })] }),
      ];
      const messageIds = [held.event.messageId ?? ''];
      same(
        new Set((await harness.store.messagesHolding(['ada@example.com'], {})).items),
        new Set([...messageIds, other.event.messageId]),
      );
      const erasure = { messageIds, eventIds: [], runs: [], texts: [] };
      equal((await harness.store.erase(erasure, harness.decision(), at(0))).held, 1);
      equal((await results.failing(runOf('7'), 0, 1)).length, 1);
      await harness.settle(held);
      equal((await harness.store.erase(erasure, harness.decision(), at(0))).messages, 1);
      same(await results.failing(runOf('7'), 0, 1), []);
      equal((await results.find(runOf('7')))?.failing, 1);
      equal((await results.failing(runOf('8'), 0, 1)).length, 1);
      same((await harness.store.messagesHolding(['ada@example.com'], {})).items, [other.event.messageId]);
      await harness.settle(other);
      await harness.store.erase({ ...erasure, messageIds: [], runs: [runOf('8')] }, harness.decision(), at(0));
      same(await results.failing(runOf('8'), 0, 1), []);
    },
  },
  {
    title: 'erase: leaves no results behind that are recorded at the same time',
    run: async (harness) => {
      const results = resultsOf(harness);
      for (let round = 0; round < 5; round += 1) {
        const runId = `${round}`;
        const held = await claimedFor(harness, runId);
        const erasure = { messageIds: [held.event.messageId ?? ''], eventIds: [], runs: [], texts: [] };
        // A lease that has expired no longer protects the message.
        const late = new Date(8.64e14);
        const failing = [failedNode(A, { message: 'quoted' })];
        const content = { state: 'available', counts: COUNTS, failing, good: [], skipped: [] } as const;
        const events = [harness.event({ id: `node.failed:${runId}`, type: 'node.failed', data: '"quoted"' })];
        await Promise.all([
          results
            .save(held, { run: runOf(runId), scope: SCOPE, finishedAt: at(0), content }, at(0))
            .then(() => results.recordNodes(held, stepOf({ runId, decided: { events } }), at(0))),
          harness.store.erase(erasure, harness.decision(), late),
        ]);
        same(await results.failing(runOf(runId), 0, 1), []);
        const [event] = (await harness.store.events({ ids: [`node.failed:${runId}`] }, {})).items;
        equal(event?.data.includes('quoted') ?? false, false);
      }
    },
  },
];

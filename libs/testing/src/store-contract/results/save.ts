import { equal, ok } from 'node:assert/strict';
import { at, LEASE_MS, SOURCE } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import {
  claimedFor,
  COUNTS,
  failedNode,
  newResults,
  nodeIds,
  OTHER_SCOPE,
  recordFailure,
  resultsOf,
  runOf,
  savedFor,
  SCOPE,
  SCOPE_WITH_TARGET,
  stepOf,
  unread,
} from './results-harness.js';

/** Cases for a store with results. */
export const saveResultsCases: readonly ContractCase[] = [
  {
    title: 'results.save: saves results, and returns what it has saved',
    run: async (harness) => {
      const results = resultsOf(harness);
      const held = await claimedFor(harness);
      equal(await results.find(runOf('7')), undefined);
      const failing = [failedNode('model.shop.a', { startedAt: at(-9), failures: 3 })];
      const saved = await results.save(held, newResults({ failing, good: ['model.shop.b'] }), at(0));
      const expected = { state: 'recording', scope: SCOPE, finishedAt: at(0), counts: COUNTS, failing: 1, recorded: 0 };
      same(saved, { ...expected, good: ['model.shop.b'], skipped: ['model.shop.skipped'] });
      same(await results.find(runOf('7')), saved);
      same(await results.failing(runOf('7'), 0, 10), failing);
      equal(await results.find({ ...runOf('7'), accountId: '2' }), undefined);
    },
  },
  {
    title: 'results.save: saves the reason for missing results, and results of isolated runs without scope',
    run: async (harness) => {
      const results = resultsOf(harness);
      const content = { state: 'missing', reason: 'canceled' } as const;
      const held = await claimedFor(harness);
      const { scope: _, ...isolated } = newResults({ content });
      const saved = await results.save(held, isolated, at(0));
      const empty = { failing: 0, recorded: 0, good: [], skipped: [] };
      same(saved, { state: 'recording', finishedAt: at(0), reason: 'canceled', ...empty });
      same(await results.find(runOf('7')), saved);
    },
  },
  {
    title: 'results.save: keeps results that are being recorded, or were',
    run: async (harness) => {
      const results = resultsOf(harness);
      const held = await savedFor(harness, '7', { failing: nodeIds(2).map((id) => failedNode(id)) });
      await results.recordNodes(held, stepOf(), at(0));
      const known = await results.find(runOf('7'));
      same([known?.recorded, known?.failing, known?.state], [1, 2, 'recording']);
      same(await results.save(held, newResults(), at(1)), known);
      await results.recordNodes(held, stepOf({ from: 1, to: 2, isLast: true }), at(1));
      const again = await results.save(held, newResults({ content: unread() }), at(2));
      same([(again as typeof known)?.state, (await results.failing(runOf('7'), 0, 10)).length], ['recorded', 2]);
    },
  },
  {
    title: 'results.failing: returns a part of many nodes in their order',
    run: async (harness) => {
      const results = resultsOf(harness);
      const ids = nodeIds(450).reverse();
      await savedFor(harness, '7', { failing: ids.map((id) => failedNode(id)) });
      const read = async (from: number, limit: number): Promise<string[]> =>
        (await results.failing(runOf('7'), from, limit)).map(({ uniqueId }) => uniqueId);
      for (const [from, limit] of [
        [0, 450],
        [0, 200],
        [200, 200],
        [199, 2],
        [400, 200],
        [150, 300],
      ] as const) {
        same(await read(from, limit), ids.slice(from, from + limit));
      }
      same(await read(450, 10), []);
      same(await results.failing(runOf('8'), 0, 10), []);
    },
  },
  {
    title: 'results.save: keeps any text, also NUL and lone surrogates',
    run: async (harness) => {
      const results = resultsOf(harness);
      const odd = 'a NUL \0, a lone surrogate \ud800, a ␛, an escape that is none ␛0000, "quotes\\" and a duck 🦆';
      const node = failedNode(odd, { message: odd, relation: odd, name: odd });
      await savedFor(harness, '7', { failing: [node], good: [odd] });
      same(await results.failing(runOf('7'), 0, 1), [node]);
      same((await results.find(runOf('7')))?.good, [odd]);
    },
  },
  {
    title: 'results.save, results.recordNodes, results.addDeliveries: write nothing after the claim was lost',
    run: async (harness) => {
      const results = resultsOf(harness);
      const held = await savedFor(harness, '7');
      const other = await claimedFor(harness, '8');
      const lost = { id: other.id, lease: 'lost' };
      equal(await results.save(lost, newResults({ runId: '8' }), at(0)), undefined);
      equal(await results.find(runOf('8')), undefined);
      equal(await results.recordNodes({ ...held, lease: 'lost' }, stepOf(), at(0)), undefined);
      equal((await results.find(runOf('7')))?.recorded, 0);
      const added = [{ eventId: held.event.id, deliveries: [{ id: 'dlv_added', handlerId: 'added' }] }];
      equal(await results.addDeliveries(lost, 'replay', added, at(0)), undefined);
      await harness.settle(held);
      equal(await results.recordNodes(held, stepOf(), at(0)), undefined);
      equal((await harness.store.deliveries({ handlerId: 'added' }, {})).items.length, 0);
    },
  },
  {
    title: 'results.save: keeps a success unread, lists it by place, and replaces it by its results',
    run: async (harness) => {
      const results = resultsOf(harness);
      const held = await claimedFor(harness);
      const success = newResults({ content: unread(), endMs: 5 });
      const saved = await results.save(held, success, at(0));
      ok(saved !== undefined && saved !== 'wanted');
      same([saved.state, saved.scope, saved.failing], ['unread', SCOPE, 0]);
      const list = async (scope: string, after: number) =>
        (await results.unreadAfter({ source: SOURCE, scope }, at(after), {})).items;
      same(await list(SCOPE, 4), [runOf('7')]);
      same(await list(SCOPE_WITH_TARGET, 4), [runOf('7')]);
      same([await list(SCOPE, 5), await list(OTHER_SCOPE, 4)], [[], []]);
      await results.save(held, newResults({ scope: SCOPE_WITH_TARGET, good: ['model.shop.a'] }), at(1));
      const replaced = await results.find(runOf('7'));
      same([replaced?.state, replaced?.scope, replaced?.good], ['recording', SCOPE_WITH_TARGET, ['model.shop.a']]);
      same(await list(SCOPE, 4), []);
    },
  },
  {
    title: 'results.unreadAfter: lists runs page by page, those that ended first first',
    run: async (harness) => {
      const results = resultsOf(harness);
      for (const [runId, endMs] of [
        ['9', 3],
        ['7', 1],
        ['8', 2],
        ['6', 2],
      ] as const) {
        await results.save(await claimedFor(harness, runId), newResults({ runId, endMs, content: unread() }), at(0));
      }
      const key = { source: SOURCE, scope: SCOPE };
      const found: string[] = [];
      let after: string | undefined;
      do {
        const page = await results.unreadAfter(key, at(0), { limit: 1, ...(after !== undefined && { after }) });
        found.push(...page.items.map(({ runId }) => runId));
        after = page.next;
      } while (after !== undefined);
      same(found, ['7', '6', '8', '9']);
    },
  },
  {
    title: 'results.save: reports a success as wanted while its place has an open incident',
    run: async (harness) => {
      const results = resultsOf(harness);
      await recordFailure(harness, '1', 'model.shop.a', { scope: SCOPE_WITH_TARGET, observedMs: 100 });
      const save = async (runId: string, scope: string, observedSince: number): Promise<unknown> => {
        const content = unread({ observedSince });
        return await results.save(await claimedFor(harness, runId), newResults({ runId, scope, content }), at(200));
      };
      equal(await save('2', SCOPE, 100), 'wanted');
      equal(await results.find(runOf('2')), undefined);
      ok((await save('3', SCOPE, 101)) !== 'wanted');
      ok((await save('4', OTHER_SCOPE, 0)) !== 'wanted');
      same(
        [
          await results.hasIncident({ source: SOURCE, scope: SCOPE }, at(100)),
          await results.hasIncident({ source: SOURCE, scope: SCOPE }, at(101)),
          await results.hasIncident({ source: SOURCE, scope: OTHER_SCOPE }, at(0)),
          await results.hasIncident({ source: 'another', scope: SCOPE }, at(0)),
        ],
        [true, false, false, false],
      );
    },
  },
  {
    title:
      'results.save: reports a success as wanted while another version of a handler that asks for results is registered',
    run: async (harness) => {
      const results = resultsOf(harness);
      await harness.store.register(
        {
          processId: 'process',
          role: 'worker',
          label: 'host 1',
          startedAt: at(0),
          handlers: [
            ['a', 'run.results'],
            ['b', 'run.results'],
            ['c', 'node.failed'],
          ].map(([id = '', type]) => {
            return { id, version: `${id}@1`, subscriptions: JSON.stringify([{ on: { types: [type] } }]) };
          }),
          abandoned: [],
          lapsedBefore: at(-LEASE_MS),
          missingBefore: at(-LEASE_MS),
          scope: { sources: [], handlerIds: [], taskHandlerIds: [] },
        },
        at(0),
      );
      const held = await claimedFor(harness);
      const save = (handlers: string[]) => results.save(held, newResults({ content: unread({ handlers }) }), at(0));
      equal(await save(['a@1']), 'wanted');
      ok((await save(['a@1', 'b@1'])) !== 'wanted');
    },
  },
  {
    title: 'results.save: misses no incident that opens at the same time',
    run: async (harness) => {
      const results = resultsOf(harness);
      for (let round = 0; round < 5; round += 1) {
        const scope = `{"accountId":"${round}"}`;
        const failed = `failed ${round}`;
        const succeeded = `succeeded ${round}`;
        const held = await claimedFor(harness, succeeded);
        const fields = { runId: succeeded, scope, endMs: 5, content: unread() };
        const [saved] = await Promise.all([
          results.save(held, newResults(fields), at(0)),
          recordFailure(harness, failed, 'model.shop.a', { scope }),
        ]);
        const listed = await results.unreadAfter({ source: SOURCE, scope }, at(0), {});
        same(listed.items, saved === 'wanted' ? [] : [runOf(succeeded)]);
      }
    },
  },
];

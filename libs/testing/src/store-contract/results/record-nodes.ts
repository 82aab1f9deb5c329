import { equal, ok } from 'node:assert/strict';
import type { KnownNodes, NewEvent, NodeState } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import {
  failedNode,
  nodeIds,
  openState,
  OTHER_SCOPE,
  recordFailure,
  resultsOf,
  runOf,
  savedFor,
  SCOPE,
  SCOPE_WITH_TARGET,
  stepOf,
} from './results-harness.js';

const A = 'model.shop.a';
const B = 'model.shop.b';

/** Returns what a step about nodes of a new run passes to its decision. */
async function knownBy(
  harness: StoreHarness,
  runId: string,
  { endMs = 0, scope = SCOPE, ids = [A, B], handlers = [] as readonly string[] } = {},
): Promise<KnownNodes> {
  const held = await savedFor(harness, runId, { endMs, scope });
  let known: KnownNodes | undefined;
  const decide = (found: KnownNodes) => {
    known = found;
    return { nodes: new Map<string, NodeState>(), events: [], tasks: [] };
  };
  await resultsOf(harness).recordNodes(held, stepOf({ runId, scope, nodeIds: ids, handlers, decide }), at(0));
  ok(known);
  return known;
}

function failureEvent(harness: StoreHarness, id: string, handlerIds: readonly string[] = [HANDLER]): NewEvent {
  return harness.event({ id, type: 'node.failed', handlerIds });
}

/** Cases for a store with results. */
export const recordNodesCases: readonly ContractCase[] = [
  {
    title: 'results.recordNodes: writes states, events with deliveries, tasks and the next position',
    run: async (harness) => {
      const results = resultsOf(harness);
      const held = await savedFor(harness, '7', { failing: [failedNode(A)] });
      const events = [failureEvent(harness, 'node.failed:a', ['a', 'b'])];
      const tasks = [{ id: 'task', kind: 'hand-off', handlerId: 'x@1', dueAt: at(0), data: '{}' }] as const;
      const nodes = new Map([[A, openState('7')]]);
      const before = (await harness.store.counts()).events;
      const step = stepOf({ decided: { nodes, events, tasks } });
      same(await results.recordNodes(held, step, at(9)), events);
      const saved = await results.find(runOf('7'));
      same([saved?.state, saved?.recorded], ['recording', 1]);
      same(await results.trackedNodes({ source: SOURCE, scope: SCOPE }), [A]);
      const { messageId } = held.event;
      const [event] = (await harness.store.events({ type: 'node.failed' }, {})).items;
      same([event?.messageId, event?.source, event?.recordedAt], [messageId, SOURCE, at(9)]);
      equal((await harness.store.deliveries({ eventId: 'node.failed:a' }, {})).items.length, 2);
      const counts = await harness.store.counts();
      same([counts.events - before, counts.checks], [1, 1]);
    },
  },
  {
    title: 'results.recordNodes: writes a step once, and ends the recording with the last one',
    run: async (harness) => {
      const results = resultsOf(harness);
      const held = await savedFor(harness, '7');
      const step = (from: number, to: number, isLast?: true) => {
        const events = [failureEvent(harness, `node.failed:${from}`)];
        return results.recordNodes(held, stepOf({ from, to, ...(isLast && { isLast }), decided: { events } }), at(0));
      };
      equal((await step(0, 1))?.length, 1);
      same(await step(0, 1), []);
      same(await step(2, 3), []);
      equal((await step(1, 1, true))?.length, 1);
      same(await step(1, 1, true), []);
      same([(await results.find(runOf('7')))?.state, (await harness.store.counts()).events], ['recorded', 3]);
      const { scope: _, ...unsaved } = stepOf({ runId: '8' });
      same(await results.recordNodes(held, unsaved, at(0)), []);
    },
  },
  {
    title: 'results.recordNodes: writes exactly one of several concurrent steps from one position',
    run: async (harness) => {
      const results = resultsOf(harness);
      const held = await savedFor(harness, '7');
      const events = Array.from({ length: 5 }, (_, index) => [failureEvent(harness, `node.failed:${index}`)]);
      const written = await Promise.all(
        events.map((one) => results.recordNodes(held, stepOf({ decided: { events: one } }), at(0))),
      );
      equal(written.flat().length, 1);
      equal((await harness.store.events({ type: 'node.failed' }, {})).items.length, 1);
    },
  },
  {
    title: 'results.recordNodes: adds no deliveries to an event that exists already',
    run: async (harness) => {
      const results = resultsOf(harness);
      const held = await savedFor(harness, '7');
      const [first, second] = ['a', 'b'].map((handler) => failureEvent(harness, 'node.failed:a', [handler]));
      ok(first && second);
      same(await results.recordNodes(held, stepOf({ decided: { events: [first] } }), at(0)), [first]);
      same(await results.recordNodes(held, stepOf({ from: 1, to: 2, decided: { events: [second] } }), at(0)), []);
      const deliveries = (await harness.store.deliveries({ eventId: 'node.failed:a' }, {})).items;
      same(
        deliveries.map(({ handlerId }) => handlerId),
        ['a'],
      );
    },
  },
  {
    title: 'results.recordNodes: passes the states of its nodes, of its scope only, and replaces them',
    run: async (harness) => {
      const state: NodeState = { ...openState('1', { endMs: 5, observedMs: 6 }), latestSuccessAt: at(-3) };
      const held = await savedFor(harness, '1');
      const step = stepOf({ runId: '1', decided: { nodes: new Map([[A, openState('0')]]) } });
      await resultsOf(harness).recordNodes(held, step, at(0));
      const next = stepOf({ runId: '1', from: 1, to: 2, decided: { nodes: new Map([[A, state]]) } });
      await resultsOf(harness).recordNodes(held, next, at(0));
      await recordFailure(harness, '2', B, { scope: SCOPE_WITH_TARGET });
      same((await knownBy(harness, '3')).nodes, new Map([[A, state]]));
      same([...(await knownBy(harness, '4', { scope: SCOPE_WITH_TARGET })).nodes.keys()], [B]);
      same((await knownBy(harness, '5', { scope: OTHER_SCOPE })).nodes, new Map());
      same((await knownBy(harness, '6', { ids: [B] })).nodes, new Map());
    },
  },
  {
    title: 'results.recordNodes: keeps any id of a node, also with NUL',
    run: async (harness) => {
      const id = 'test.shop.odd \0 ␛ ␛0000 "\\ 🦆';
      await recordFailure(harness, '1', id);
      same([...(await knownBy(harness, '2', { ids: [id] })).nodes.keys()], [id]);
      same(await resultsOf(harness).trackedNodes({ source: SOURCE, scope: SCOPE }), [id]);
    },
  },
  {
    title: 'results.recordNodes: passes the latest success of its nodes in later runs of the scope',
    run: async (harness) => {
      await savedFor(harness, '1', { endMs: 10, good: [A, B] });
      await savedFor(harness, '2', { endMs: 20, good: [A] });
      await savedFor(harness, '3', { endMs: 30, good: [A, B], scope: SCOPE_WITH_TARGET });
      const later = async (runId: string, endMs: number) => (await knownBy(harness, runId, { endMs })).laterSuccesses;
      same(
        await later('4', 5),
        new Map([
          [A, at(20)],
          [B, at(10)],
        ]),
      );
      same(await later('5', 10), new Map([[A, at(20)]]));
      same(await later('6', 20), new Map());
      same((await knownBy(harness, '7', { endMs: 5, ids: [B] })).laterSuccesses, new Map([[B, at(10)]]));
    },
  },
  {
    title: 'results.recordNodes: passes registered versions of handlers that the process does not have',
    run: async (harness) => {
      await harness.store.register(
        {
          processId: 'process',
          role: 'worker',
          label: 'host 1',
          startedAt: at(0),
          handlers: ['a@1', 'b@1'].map((version) => ({ id: version.slice(0, 1), version, subscriptions: '[]' })),
          abandoned: [],
          lapsedBefore: at(-LEASE_MS),
          missingBefore: at(-LEASE_MS),
          scope: { sources: [], handlerIds: [], taskHandlerIds: [] },
        },
        at(0),
      );
      same((await knownBy(harness, '1', { handlers: ['a@1'] })).otherHandlers, ['b@1']);
      equal((await knownBy(harness, '2', { handlers: ['a@1', 'b@1'] })).otherHandlers, undefined);
    },
  },
  {
    title: 'results.recordNodes: lets each of several concurrent steps of one scope see the earlier ones',
    run: async (harness) => {
      const results = resultsOf(harness);
      const runIds = ['1', '2', '3', '4', '5', '6'];
      const held = new Map<string, Awaited<ReturnType<typeof savedFor>>>();
      for (const runId of runIds) held.set(runId, await savedFor(harness, runId));
      const saw: number[] = [];
      await Promise.all(
        [...held].map(([runId, delivery]) => {
          const decide = ({ nodes }: KnownNodes) => {
            const known = nodes.get(A)?.history ?? [];
            const [own] = openState(runId).history;
            ok(own);
            const state = { ...openState(runId), history: [...known, own] };
            return { nodes: new Map([[A, state]]), events: [], tasks: [] };
          };
          return results.recordNodes(delivery, stepOf({ runId, nodeIds: [A], decide }), at(0));
        }),
      );
      saw.push((await knownBy(harness, '9')).nodes.get(A)?.history.length ?? 0);
      same(saw, [runIds.length]);
    },
  },
  {
    title: 'results.recordNodes: records 1,000 nodes with two deliveries each in steps',
    run: async (harness) => {
      const results = resultsOf(harness);
      const ids = nodeIds(1_000);
      const held = await savedFor(harness, '7', { failing: ids.map((id) => failedNode(id)) });
      for (let from = 0; from < ids.length; from += 200) {
        const failing = await results.failing(runOf('7'), from, 200);
        const decided = {
          nodes: new Map(failing.map(({ uniqueId }) => [uniqueId, openState('7')])),
          events: failing.map(({ uniqueId }) => failureEvent(harness, `node.failed:${uniqueId}`, ['a', 'b'])),
        };
        const to = from + failing.length;
        const step = stepOf({ from, to, ...(to === ids.length && { isLast: true }), decided });
        equal((await results.recordNodes(held, step, at(0)))?.length, 200);
      }
      const { events, deliveries } = await harness.store.counts();
      same([events, deliveries.pending], [1_001, 2_001]);
      same(await results.trackedNodes({ source: SOURCE, scope: SCOPE }), ids);
      equal((await results.find(runOf('7')))?.state, 'recorded');
    },
  },
  {
    title: 'results.addDeliveries: adds a delivery once per event, handler and replay',
    run: async (harness) => {
      const results = resultsOf(harness);
      const [held, other] = [await savedFor(harness, '7'), await savedFor(harness, '8')];
      const add = (id: string, replayId: string) =>
        results.addDeliveries(
          held,
          replayId,
          [
            { eventId: other.event.id, deliveries: [{ id, handlerId: 'added' }] },
            { eventId: 'run.completed:unknown', deliveries: [{ id: `${id} of no event`, handlerId: 'added' }] },
          ],
          at(0),
        );
      same([await add('dlv_1', 'one'), await add('dlv_2', 'one'), await add('dlv_3', 'two')], [1, 0, 1]);
      const { items } = await harness.takeDeliveries({ handlerIds: ['added'] });
      same(
        new Map(items.map(({ id, replayId, event }) => [id, [replayId, event.id]])),
        new Map([
          ['dlv_1', ['one', other.event.id]],
          ['dlv_3', ['two', other.event.id]],
        ]),
      );
    },
  },
];

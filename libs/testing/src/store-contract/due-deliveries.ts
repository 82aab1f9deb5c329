import { equal } from 'node:assert/strict';
import { at, HANDLER, LEASE_MS, onlyOne, type StoreHarness } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

/** An event with one delivery; answers its id. */
async function deliver(harness: StoreHarness, fields: { handlerId?: string; lane?: string; ms?: number } = {}) {
  const { handlerId = HANDLER, lane, ms = 0 } = fields;
  const event = harness.event({ handlerIds: [handlerId] });
  const deliveries = event.deliveries.map((delivery) => ({ ...delivery, ...(lane !== undefined && { lane }) }));
  await harness.readInto({ ...event, deliveries }, at(ms));
  return deliveries[0]?.id ?? '';
}

async function due(harness: StoreHarness, ms = 0, limit = 100, handlerIds: readonly string[] = [HANDLER]) {
  return await harness.store.dueDeliveries({ now: at(ms), limit, handlerIds });
}

/** Claims them by their ids; answers those that were taken. */
async function take(harness: StoreHarness, deliveryIds: readonly string[], ms = 0, handlerIds = [HANDLER]) {
  const claim = { now: at(ms), leaseMs: LEASE_MS, limit: 10, lease: `lease at ${ms}`, handlerIds, deliveryIds };
  return await harness.store.claimDeliveries(claim);
}

export const dueDeliveriesCases: readonly ContractCase[] = [
  {
    title: 'dueDeliveries: tells what could be claimed, longest due first, with the next attempt, and takes nothing',
    run: async (harness) => {
      const second = await deliver(harness, { ms: 20 });
      const first = await deliver(harness, { ms: 10 });
      await deliver(harness, { handlerId: 'other' });
      const [one, two] = [
        { id: first, attempt: 1, dueAt: at(10) },
        { id: second, attempt: 1, dueAt: at(20) },
      ];
      same(await due(harness, 15), [one]);
      same(await due(harness, 20), [one, two]);
      same(await due(harness, 20, 1), [one]);
      same(await due(harness, 20, 10, []), []);
      const held = onlyOne(await harness.takeDeliveries({ at: 15 }));
      same(await due(harness, 20), [two]);
      same(await due(harness, 15 + LEASE_MS), [two, { id: first, attempt: 2, dueAt: at(15 + LEASE_MS) }]);
      await harness.settle(held, { state: 'pending', dueAt: at(5) });
      same(await due(harness, 5), [{ id: first, attempt: 2, dueAt: at(5) }]);
    },
  },
  {
    title: 'dueDeliveries: of a lane tells only the first, and none while one of it is held',
    run: async (harness) => {
      const [first] = [await deliver(harness, { lane: 'lane' }), await deliver(harness, { lane: 'lane' })];
      same(await due(harness), [{ id: first, attempt: 1, dueAt: at(0) }]);
      await harness.takeDeliveries();
      same(await due(harness), []);
    },
  },
  {
    title: 'claimDeliveries: by id takes just these, if they are due, free, and of the handlers named',
    run: async (harness) => {
      const [one, two] = [await deliver(harness), await deliver(harness, { ms: 50 })];
      const other = await deliver(harness, { handlerId: 'other' });
      same(await take(harness, []), []);
      same(await take(harness, ['nowhere', two, other]), []);
      const [claimed, ...more] = await take(harness, [one]);
      same([claimed?.id, claimed?.attempt, claimed?.lease, more], [one, 1, 'lease at 0', []]);
      same(await take(harness, [one], 1), []);
      const later = await take(harness, [two, one, two], LEASE_MS);
      same(
        later.map(({ id, attempt }) => `${id} ${attempt}`),
        [`${one} 2`, `${two} 1`],
      );
      equal(await harness.settle({ id: two, lease: `lease at ${LEASE_MS}` }), true);
      same(await take(harness, [two], 10 * LEASE_MS), []);
    },
  },
  {
    title: 'claimDeliveries: by id takes of a lane only the first, and none while one of it is held',
    run: async (harness) => {
      const [first, second] = [await deliver(harness, { lane: 'lane' }), await deliver(harness, { lane: 'lane' })];
      same(await take(harness, [second]), []);
      same(
        (await take(harness, [second, first])).map(({ id }) => id),
        [first],
      );
      same(await take(harness, [second]), []);
      await harness.settle({ id: first, lease: 'lease at 0' });
      equal((await take(harness, [second])).length, 1);
    },
  },
  {
    title: 'claimDeliveries: by id, at once, takes a delivery once',
    run: async (harness) => {
      const id = await deliver(harness);
      const claims = await Promise.all(Array.from({ length: 20 }, () => take(harness, [id])));
      equal(claims.flat().length, 1);
    },
  },
];

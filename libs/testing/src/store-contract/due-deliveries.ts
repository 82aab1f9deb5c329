import { equal } from 'node:assert/strict';
import { at, HANDLER, LEASE_MS, onlyOne, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

/** An event with one delivery; answers its id. */
async function deliver(bench: StoreBench, fields: { handlerId?: string; lane?: string; ms?: number } = {}) {
  const { handlerId = HANDLER, lane, ms = 0 } = fields;
  const event = bench.event({ handlerIds: [handlerId] });
  const deliveries = event.deliveries.map((delivery) => ({ ...delivery, ...(lane !== undefined && { lane }) }));
  await bench.readInto({ ...event, deliveries }, at(ms));
  return deliveries[0]?.id ?? '';
}

async function due(bench: StoreBench, ms = 0, limit = 100, handlerIds: readonly string[] = [HANDLER]) {
  return await bench.store.dueDeliveries({ now: at(ms), limit, handlerIds });
}

/** Claims them by their ids; answers those that were taken. */
async function take(bench: StoreBench, deliveryIds: readonly string[], ms = 0, handlerIds = [HANDLER]) {
  const claim = { now: at(ms), leaseMs: LEASE_MS, limit: 10, lease: `lease at ${ms}`, handlerIds, deliveryIds };
  return await bench.store.claimDeliveries(claim);
}

export const dueDeliveriesCases: readonly ContractCase[] = [
  {
    title: 'dueDeliveries: tells what could be claimed, longest due first, with the next attempt, and takes nothing',
    run: async (bench) => {
      const second = await deliver(bench, { ms: 20 });
      const first = await deliver(bench, { ms: 10 });
      await deliver(bench, { handlerId: 'other' });
      const [one, two] = [
        { id: first, attempt: 1, dueAt: at(10) },
        { id: second, attempt: 1, dueAt: at(20) },
      ];
      same(await due(bench, 15), [one]);
      same(await due(bench, 20), [one, two]);
      same(await due(bench, 20, 1), [one]);
      same(await due(bench, 20, 10, []), []);
      const held = onlyOne(await bench.takeDeliveries({ at: 15 }));
      same(await due(bench, 20), [two]);
      same(await due(bench, 15 + LEASE_MS), [two, { id: first, attempt: 2, dueAt: at(15 + LEASE_MS) }]);
      await bench.settle(held, { state: 'pending', dueAt: at(5) });
      same(await due(bench, 5), [{ id: first, attempt: 2, dueAt: at(5) }]);
    },
  },
  {
    title: 'dueDeliveries: of a lane tells only the first, and none while one of it is held',
    run: async (bench) => {
      const [first] = [await deliver(bench, { lane: 'lane' }), await deliver(bench, { lane: 'lane' })];
      same(await due(bench), [{ id: first, attempt: 1, dueAt: at(0) }]);
      await bench.takeDeliveries();
      same(await due(bench), []);
    },
  },
  {
    title: 'claimDeliveries: by id takes just these, if they are due, free, and of the handlers named',
    run: async (bench) => {
      const [one, two] = [await deliver(bench), await deliver(bench, { ms: 50 })];
      const other = await deliver(bench, { handlerId: 'other' });
      same(await take(bench, []), []);
      same(await take(bench, ['nowhere', two, other]), []);
      const [claimed, ...more] = await take(bench, [one]);
      same([claimed?.id, claimed?.attempt, claimed?.lease, more], [one, 1, 'lease at 0', []]);
      same(await take(bench, [one], 1), []);
      const later = await take(bench, [two, one, two], LEASE_MS);
      same(
        later.map(({ id, attempt }) => `${id} ${attempt}`),
        [`${one} 2`, `${two} 1`],
      );
      equal(await bench.settle({ id: two, lease: `lease at ${LEASE_MS}` }), true);
      same(await take(bench, [two], 10 * LEASE_MS), []);
    },
  },
  {
    title: 'claimDeliveries: by id takes of a lane only the first, and none while one of it is held',
    run: async (bench) => {
      const [first, second] = [await deliver(bench, { lane: 'lane' }), await deliver(bench, { lane: 'lane' })];
      same(await take(bench, [second]), []);
      same(
        (await take(bench, [second, first])).map(({ id }) => id),
        [first],
      );
      same(await take(bench, [second]), []);
      await bench.settle({ id: first, lease: 'lease at 0' });
      equal((await take(bench, [second])).length, 1);
    },
  },
  {
    title: 'claimDeliveries: by id, at once, takes a delivery once',
    run: async (bench) => {
      const id = await deliver(bench);
      const claims = await Promise.all(Array.from({ length: 20 }, () => take(bench, [id])));
      equal(claims.flat().length, 1);
    },
  },
];

import { equal } from 'node:assert/strict';
import { at, LEASE_MS, MUCH_LATER, onlyOne } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

export const settleCases: readonly ContractCase[] = [
  ...(['succeeded', 'skipped', 'dead'] as const).map((state): ContractCase => ({
    title: `settle: a delivery that is ${state} is never taken again`,
    run: async (bench) => {
      await bench.readInto(bench.event());
      equal(await bench.settle(onlyOne(await bench.takeDeliveries()), { state }), true);
      equal((await bench.takeDeliveries({ at: MUCH_LATER })).items.length, 0);
      equal((await bench.store.counts()).deliveries[state], 1);
    },
  })),
  {
    title: 'settle: a pending delivery is taken again when it is due, and not before',
    run: async (bench) => {
      await bench.readInto(bench.event());
      const first = onlyOne(await bench.takeDeliveries());
      equal(await bench.settle(first, { state: 'pending', dueAt: at(5_000) }), true);
      equal((await bench.takeDeliveries({ at: 4_999 })).items.length, 0);
      const second = onlyOne(await bench.takeDeliveries({ at: 5_000 }));
      same([second.id, second.attempt], [first.id, 2]);
    },
  },
  {
    title: 'settle: a pending delivery that is due at once is taken at once, before its lease would have ended',
    run: async (bench) => {
      await bench.readInto(bench.event());
      await bench.settle(onlyOne(await bench.takeDeliveries()), { state: 'pending', dueAt: at(0) });
      equal(onlyOne(await bench.takeDeliveries()).attempt, 2);
    },
  },
  {
    title: 'settle: retries count as attempts, one after the other',
    run: async (bench) => {
      await bench.readInto(bench.event());
      for (const attempt of [1, 2, 3, 4]) {
        const held = onlyOne(await bench.takeDeliveries({ at: attempt * LEASE_MS }));
        equal(held.attempt, attempt);
        await bench.settle(held, { state: 'pending', dueAt: at(attempt * LEASE_MS) });
      }
    },
  },
  {
    title: 'settle: leaves the other deliveries of the event alone',
    run: async (bench) => {
      await bench.readInto(bench.event({ handlerIds: ['a', 'b'] }));
      await bench.settle(onlyOne(await bench.takeDeliveries({ handlerIds: ['a'] })), { state: 'dead' });
      equal(onlyOne(await bench.takeDeliveries({ handlerIds: ['a', 'b'] })).handlerId, 'b');
    },
  },
  {
    title: 'settle: too late, when another holds the delivery, it answers false and writes nothing',
    run: async (bench) => {
      await bench.readInto(bench.event());
      const slow = onlyOne(await bench.takeDeliveries());
      const quick = onlyOne(await bench.takeDeliveries({ at: 2 * LEASE_MS }));
      equal(await bench.settle(slow, { state: 'dead' }), false);
      equal((await bench.store.counts()).deliveries.pending, 1);
      equal((await bench.takeDeliveries({ at: 3 * LEASE_MS - 1 })).items.length, 0);
      equal(await bench.settle(quick), true);
      equal((await bench.store.counts()).deliveries.succeeded, 1);
    },
  },
  {
    title: 'settle: too late, when another has settled the delivery, it answers false and writes nothing',
    run: async (bench) => {
      await bench.readInto(bench.event());
      const slow = onlyOne(await bench.takeDeliveries());
      const quick = onlyOne(await bench.takeDeliveries({ at: 2 * LEASE_MS }));
      await bench.settle(quick);
      equal(await bench.settle(slow, { state: 'pending', dueAt: at(0) }), false);
      equal((await bench.takeDeliveries({ at: MUCH_LATER })).items.length, 0);
    },
  },
  {
    title: 'settle: of settlements of one claim at once exactly one is written',
    run: async (bench) => {
      await bench.readInto(bench.event());
      const held = onlyOne(await bench.takeDeliveries());
      const written = await Promise.all(Array.from({ length: 10 }, () => bench.settle(held)));
      equal(written.filter(Boolean).length, 1);
    },
  },
  {
    title: 'settle: answers false for a delivery that is not there, and for one that nobody has claimed',
    run: async (bench) => {
      equal(await bench.settle({ id: 'dlv_nowhere', lease: 'lease' }), false);
      const event = bench.event();
      await bench.readInto(event);
      const id = event.deliveries[0]?.id ?? '';
      equal(await bench.settle({ id, lease: '' }), false);
      equal((await bench.takeDeliveries()).items.length, 1);
    },
  },
];

import { equal } from 'node:assert/strict';
import { at, LEASE_MS, MUCH_LATER, onlyOne } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

export const settleCases: readonly ContractCase[] = [
  ...(['succeeded', 'skipped', 'dead'] as const).map((state): ContractCase => ({
    title: `settle: a delivery that is ${state} is never taken again`,
    run: async (harness) => {
      await harness.readInto(harness.event());
      equal(await harness.settle(onlyOne(await harness.takeDeliveries()), { state }), true);
      equal((await harness.takeDeliveries({ at: MUCH_LATER })).items.length, 0);
      equal((await harness.store.counts()).deliveries[state], 1);
    },
  })),
  {
    title: 'settle: a pending delivery is taken again when it is due, and not before',
    run: async (harness) => {
      await harness.readInto(harness.event());
      const first = onlyOne(await harness.takeDeliveries());
      equal(await harness.settle(first, { state: 'pending', dueAt: at(5_000) }), true);
      equal((await harness.takeDeliveries({ at: 4_999 })).items.length, 0);
      const second = onlyOne(await harness.takeDeliveries({ at: 5_000 }));
      same([second.id, second.attempt], [first.id, 2]);
    },
  },
  {
    title: 'settle: a pending delivery that is due at once is taken at once, before its lease would have ended',
    run: async (harness) => {
      await harness.readInto(harness.event());
      await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'pending', dueAt: at(0) });
      equal(onlyOne(await harness.takeDeliveries()).attempt, 2);
    },
  },
  {
    title: 'settle: retries count as attempts, one after the other',
    run: async (harness) => {
      await harness.readInto(harness.event());
      for (const attempt of [1, 2, 3, 4]) {
        const held = onlyOne(await harness.takeDeliveries({ at: attempt * LEASE_MS }));
        equal(held.attempt, attempt);
        await harness.settle(held, { state: 'pending', dueAt: at(attempt * LEASE_MS) });
      }
    },
  },
  {
    title: 'settle: leaves the other deliveries of the event alone',
    run: async (harness) => {
      await harness.readInto(harness.event({ handlerIds: ['a', 'b'] }));
      await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: ['a'] })), { state: 'dead' });
      equal(onlyOne(await harness.takeDeliveries({ handlerIds: ['a', 'b'] })).handlerId, 'b');
    },
  },
  {
    title: 'settle: too late, when another holds the delivery, it answers false and writes nothing',
    run: async (harness) => {
      await harness.readInto(harness.event());
      const slow = onlyOne(await harness.takeDeliveries());
      const quick = onlyOne(await harness.takeDeliveries({ at: 2 * LEASE_MS }));
      equal(await harness.settle(slow, { state: 'dead' }), false);
      equal((await harness.store.counts()).deliveries.pending, 1);
      equal((await harness.takeDeliveries({ at: 3 * LEASE_MS - 1 })).items.length, 0);
      equal(await harness.settle(quick), true);
      equal((await harness.store.counts()).deliveries.succeeded, 1);
    },
  },
  {
    title: 'settle: too late, when another has settled the delivery, it answers false and writes nothing',
    run: async (harness) => {
      await harness.readInto(harness.event());
      const slow = onlyOne(await harness.takeDeliveries());
      const quick = onlyOne(await harness.takeDeliveries({ at: 2 * LEASE_MS }));
      await harness.settle(quick);
      equal(await harness.settle(slow, { state: 'pending', dueAt: at(0) }), false);
      equal((await harness.takeDeliveries({ at: MUCH_LATER })).items.length, 0);
    },
  },
  {
    title: 'settle: of settlements of one claim at once exactly one is written',
    run: async (harness) => {
      await harness.readInto(harness.event());
      const held = onlyOne(await harness.takeDeliveries());
      const written = await Promise.all(Array.from({ length: 10 }, () => harness.settle(held)));
      equal(written.filter(Boolean).length, 1);
    },
  },
  {
    title: 'settle: answers false for a delivery that is not there, and for one that nobody has claimed',
    run: async (harness) => {
      equal(await harness.settle({ id: 'dlv_nowhere', lease: 'lease' }), false);
      const event = harness.event();
      await harness.readInto(event);
      const id = event.deliveries[0]?.id ?? '';
      equal(await harness.settle({ id, lease: '' }), false);
      equal((await harness.takeDeliveries()).items.length, 1);
    },
  },
];

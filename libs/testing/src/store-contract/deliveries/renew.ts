import { equal } from 'node:assert/strict';
import { at, LEASE_MS, MUCH_LATER, onlyOne } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

export const renewCases: readonly ContractCase[] = [
  {
    title: 'renew: extends a claim by a lease from now',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const { id, lease } = onlyOne(await harness.takeDeliveries());
      same(await harness.store.renew([{ id, lease }], { now: at(900), leaseMs: LEASE_MS }), [id]);
      equal((await harness.takeDeliveries({ at: 900 + LEASE_MS - 1 })).items.length, 0);
      equal(onlyOne(await harness.takeDeliveries({ at: 900 + LEASE_MS + 1 })).attempt, 2);
    },
  },
  {
    title: 'renew: counts no attempt, and the delivery can still be settled',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const held = onlyOne(await harness.takeDeliveries());
      await harness.store.renew([held], { now: at(10), leaseMs: LEASE_MS });
      equal(await harness.settle(held, { state: 'pending', dueAt: at(20) }), true);
      equal(onlyOne(await harness.takeDeliveries({ at: 20 })).attempt, 2);
    },
  },
  {
    title: 'renew: returns only ids that are still claimed: no settled, unknown or otherwise claimed ones',
    run: async (harness) => {
      await harness.recordEvent(harness.event({ handlerIds: ['lost', 'settled', 'held'] }));
      const lost = onlyOne(await harness.takeDeliveries({ handlerIds: ['lost'] }));
      const settled = onlyOne(await harness.takeDeliveries({ handlerIds: ['settled'] }));
      const held = onlyOne(await harness.takeDeliveries({ handlerIds: ['held'] }));
      await harness.takeDeliveries({ at: 2 * LEASE_MS, handlerIds: ['lost'] });
      await harness.settle(settled);
      const nowhere = { id: 'dlv_nowhere', lease: 'lease' };
      const claim = { now: at(2 * LEASE_MS), leaseMs: LEASE_MS };
      same(await harness.store.renew([lost, settled, nowhere, held], claim), [held.id]);
      same(await harness.store.renew([], claim), []);
    },
  },
  {
    title: 'renew: returns a delivery once that is named with a lost and with a valid claim',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const lost = onlyOne(await harness.takeDeliveries());
      const held = onlyOne(await harness.takeDeliveries({ at: LEASE_MS }));
      const claim = { now: at(LEASE_MS), leaseMs: LEASE_MS };
      same(await harness.store.renew([lost, held], claim), [held.id]);
    },
  },
  {
    title: 'renew: does not change another claim',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const lost = onlyOne(await harness.takeDeliveries());
      await harness.takeDeliveries({ at: 2 * LEASE_MS });
      await harness.store.renew([lost], { now: at(2 * LEASE_MS), leaseMs: MUCH_LATER });
      equal(onlyOne(await harness.takeDeliveries({ at: 3 * LEASE_MS + 1 })).attempt, 3);
    },
  },
  {
    title: 'renew: does not change settled deliveries',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const held = onlyOne(await harness.takeDeliveries());
      await harness.settle(held);
      await harness.store.renew([held], { now: at(10), leaseMs: LEASE_MS });
      equal((await harness.takeDeliveries({ at: MUCH_LATER })).items.length, 0);
    },
  },
];

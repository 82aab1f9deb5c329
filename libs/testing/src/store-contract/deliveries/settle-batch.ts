import { equal } from 'node:assert/strict';
import type { Settlement } from 'nestjs-runhooks/core';
import { at, deathOf, LEASE_MS, MUCH_LATER, onlyOne, settlementOf } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

export const settleBatchCases: readonly ContractCase[] = [
  {
    title: 'settle: accepts an empty batch',
    run: async (harness) => {
      same(await harness.settleAll([]), []);
    },
  },
  {
    title:
      'settle: writes each attempt of a batch whose claim is not lost, and returns results in the order of the batch',
    run: async (harness) => {
      const nexts: Settlement['next'][] = [
        { state: 'succeeded' },
        { state: 'pending', dueAt: at(70) },
        { state: 'succeeded' },
        { state: 'skipped' },
        { state: 'dead' },
      ];
      for (const { state } of nexts) await harness.recordEvent(harness.event({ handlerIds: [state] }));
      const handlerIds = ['pending', 'skipped', 'dead', 'succeeded'];
      const { items } = await harness.takeDeliveries({ handlerIds });
      const left = items.filter(({ handlerId }) => handlerId === 'succeeded')[1];
      const settlements = nexts.map(({ state }, index) => {
        const held = index === 2 ? left : items.find(({ handlerId }) => handlerId === state);
        return { held, next: nexts[index] ?? { state: 'dead' as const } };
      });
      const batch = settlements.flatMap(({ held, next }, index) =>
        held ? [settlementOf(index === 2 ? { ...held, lease: 'lost' } : held, next)] : [],
      );
      same(await harness.settleAll(batch), [true, true, false, true, true]);
      const { deliveries } = await harness.store.counts();
      same(deliveries, { pending: 2, succeeded: 1, skipped: 1, dead: 1, dismissed: 0 });
      const outcomes = await Promise.all(batch.map(({ deliveryId }) => harness.store.attempts(deliveryId)));
      same(
        outcomes.map((attempts) => attempts.map(({ outcome }) => outcome)),
        [['succeeded'], ['failed'], [], ['skipped'], ['failed']],
      );
      equal(onlyOne(await harness.takeDeliveries({ at: 70, handlerIds })).handlerId, 'pending');
      equal(onlyOne(await harness.takeDeliveries({ at: LEASE_MS, handlerIds })).id, left?.id);
    },
  },
  {
    title: 'settle: writes the events of the dead letters of a batch, once each, and none without the claim',
    run: async (harness) => {
      for (let count = 0; count < 3; count += 1) await harness.recordEvent(harness.event());
      const { items } = await harness.takeDeliveries();
      const deaths = items.map((held) => ({
        held,
        event: harness.event({ type: 'delivery.dead', handlerIds: ['on-dead-letter'] }),
      }));
      const batch = deaths.map(({ held, event }, index) =>
        deathOf(index === 1 ? { ...held, lease: 'lost' } : held, event),
      );
      same(await harness.settleAll(batch), [true, false, true]);
      same(await harness.settleAll(batch), [false, false, false]);
      const taken = await harness.takeDeliveries({ at: MUCH_LATER, handlerIds: ['on-dead-letter'] });
      same(
        Object.fromEntries(taken.items.map(({ event }) => [event.id, event.messageId])),
        Object.fromEntries([deaths[0], deaths[2]].map((death) => [death?.event.id, death?.held.event.messageId])),
      );
    },
  },
  {
    title: 'settle: writes one of several settlements of one attempt in a batch',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const slow = onlyOne(await harness.takeDeliveries());
      const quick = onlyOne(await harness.takeDeliveries({ at: LEASE_MS }));
      const batch = [settlementOf(slow, { state: 'dead' }), settlementOf(quick, { state: 'succeeded' })];
      same(await harness.settleAll(batch, at(LEASE_MS)), [false, true]);
      same(
        (await harness.store.attempts(quick.id)).map(({ attempt, outcome }) => [attempt, outcome]),
        [[2, 'succeeded']],
      );
    },
  },
];

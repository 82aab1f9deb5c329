import { equal } from 'node:assert/strict';
import { at, deathOf, LEASE_MS, onlyOne, SOURCE } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

export const deadLetterCases: readonly ContractCase[] = [
  {
    title: 'settle: writes the event of a dead letter with deliveries for its handlers',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const died = onlyOne(await harness.takeDeliveries());
      const event = harness.event({ type: 'delivery.dead', handlerIds: ['on-dead-letter'], data: '{"dead":true}' });
      same(await harness.settleAll([deathOf(died, event)], at(30)), [true]);
      const delivery = onlyOne(await harness.takeDeliveries({ at: 30, handlerIds: ['on-dead-letter'] }));
      const { id, type, data } = event;
      const origin = { provider: 'provider', source: SOURCE, messageId: died.event.messageId };
      same(delivery.event, { id, type, data, ...origin });
    },
  },
  {
    title: 'settle: writes no attempt and no dead-letter event without the claim',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const slow = onlyOne(await harness.takeDeliveries());
      await harness.takeDeliveries({ at: 2 * LEASE_MS });
      const event = harness.event({ handlerIds: ['on-dead-letter'] });
      same(await harness.settleAll([deathOf(slow, event)]), [false]);
      same(await harness.store.attempts(slow.id), []);
      equal((await harness.store.counts()).events, 1);
      equal((await harness.takeDeliveries({ handlerIds: ['on-dead-letter'] })).items.length, 0);
    },
  },
];

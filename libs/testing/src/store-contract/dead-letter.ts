import { equal } from 'node:assert/strict';
import { at, LEASE_MS, onlyOne, settlementOf, SOURCE } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

export const deadLetterCases: readonly ContractCase[] = [
  {
    title: 'settle: the event of a dead letter is written with it, and goes to its own handlers',
    run: async (harness) => {
      await harness.readInto(harness.event());
      const died = onlyOne(await harness.takeDeliveries());
      const event = harness.event({ type: 'delivery.dead', handlerIds: ['on-dead-letter'], data: '{"dead":true}' });
      equal(await harness.store.settle(settlementOf(died, { state: 'dead', event }), at(30)), true);
      const told = onlyOne(await harness.takeDeliveries({ at: 30, handlerIds: ['on-dead-letter'] }));
      const { id, type, data } = event;
      const origin = { provider: 'provider', source: SOURCE, messageId: died.event.messageId };
      same(told.event, { id, type, data, ...origin });
    },
  },
  {
    title: 'settle: too late, it writes no attempt and no event of a dead letter',
    run: async (harness) => {
      await harness.readInto(harness.event());
      const slow = onlyOne(await harness.takeDeliveries());
      await harness.takeDeliveries({ at: 2 * LEASE_MS });
      const event = harness.event({ handlerIds: ['on-dead-letter'] });
      equal(await harness.settle(slow, { state: 'dead', event }), false);
      same(await harness.store.attempts(slow.id), []);
      equal((await harness.store.counts()).events, 1);
      equal((await harness.takeDeliveries({ handlerIds: ['on-dead-letter'] })).items.length, 0);
    },
  },
];

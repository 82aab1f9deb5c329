import { equal } from 'node:assert/strict';
import { at, LEASE_MS, onlyOne, settlementOf, SOURCE } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

export const deadLetterCases: readonly ContractCase[] = [
  {
    title: 'settle: the event of a dead letter is written with it, and goes to its own handlers',
    run: async (bench) => {
      await bench.readInto(bench.event());
      const died = onlyOne(await bench.takeDeliveries());
      const event = bench.event({ type: 'delivery.dead', handlerIds: ['on-dead-letter'], data: '{"dead":true}' });
      equal(await bench.store.settle(settlementOf(died, { state: 'dead', event }), at(30)), true);
      const told = onlyOne(await bench.takeDeliveries({ at: 30, handlerIds: ['on-dead-letter'] }));
      const { id, type, data } = event;
      const origin = { provider: 'provider', source: SOURCE, messageId: died.event.messageId };
      same(told.event, { id, type, data, ...origin });
    },
  },
  {
    title: 'settle: too late, it writes no attempt and no event of a dead letter',
    run: async (bench) => {
      await bench.readInto(bench.event());
      const slow = onlyOne(await bench.takeDeliveries());
      await bench.takeDeliveries({ at: 2 * LEASE_MS });
      const event = bench.event({ handlerIds: ['on-dead-letter'] });
      equal(await bench.settle(slow, { state: 'dead', event }), false);
      same(await bench.store.attempts(slow.id), []);
      equal((await bench.store.counts()).events, 1);
      equal((await bench.takeDeliveries({ handlerIds: ['on-dead-letter'] })).items.length, 0);
    },
  },
];

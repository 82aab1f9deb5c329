import { equal } from 'node:assert/strict';
import { at, onlyOne } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

export const countsCases: readonly ContractCase[] = [
  {
    title: 'counts: an empty inbox has zero of everything',
    run: async (bench) => {
      const { messages, events, deliveries } = await bench.store.counts();
      same(messages, { stored: 0, read: 0, test: 0, unknown: 0, quarantined: 0, erased: 0 });
      equal(events, 0);
      same(deliveries, { pending: 0, succeeded: 0, skipped: 0, dead: 0, dismissed: 0 });
    },
  },
  {
    title: 'counts: messages and deliveries by state, and events',
    run: async (bench) => {
      const handlerIds = ['succeeded', 'skipped', 'dead', 'retried', 'waiting'];
      await bench.readInto(bench.event({ handlerIds }));
      for (const state of ['succeeded', 'skipped', 'dead'] as const) {
        await bench.settle(onlyOne(await bench.takeDeliveries({ handlerIds: [state] })), { state });
      }
      const retried = onlyOne(await bench.takeDeliveries({ handlerIds: ['retried'] }));
      await bench.settle(retried, { state: 'pending', dueAt: at(1) });
      for (const state of ['test', 'unknown', 'quarantined'] as const) {
        await bench.append();
        await bench.record(await bench.takeMessages(), { state, reason: 'a reason' });
      }
      await bench.append();
      await bench.append();
      const { messages, events, deliveries } = await bench.store.counts();
      same(messages, { stored: 2, read: 1, test: 1, unknown: 1, quarantined: 1, erased: 0 });
      equal(events, 1);
      same(deliveries, { pending: 2, succeeded: 1, skipped: 1, dead: 1, dismissed: 0 });
    },
  },
];

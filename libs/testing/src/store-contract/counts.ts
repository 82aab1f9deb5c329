import { equal } from 'node:assert/strict';
import { at, onlyOne, SOURCE } from './bench.js';
import type { RefusalCount } from 'nestjs-runhooks/core';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

function refused(fields: Partial<RefusalCount> = {}): RefusalCount {
  return { source: SOURCE, check: 'signature-mismatch', requests: 1, latestAt: at(0), ...fields };
}

export const countsCases: readonly ContractCase[] = [
  {
    title: 'counts: an empty inbox has zero of everything',
    run: async (bench) => {
      const { messages, events, deliveries, refusals } = await bench.store.counts();
      same(messages, { stored: 0, read: 0, test: 0, unknown: 0, quarantined: 0, erased: 0 });
      equal(events, 0);
      same(deliveries, { pending: 0, succeeded: 0, skipped: 0, dead: 0, dismissed: 0 });
      same(refusals, []);
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
  {
    title: 'counts: refused requests add up by source and check, with the time of the latest one',
    run: async ({ store }) => {
      const [one, other] = [refused(), refused({ check: 'missing-header', requests: 2 })];
      await store.countRefusals([one, other]);
      await store.countRefusals([refused({ requests: 4, latestAt: at(5) })]);
      await store.countRefusals([
        refused({ source: 'another', requests: 3_000_000_000 }),
        refused({ latestAt: at(-5) }),
      ]);
      await store.countRefusals([]);
      const { refusals } = await store.counts();
      same(refusals, [
        refused({ source: 'another', requests: 3_000_000_000 }),
        other,
        refused({ requests: 6, latestAt: at(5) }),
      ]);
    },
  },
  {
    title: 'counts: refused requests of a source are counted with the news whether a message of it was ever stored',
    run: async (bench) => {
      same(await bench.store.countRefusals([refused()]), []);
      await bench.append();
      same(await bench.store.countRefusals([refused(), refused({ check: 'missing-header' })]), [SOURCE]);
      same(await bench.store.countRefusals([refused({ source: 'another' })]), []);
    },
  },
  {
    title: 'counts: refused requests of several processes at the same time are all counted',
    run: async ({ store }) => {
      const checks = ['missing-header', 'signature-mismatch'] as const;
      const both = checks.map((check) => refused({ check }));
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => store.countRefusals(index % 2 === 0 ? both : [...both].reverse())),
      );
      const { refusals } = await store.counts();
      same(
        refusals,
        checks.map((check) => refused({ check, requests: 20 })),
      );
    },
  },
];

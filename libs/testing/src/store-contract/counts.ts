import { equal } from 'node:assert/strict';
import { at, onlyOne, SOURCE } from './store-harness.js';
import type { RefusalCount } from 'nestjs-runhooks/core';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

function refused(fields: Partial<RefusalCount> = {}): RefusalCount {
  return { source: SOURCE, check: 'signature-mismatch', requests: 1, latestAt: at(0), ...fields };
}

export const countsCases: readonly ContractCase[] = [
  {
    title: 'counts: an empty inbox has zero of everything',
    run: async (harness) => {
      const { messages, events, deliveries, refusals } = await harness.store.counts();
      same(messages, { stored: 0, parsed: 0, test: 0, unrecognized: 0, quarantined: 0, erased: 0 });
      equal(events, 0);
      same(deliveries, { pending: 0, succeeded: 0, skipped: 0, dead: 0, dismissed: 0 });
      same(refusals, []);
    },
  },
  {
    title: 'counts: messages and deliveries by state, and events',
    run: async (harness) => {
      const handlerIds = ['succeeded', 'skipped', 'dead', 'retried', 'waiting'];
      await harness.readInto(harness.event({ handlerIds }));
      for (const state of ['succeeded', 'skipped', 'dead'] as const) {
        await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: [state] })), { state });
      }
      const retried = onlyOne(await harness.takeDeliveries({ handlerIds: ['retried'] }));
      await harness.settle(retried, { state: 'pending', dueAt: at(1) });
      for (const state of ['test', 'unrecognized', 'quarantined'] as const) {
        await harness.append();
        await harness.record(await harness.takeMessages(), { state, reason: 'a reason' });
      }
      await harness.append();
      await harness.append();
      const { messages, events, deliveries } = await harness.store.counts();
      same(messages, { stored: 2, parsed: 1, test: 1, unrecognized: 1, quarantined: 1, erased: 0 });
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
    run: async (harness) => {
      same(await harness.store.countRefusals([refused()]), []);
      await harness.append();
      same(await harness.store.countRefusals([refused(), refused({ check: 'missing-header' })]), [SOURCE]);
      same(await harness.store.countRefusals([refused({ source: 'another' })]), []);
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

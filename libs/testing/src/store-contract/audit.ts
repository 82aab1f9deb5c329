import { equal } from 'node:assert/strict';
import { at, HANDLER, onlyOne, type StoreHarness } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

async function deadLetter(harness: StoreHarness): Promise<void> {
  await harness.readInto(harness.event());
  await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'dead' });
}

export const auditCases: readonly ContractCase[] = [
  {
    title: 'audit: tells of each decision who made it, when and why, what was asked for and how much it changed',
    run: async (harness) => {
      await deadLetter(harness);
      const redrive = harness.decision({ details: '{"asked":"\u0000 é"}', by: 'Kim', reason: 'mended' });
      await harness.store.redrive({ handlerId: HANDLER }, redrive, at(1));
      const { id, by, reason, details } = redrive;
      same(await harness.store.audit({}), {
        items: [{ id, decidedAt: at(1), action: 'redrive', by, reason, details, affected: 1 }],
      });
    },
  },
  {
    title: 'audit: a decision without a reason, and one that changed nothing',
    run: async (harness) => {
      const { reason: _, ...decision } = harness.decision();
      await harness.store.reparse({ states: ['test'], withoutHandlers: true }, decision, at(0));
      const { items } = await harness.store.audit({});
      same(
        items.map((entry) => [entry.action, 'reason' in entry, entry.affected]),
        [['reparse', false, 0]],
      );
    },
  },
  {
    title: 'audit: all that operators do is in it, newest first and in pages',
    run: async (harness) => {
      const { store } = harness;
      const event = harness.event();
      await harness.readInto(event);
      const { deliveries } = harness.event();
      await store.replay('replay', [{ eventId: event.id, deliveries }], harness.decision(), at(1));
      await store.reparse({ states: ['test'], withoutHandlers: true }, harness.decision(), at(2));
      await store.dismiss({ handlerId: HANDLER }, harness.decision(), at(3));
      await store.redrive({}, harness.decision(), at(4));
      await store.erase({ messageIds: [], eventIds: [], runs: [], texts: [] }, harness.decision(), at(5));
      const first = await store.audit({ limit: 3 });
      const second = await store.audit({ limit: 3, ...(first.next !== undefined && { after: first.next }) });
      same(
        [...first.items, ...second.items].map(({ action, affected }) => [action, affected]),
        [
          ['erase', 0],
          ['redrive', 0],
          ['dismiss', 2],
          ['reparse', 0],
          ['replay', 1],
        ],
      );
      equal(second.next, undefined);
      same(await store.audit({ after: 'nowhere' }), { items: [] });
    },
  },
  {
    title: 'audit: the steps of one decision are one entry, of the time of the first, and add up',
    run: async (harness) => {
      const decision = harness.decision();
      for (const ms of [1, 2]) {
        const event = harness.event({ handlerIds: [] });
        await harness.readInto(event);
        const { deliveries } = harness.event({ handlerIds: ['a', 'b'] });
        await harness.store.replay('replay', [{ eventId: event.id, deliveries }], decision, at(ms));
      }
      const { items } = await harness.store.audit({});
      same(
        items.map(({ affected, decidedAt }) => [affected, decidedAt]),
        [[4, at(1)]],
      );
    },
  },
  {
    title: 'audit: is kept as long as the keys by which duplicates are known',
    run: async (harness) => {
      await harness.store.redrive({}, harness.decision(), at(0));
      await harness.store.redrive({}, harness.decision(), at(10));
      const old = { settledBefore: at(100), deadBefore: at(100), tasksBefore: at(100), limit: 10 };
      await harness.store.purge({ ...old, keysBefore: at(0) });
      equal((await harness.store.audit({})).items.length, 2);
      equal((await harness.store.purge({ ...old, keysBefore: at(10) })).decisions, 1);
      same(
        (await harness.store.audit({})).items.map(({ decidedAt }) => decidedAt),
        [at(10)],
      );
    },
  },
];

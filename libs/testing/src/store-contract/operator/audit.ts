import { equal } from 'node:assert/strict';
import { at, HANDLER, onlyOne, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

async function deadLetter(harness: StoreHarness): Promise<void> {
  await harness.recordEvent(harness.event());
  await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'dead' });
}

export const auditCases: readonly ContractCase[] = [
  {
    title: 'audit: contains who decided when and why, the request, and how many rows changed',
    run: async (harness) => {
      await deadLetter(harness);
      const redrive = harness.decision({ details: '{"requested":"\u0000 é"}', by: 'Kim', reason: 'mended' });
      await harness.store.redrive({ handlerId: HANDLER }, redrive, at(1));
      const { id, by, reason, details } = redrive;
      same(await harness.store.audit({}), {
        items: [{ id, decidedAt: at(1), action: 'redrive', by, reason, details, affected: 1 }],
      });
    },
  },
  {
    title: 'audit: lists decisions without a reason and decisions that changed nothing',
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
    title: 'audit: lists all decisions of operators, newest first, in pages',
    run: async (harness) => {
      const { store } = harness;
      const event = harness.event();
      await harness.recordEvent(event);
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
    title: 'audit: adds up the steps of one decision in one entry with the time of the first step',
    run: async (harness) => {
      const decision = harness.decision();
      for (const ms of [1, 2]) {
        const event = harness.event({ handlerIds: [] });
        await harness.recordEvent(event);
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
    title: 'audit: keeps decisions for as long as deduplication keys',
    run: async (harness) => {
      await harness.store.redrive({}, harness.decision(), at(0));
      await harness.store.redrive({}, harness.decision(), at(10));
      const old = {
        finishedBefore: at(100),
        deadBefore: at(100),
        goodBefore: at(100),
        nodesBefore: at(100),
        tasksBefore: at(100),
        limit: 10,
      };
      await harness.store.purge({ ...old, deduplicationBefore: at(0) });
      equal((await harness.store.audit({})).items.length, 2);
      equal((await harness.store.purge({ ...old, deduplicationBefore: at(10) })).decisions, 1);
      same(
        (await harness.store.audit({})).items.map(({ decidedAt }) => decidedAt),
        [at(10)],
      );
    },
  },
];

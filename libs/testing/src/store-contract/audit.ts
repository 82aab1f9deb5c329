import { equal } from 'node:assert/strict';
import { at, HANDLER, onlyOne, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

async function deadLetter(bench: StoreBench): Promise<void> {
  await bench.readInto(bench.event());
  await bench.settle(onlyOne(await bench.takeDeliveries()), { state: 'dead' });
}

export const auditCases: readonly ContractCase[] = [
  {
    title: 'audit: tells of each decision who made it, when and why, what was asked for and how much it changed',
    run: async (bench) => {
      await deadLetter(bench);
      const redrive = bench.decision({ details: '{"asked":"\u0000 é"}', by: 'Kim', reason: 'mended' });
      await bench.store.redrive({ handlerId: HANDLER }, redrive, at(1));
      const { id, by, reason, details } = redrive;
      same(await bench.store.audit({}), {
        items: [{ id, decidedAt: at(1), action: 'redrive', by, reason, details, affected: 1 }],
      });
    },
  },
  {
    title: 'audit: a decision without a reason, and one that changed nothing',
    run: async (bench) => {
      const { reason: _, ...decision } = bench.decision();
      await bench.store.reread({ states: ['test'], quiet: true }, decision, at(0));
      const { items } = await bench.store.audit({});
      same(
        items.map((entry) => [entry.action, 'reason' in entry, entry.affected]),
        [['reread', false, 0]],
      );
    },
  },
  {
    title: 'audit: all that operators do is in it, newest first and in pages',
    run: async (bench) => {
      const { store } = bench;
      const event = bench.event();
      await bench.readInto(event);
      const { deliveries } = bench.event();
      await store.replay('replay', [{ eventId: event.id, deliveries }], bench.decision(), at(1));
      await store.reread({ states: ['test'], quiet: true }, bench.decision(), at(2));
      await store.dismiss({ handlerId: HANDLER }, bench.decision(), at(3));
      await store.redrive({}, bench.decision(), at(4));
      await store.erase({ messageIds: [], eventIds: [], runs: [], texts: [] }, bench.decision(), at(5));
      const first = await store.audit({ limit: 3 });
      const second = await store.audit({ limit: 3, ...(first.next !== undefined && { after: first.next }) });
      same(
        [...first.items, ...second.items].map(({ action, affected }) => [action, affected]),
        [
          ['erase', 0],
          ['redrive', 0],
          ['dismiss', 2],
          ['reread', 0],
          ['replay', 1],
        ],
      );
      equal(second.next, undefined);
      same(await store.audit({ after: 'nowhere' }), { items: [] });
    },
  },
  {
    title: 'audit: the steps of one decision are one entry, of the time of the first, and add up',
    run: async (bench) => {
      const decision = bench.decision();
      for (const ms of [1, 2]) {
        const event = bench.event({ handlerIds: [] });
        await bench.readInto(event);
        const { deliveries } = bench.event({ handlerIds: ['a', 'b'] });
        await bench.store.replay('replay', [{ eventId: event.id, deliveries }], decision, at(ms));
      }
      const { items } = await bench.store.audit({});
      same(
        items.map(({ affected, decidedAt }) => [affected, decidedAt]),
        [[4, at(1)]],
      );
    },
  },
  {
    title: 'audit: is kept as long as the keys by which duplicates are known',
    run: async (bench) => {
      await bench.store.redrive({}, bench.decision(), at(0));
      await bench.store.redrive({}, bench.decision(), at(10));
      const old = { settledBefore: at(100), deadBefore: at(100), tasksBefore: at(100), limit: 10 };
      await bench.store.purge({ ...old, keysBefore: at(0) });
      equal((await bench.store.audit({})).items.length, 2);
      equal((await bench.store.purge({ ...old, keysBefore: at(10) })).decisions, 1);
      same(
        (await bench.store.audit({})).items.map(({ decidedAt }) => decidedAt),
        [at(10)],
      );
    },
  },
];

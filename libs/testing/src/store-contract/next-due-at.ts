import { equal, ok } from 'node:assert/strict';
import { at, HANDLER, LEASE_MS, onlyOne, SOURCE, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';

/** In milliseconds after the time of the case. */
async function nextDueMs(bench: StoreBench, sources = [SOURCE], handlerIds = [HANDLER]): Promise<number | undefined> {
  const dueAt = await bench.store.nextDueAt({ sources, handlerIds, taskHandlerIds: handlerIds });
  return dueAt && dueAt.getTime() - at(0).getTime();
}

export const nextDueAtCases: readonly ContractCase[] = [
  {
    title: 'nextDueAt: nothing is due in an empty inbox, and nothing in one where all is settled',
    run: async (bench) => {
      equal(await nextDueMs(bench), undefined);
      await bench.readInto(bench.event());
      await bench.settle(onlyOne(await bench.takeDeliveries()), { state: 'dead' });
      equal(await nextDueMs(bench), undefined);
    },
  },
  {
    title: 'nextDueAt: a stored message is due at once, a new delivery by the time it was recorded',
    run: async (bench) => {
      await bench.append({ receivedAt: at(7) });
      ok(((await nextDueMs(bench)) ?? Infinity) <= 0);
      const decide = () => ({ events: [bench.event()] });
      await bench.record(await bench.takeMessages({ at: 7 }), { decide }, at(9));
      ok(((await nextDueMs(bench)) ?? Infinity) <= 9);
    },
  },
  {
    title: 'nextDueAt: claimed work is due when its lease is over',
    run: async (bench) => {
      await bench.append();
      const messages = await bench.takeMessages();
      equal(await nextDueMs(bench), LEASE_MS);
      await bench.record(messages, { decide: () => ({ events: [bench.event()] }) });
      await bench.takeDeliveries({ at: 100 });
      equal(await nextDueMs(bench), 100 + LEASE_MS);
    },
  },
  {
    title: 'nextDueAt: a delivery is due when it is to be tried again, and the earliest counts',
    run: async (bench) => {
      await bench.readInto(bench.event({ handlerIds: ['a', 'b'] }));
      for (const [handlerId, ms] of [
        ['a', 700],
        ['b', 600],
      ] as const) {
        const held = onlyOne(await bench.takeDeliveries({ handlerIds: [handlerId] }));
        await bench.settle(held, { state: 'pending', dueAt: at(ms) });
      }
      equal(await nextDueMs(bench, [SOURCE], ['a', 'b']), 600);
      equal(await nextDueMs(bench, [SOURCE], ['a']), 700);
      await bench.append();
      await bench.takeMessages({ leaseMs: 650 });
      equal(await nextDueMs(bench, [SOURCE], ['a', 'b']), 600);
      equal(await nextDueMs(bench, [SOURCE], ['a']), 650);
    },
  },
  {
    title: 'nextDueAt: work of other sources and handlers is nothing to wait for',
    run: async (bench) => {
      await bench.readInto(bench.event());
      await bench.append();
      equal(await nextDueMs(bench, ['elsewhere'], ['elsewhere']), undefined);
      equal(await nextDueMs(bench, [], []), undefined);
    },
  },
];

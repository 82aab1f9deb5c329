import { equal, ok } from 'node:assert/strict';
import { at, HANDLER, LEASE_MS, onlyOne, SOURCE, type StoreHarness } from './store-harness.js';
import type { ContractCase } from './contract-case.js';

/** In milliseconds after the time of the case. */
async function nextDueMs(
  harness: StoreHarness,
  sources = [SOURCE],
  handlerIds = [HANDLER],
): Promise<number | undefined> {
  const dueAt = await harness.store.nextDueAt({ sources, handlerIds, taskHandlerIds: handlerIds });
  return dueAt && dueAt.getTime() - at(0).getTime();
}

export const nextDueAtCases: readonly ContractCase[] = [
  {
    title: 'nextDueAt: nothing is due in an empty inbox, and nothing in one where all is settled',
    run: async (harness) => {
      equal(await nextDueMs(harness), undefined);
      await harness.readInto(harness.event());
      await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'dead' });
      equal(await nextDueMs(harness), undefined);
    },
  },
  {
    title: 'nextDueAt: a stored message is due at once, a new delivery by the time it was recorded',
    run: async (harness) => {
      await harness.append({ receivedAt: at(7) });
      ok(((await nextDueMs(harness)) ?? Infinity) <= 0);
      const decide = () => ({ events: [harness.event()] });
      await harness.record(await harness.takeMessages({ at: 7 }), { decide }, at(9));
      ok(((await nextDueMs(harness)) ?? Infinity) <= 9);
    },
  },
  {
    title: 'nextDueAt: claimed work is due when its lease is over',
    run: async (harness) => {
      await harness.append();
      const messages = await harness.takeMessages();
      equal(await nextDueMs(harness), LEASE_MS);
      await harness.record(messages, { decide: () => ({ events: [harness.event()] }) });
      await harness.takeDeliveries({ at: 100 });
      equal(await nextDueMs(harness), 100 + LEASE_MS);
    },
  },
  {
    title: 'nextDueAt: a delivery is due when it is to be tried again, and the earliest counts',
    run: async (harness) => {
      await harness.readInto(harness.event({ handlerIds: ['a', 'b'] }));
      for (const [handlerId, ms] of [
        ['a', 700],
        ['b', 600],
      ] as const) {
        const held = onlyOne(await harness.takeDeliveries({ handlerIds: [handlerId] }));
        await harness.settle(held, { state: 'pending', dueAt: at(ms) });
      }
      equal(await nextDueMs(harness, [SOURCE], ['a', 'b']), 600);
      equal(await nextDueMs(harness, [SOURCE], ['a']), 700);
      await harness.append();
      await harness.takeMessages({ leaseMs: 650 });
      equal(await nextDueMs(harness, [SOURCE], ['a', 'b']), 600);
      equal(await nextDueMs(harness, [SOURCE], ['a']), 650);
    },
  },
  {
    title: 'nextDueAt: work of other sources and handlers is nothing to wait for',
    run: async (harness) => {
      await harness.readInto(harness.event());
      await harness.append();
      equal(await nextDueMs(harness, ['elsewhere'], ['elsewhere']), undefined);
      equal(await nextDueMs(harness, [], []), undefined);
    },
  },
];

import { equal, ok } from 'node:assert/strict';
import { at, HANDLER, LEASE_MS, onlyOne, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';

/** Returns the time of the next work in milliseconds after {@link at}(0). */
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
    title: 'nextDueAt: returns undefined if the inbox is empty or all its deliveries are settled',
    run: async (harness) => {
      equal(await nextDueMs(harness), undefined);
      await harness.recordEvent(harness.event());
      await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'dead' });
      equal(await nextDueMs(harness), undefined);
    },
  },
  {
    title: 'nextDueAt: returns a time in the past for a stored message and a new delivery',
    run: async (harness) => {
      await harness.append({ receivedAt: at(7) });
      ok(((await nextDueMs(harness)) ?? Infinity) <= 0);
      const decide = () => ({ events: [harness.event()] });
      await harness.record(await harness.takeMessages({ at: 7 }), { decide }, at(9));
      ok(((await nextDueMs(harness)) ?? Infinity) <= 9);
    },
  },
  {
    title: 'nextDueAt: returns the end of the lease for claimed work',
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
    title: 'nextDueAt: returns the time of the earliest retry',
    run: async (harness) => {
      await harness.recordEvent(harness.event({ handlerIds: ['a', 'b'] }));
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
    title: 'nextDueAt: ignores work of other sources and handlers',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      await harness.append();
      equal(await nextDueMs(harness, ['elsewhere'], ['elsewhere']), undefined);
      equal(await nextDueMs(harness, [], []), undefined);
    },
  },
];

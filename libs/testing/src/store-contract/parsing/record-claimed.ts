import { equal } from 'node:assert/strict';
import type { NewEvent } from 'nestjs-runhooks/core';
import { at, LEASE_MS, onlyOne, OWN, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

/** Returns the id of the first delivery of an event. */
export function deliveryIdOf({ deliveries }: NewEvent): string {
  return deliveries[0]?.id ?? '';
}

/** Records an event whose only delivery is claimed, and returns the delivery's id. */
export async function recordClaimed(harness: StoreHarness): Promise<string> {
  const event = harness.event({ claim: OWN });
  await harness.recordEvent(event);
  return deliveryIdOf(event);
}

/** Cases for a store with `release`. */
export const recordClaimedCases: readonly ContractCase[] = [
  {
    title: 'record: lets no other process claim a delivery with a claim before its lease expires',
    run: async (harness) => {
      const id = await recordClaimed(harness);
      equal((await harness.takeDeliveries({ at: LEASE_MS - 1 })).items.length, 0);
      const taken = onlyOne(await harness.takeDeliveries({ at: LEASE_MS }));
      same([taken.id, taken.attempt], [id, 2]);
      equal(await harness.settle({ id, lease: OWN.lease }), false);
    },
  },
  {
    title: 'record: counts the claim of a delivery as its first attempt, which its lease settles and renews',
    run: async (harness) => {
      const id = await recordClaimed(harness);
      const held = { id, lease: OWN.lease };
      same(await harness.store.renew([held], { now: at(0), leaseMs: 2 * LEASE_MS }), [id]);
      equal((await harness.takeDeliveries({ at: LEASE_MS })).items.length, 0);
      equal(await harness.settle(held, { state: 'pending', dueAt: at(5) }), true);
      same(
        (await harness.store.attempts(id)).map(({ attempt, outcome }) => [attempt, outcome]),
        [[1, 'failed']],
      );
      equal(onlyOne(await harness.takeDeliveries({ at: 5 })).attempt, 2);
    },
  },
  {
    title: 'record: makes deliveries without a claim due beside claimed ones of the same event',
    run: async (harness) => {
      const claimed = harness.event({ handlerIds: ['claimed'], claim: OWN });
      const due = harness.event({ handlerIds: ['due'] });
      await harness.recordEvent({ ...claimed, deliveries: [...claimed.deliveries, ...due.deliveries] });
      const { id, attempt } = onlyOne(await harness.takeDeliveries({ handlerIds: ['claimed', 'due'] }));
      same([id, attempt], [deliveryIdOf(due), 1]);
    },
  },
  {
    title: 'record: claims no delivery of an event that exists already',
    run: async (harness) => {
      const event = harness.event();
      await harness.recordEvent(event);
      const again = harness.event({ id: event.id, claim: OWN });
      same((await harness.recordEvent(again))?.events, []);
      equal(onlyOne(await harness.takeDeliveries()).id, deliveryIdOf(event));
    },
  },
];

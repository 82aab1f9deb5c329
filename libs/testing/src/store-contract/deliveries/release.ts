import { equal, ok, rejects } from 'node:assert/strict';
import { StoreUnavailableError, type Release } from 'nestjs-runhooks/core';
import {
  at,
  HANDLER,
  LEASE_MS,
  MUCH_LATER,
  onlyOne,
  OWN,
  recordingOf,
  SOURCE,
  type StoreHarness,
} from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { recordClaimed } from '../parsing/record-claimed.js';
import { same } from '../same.js';

const SCOPE = { sources: [SOURCE], handlerIds: [HANDLER], taskHandlerIds: [] };

/** Gives back work, by default with the lease of {@link OWN}. */
function release(harness: StoreHarness, fields: Partial<Release>, now = at(0)): Promise<void> {
  ok(harness.store.release, 'expected a store with release');
  return harness.store.release({ lease: OWN.lease, messageIds: [], deliveryIds: [], ...fields }, now);
}

/** Cases for a store with `release`. */
export const releaseCases: readonly ContractCase[] = [
  {
    title: 'release: makes messages due at once and counts no claim of them',
    run: async (harness) => {
      const messages = [await harness.append({ claim: OWN }), await harness.append({ claim: OWN })];
      const kept = await harness.append({ claim: OWN });
      const messageIds = messages.map(({ id }) => id);
      await release(harness, { messageIds });
      const { items } = await harness.takeMessages();
      same(
        items.map(({ id, claims }) => [id, claims]),
        messageIds.map((id) => [id, 1]),
      );
      const [recorded] = await harness.store.record([recordingOf(kept.id, OWN.lease)], at(0));
      equal(recorded?.recorded, true);
    },
  },
  {
    title: 'release: ends the claim of a message',
    run: async (harness) => {
      const { id } = await harness.append({ claim: OWN });
      await release(harness, { messageIds: [id] });
      const [recorded] = await harness.store.record([recordingOf(id, OWN.lease)], at(0));
      equal(recorded?.recorded, false);
    },
  },
  {
    title: 'release: makes deliveries due at once and takes their attempt back',
    run: async (harness) => {
      const [id, kept] = [await recordClaimed(harness), await recordClaimed(harness)];
      await release(harness, { deliveryIds: [id] }, at(7));
      equal((await harness.store.nextDueAt(SCOPE))?.getTime(), at(7).getTime());
      equal(await harness.settle({ id, lease: OWN.lease }), false);
      const taken = onlyOne(await harness.takeDeliveries({ at: 7 }));
      same([taken.id, taken.attempt], [id, 1]);
      equal(await harness.settle({ id: kept, lease: OWN.lease }), true);
    },
  },
  {
    title: 'release: changes nothing with another lease, or for unknown work',
    run: async (harness) => {
      const { id } = await harness.append({ claim: OWN });
      const delivery = await recordClaimed(harness);
      const ids = { messageIds: [id, 'msg_nowhere'], deliveryIds: [delivery, 'dlv_nowhere'] };
      await release(harness, { ...ids, lease: 'another' });
      await release(harness, { messageIds: ['msg_nowhere'], deliveryIds: ['dlv_nowhere'] });
      await release(harness, {});
      equal((await harness.takeMessages({ at: LEASE_MS - 1 })).items.length, 0);
      equal((await harness.takeDeliveries({ at: LEASE_MS - 1 })).items.length, 0);
      await harness.settle({ id: delivery, lease: OWN.lease });
      equal((await harness.store.attempts(delivery))[0]?.attempt, 1);
    },
  },
  {
    title: 'release: leaves work alone that another process has claimed after the lease expired',
    run: async (harness) => {
      const { id } = await harness.append({ claim: OWN });
      const messages = await harness.takeMessages({ at: LEASE_MS });
      const delivery = await recordClaimed(harness);
      const held = onlyOne(await harness.takeDeliveries({ at: LEASE_MS }));
      await release(harness, { messageIds: [id], deliveryIds: [delivery] }, at(LEASE_MS));
      equal((await harness.takeMessages({ at: LEASE_MS })).items.length, 0);
      equal((await harness.takeDeliveries({ at: LEASE_MS })).items.length, 0);
      same(
        (await harness.record(messages)).map(({ recorded }) => recorded),
        [true],
      );
      equal(await harness.settle(held), true);
      equal((await harness.store.attempts(delivery))[0]?.attempt, 2);
    },
  },
  {
    title: 'release: leaves finished work alone',
    run: async (harness) => {
      const { id } = await harness.append({ claim: OWN });
      await harness.store.record([recordingOf(id, OWN.lease)], at(0));
      const delivery = await recordClaimed(harness);
      await harness.settle({ id: delivery, lease: OWN.lease });
      await release(harness, { messageIds: [id], deliveryIds: [delivery] });
      equal(await harness.store.nextDueAt(SCOPE), undefined);
      equal((await harness.takeMessages({ at: MUCH_LATER })).items.length, 0);
      equal((await harness.takeDeliveries({ at: MUCH_LATER })).items.length, 0);
      equal((await harness.store.attempts(delivery)).length, 1);
    },
  },
  {
    title: 'release: rejects with StoreUnavailableError after the store was closed',
    run: async (harness) => {
      await harness.store.close();
      await rejects(release(harness, { messageIds: ['msg_1'] }), StoreUnavailableError);
    },
  },
];

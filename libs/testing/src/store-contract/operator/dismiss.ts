import { equal, ok } from 'node:assert/strict';
import { rowsOf, type Dismissal } from 'nestjs-runhooks/core';
import { at, LEASE_MS, MUCH_LATER, onlyOne, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { register } from '../upkeep/register.js';
import { same } from '../same.js';

const WHY = { by: 'somebody', reason: 'removed; \u0000 "é"' };

function dismiss(harness: StoreHarness, dismissal: Dismissal, ms = 0): Promise<number> {
  return harness.store.dismiss(dismissal, harness.decision(WHY), at(ms));
}

/** Adds a delivery for each handler and returns their ids. */
async function pending(harness: StoreHarness, ...handlerIds: readonly string[]): Promise<string[]> {
  const event = harness.event({ handlerIds });
  await harness.recordEvent(event);
  return event.deliveries.map(({ id }) => id);
}

export const dismissCases: readonly ContractCase[] = [
  {
    title: 'dismiss: ends a pending delivery for good and stores who decided it, when and why',
    run: async (harness) => {
      const [dismissed = '', other] = await pending(harness, 'removed', 'other');
      equal(await dismiss(harness, { deliveryIds: [dismissed, 'nowhere'] }, 70), 1);
      const { items } = await harness.store.deliveries({ state: 'dismissed' }, {});
      const [summary] = items;
      same([items.length, summary?.id, summary?.handlerId, summary?.attempts], [1, dismissed, 'removed', 0]);
      same([summary?.dismissal, summary?.dueAt], [{ at: at(70), ...WHY }, undefined]);
      const taken = await harness.takeDeliveries({ at: MUCH_LATER, handlerIds: ['removed', 'other'] });
      equal(onlyOne(taken).id, other);
      const { deliveries } = await harness.store.counts();
      same([deliveries.pending, deliveries.dismissed], [1, 1]);
    },
  },
  {
    title: 'dismiss: ends all pending and dead deliveries of a handler, and no other',
    run: async (harness) => {
      for (const state of ['dead', 'succeeded', 'skipped'] as const) {
        await pending(harness, 'removed', 'other');
        await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: ['removed'] })), { state });
      }
      await pending(harness, 'removed');
      equal(await dismiss(harness, { handlerId: 'removed' }), 2);
      equal(await dismiss(harness, { handlerId: 'removed' }), 0);
      same((await harness.store.counts()).deliveries, { pending: 3, succeeded: 1, skipped: 1, dead: 0, dismissed: 2 });
      equal(await harness.store.redrive({}, harness.decision(), at(0)), 0);
    },
  },
  {
    title: 'dismiss: ends only deliveries that match both the ids and the handler',
    run: async (harness) => {
      const [removed = '', other = ''] = await pending(harness, 'removed', 'other');
      equal(await dismiss(harness, { deliveryIds: [removed, other], handlerId: 'other' }), 1);
      equal(onlyOne(await harness.takeDeliveries({ handlerIds: ['removed', 'other'] })).id, removed);
    },
  },
  {
    title: 'dismiss: skips a claimed delivery until its lease expires',
    run: async (harness) => {
      await pending(harness, 'removed');
      const held = onlyOne(await harness.takeDeliveries({ handlerIds: ['removed'] }));
      equal(await dismiss(harness, { handlerId: 'removed' }, LEASE_MS - 1), 0);
      equal(await dismiss(harness, { handlerId: 'removed' }, LEASE_MS), 1);
      equal(await harness.settle(held), false);
      same(await harness.store.renew([held], { now: at(LEASE_MS), leaseMs: LEASE_MS }), []);
      same(
        (await harness.store.deliveries({}, {})).items.map(({ state, attempts }) => [state, attempts]),
        [['dismissed', 1]],
      );
    },
  },
  {
    title: 'dismiss: frees the lane of a delivery',
    run: async (harness) => {
      const ids: string[] = [];
      for (let count = 0; count < 2; count += 1) {
        const event = harness.event();
        const deliveries = event.deliveries.map((delivery) => ({ ...delivery, lane: 'lane' }));
        await harness.recordEvent({ ...event, deliveries });
        ids.push(...deliveries.map(({ id }) => id));
      }
      const [first = '', second] = ids;
      await dismiss(harness, { deliveryIds: [first] });
      equal(onlyOne(await harness.takeDeliveries()).id, second);
    },
  },
  {
    title: 'dismiss: ends deliveries that are purged like settled ones and can be replayed',
    run: async (harness) => {
      const event = harness.event({ handlerIds: ['removed'] });
      await harness.recordEvent(event);
      await dismiss(harness, { handlerId: 'removed' });
      const { deliveries } = harness.event({ handlerIds: ['removed'] });
      equal(await harness.store.replay('again', [{ eventId: event.id, deliveries }], harness.decision(), at(0)), 1);
      await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: ['removed'] })));
      const never = at(-1_000_000);
      const old = {
        deadBefore: never,
        deduplicationBefore: never,
        goodBefore: never,
        nodesBefore: never,
        tasksBefore: never,
        limit: 10,
      };
      ok(rowsOf(await harness.store.purge({ ...old, finishedBefore: at(50) })) >= 1);
      equal((await harness.store.deliveries({}, {})).items.length, 0);
    },
  },
  {
    title: 'dismiss: removes the handed-off messages of a missing handler and hands off no more',
    run: async (harness) => {
      const tasks = ['removed@1', 'removed@2', 'removedNot@1', 'watched'].map((handlerId) => {
        return { id: `task of ${handlerId}`, kind: 'hand-off' as const, handlerId, dueAt: at(0), data: '{}' };
      });
      let others: readonly string[] | undefined;
      const read = async (fields = {}): Promise<void> => {
        await harness.append();
        const decide = ({ otherHandlers }: { otherHandlers?: readonly string[] }) => {
          others = otherHandlers;
          return { events: [], ...fields };
        };
        await harness.record(await harness.takeMessages(), { handlers: [], decide });
      };
      await register(harness, 'process', ['removed@1', 'removedNot@1']);
      await read({ tasks });
      await dismiss(harness, { handlerId: 'removed' });
      await read();
      same(others, ['removed@1', 'removedNot@1']);
      equal((await harness.store.counts()).checks, 4);
      await harness.store.deregister('process');
      await dismiss(harness, { handlerId: 'removed' });
      await read();
      same(others, ['removedNot@1']);
      equal((await harness.store.counts()).checks, 2);
    },
  },
];

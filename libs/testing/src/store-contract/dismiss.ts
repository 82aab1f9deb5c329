import { equal, ok } from 'node:assert/strict';
import { rowsOf, type Dismissal } from 'nestjs-runhooks/core';
import { at, LEASE_MS, MUCH_LATER, onlyOne, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { register } from './register.js';
import { same } from './same.js';

const WHY = { by: 'somebody', reason: 'removed; \u0000 "é"' };

function dismiss(bench: StoreBench, dismissal: Dismissal, ms = 0): Promise<number> {
  return bench.store.dismiss(dismissal, bench.decision(WHY), at(ms));
}

/** Deliveries of these handlers, which have the ids that are answered. */
async function pending(bench: StoreBench, ...handlerIds: readonly string[]): Promise<string[]> {
  const event = bench.event({ handlerIds });
  await bench.readInto(event);
  return event.deliveries.map(({ id }) => id);
}

export const dismissCases: readonly ContractCase[] = [
  {
    title: 'dismiss: ends a pending delivery, which is never taken again and tells who decided that, when and why',
    run: async (bench) => {
      const [dismissed = '', other] = await pending(bench, 'removed', 'other');
      equal(await dismiss(bench, { deliveryIds: [dismissed, 'nowhere'] }, 70), 1);
      const { items } = await bench.store.deliveries({ state: 'dismissed' }, {});
      const [summary] = items;
      same([items.length, summary?.id, summary?.handlerId, summary?.attempts], [1, dismissed, 'removed', 0]);
      same([summary?.dismissal, summary?.dueAt], [{ at: at(70), ...WHY }, undefined]);
      const taken = await bench.takeDeliveries({ at: MUCH_LATER, handlerIds: ['removed', 'other'] });
      equal(onlyOne(taken).id, other);
      const { deliveries } = await bench.store.counts();
      same([deliveries.pending, deliveries.dismissed], [1, 1]);
    },
  },
  {
    title: 'dismiss: all of a handler, pending or dead, and none that is done or of another handler',
    run: async (bench) => {
      for (const state of ['dead', 'succeeded', 'skipped'] as const) {
        await pending(bench, 'removed', 'other');
        await bench.settle(onlyOne(await bench.takeDeliveries({ handlerIds: ['removed'] })), { state });
      }
      await pending(bench, 'removed');
      equal(await dismiss(bench, { handlerId: 'removed' }), 2);
      equal(await dismiss(bench, { handlerId: 'removed' }), 0);
      same((await bench.store.counts()).deliveries, { pending: 3, succeeded: 1, skipped: 1, dead: 0, dismissed: 2 });
      equal(await bench.store.redrive({}, bench.decision(), at(0)), 0);
    },
  },
  {
    title: 'dismiss: with ids and a handler both must fit',
    run: async (bench) => {
      const [removed = '', other = ''] = await pending(bench, 'removed', 'other');
      equal(await dismiss(bench, { deliveryIds: [removed, other], handlerId: 'other' }), 1);
      equal(onlyOne(await bench.takeDeliveries({ handlerIds: ['removed', 'other'] })).id, removed);
    },
  },
  {
    title: 'dismiss: leaves a delivery that somebody holds, and takes it when the lease is over',
    run: async (bench) => {
      await pending(bench, 'removed');
      const held = onlyOne(await bench.takeDeliveries({ handlerIds: ['removed'] }));
      equal(await dismiss(bench, { handlerId: 'removed' }, LEASE_MS - 1), 0);
      equal(await dismiss(bench, { handlerId: 'removed' }, LEASE_MS), 1);
      equal(await bench.settle(held), false);
      same(await bench.store.renew([held], { now: at(LEASE_MS), leaseMs: LEASE_MS }), []);
      same(
        (await bench.store.deliveries({}, {})).items.map(({ state, attempts }) => [state, attempts]),
        [['dismissed', 1]],
      );
    },
  },
  {
    title: 'dismiss: a lane goes on',
    run: async (bench) => {
      const ids: string[] = [];
      for (let count = 0; count < 2; count += 1) {
        const event = bench.event();
        const deliveries = event.deliveries.map((delivery) => ({ ...delivery, lane: 'lane' }));
        await bench.readInto({ ...event, deliveries });
        ids.push(...deliveries.map(({ id }) => id));
      }
      const [first = '', second] = ids;
      await dismiss(bench, { deliveryIds: [first] });
      equal(onlyOne(await bench.takeDeliveries()).id, second);
    },
  },
  {
    title: 'dismiss: what was dismissed is purged as what is settled, and a replay can deliver it again',
    run: async (bench) => {
      const event = bench.event({ handlerIds: ['removed'] });
      await bench.readInto(event);
      await dismiss(bench, { handlerId: 'removed' });
      const { deliveries } = bench.event({ handlerIds: ['removed'] });
      equal(await bench.store.replay('again', [{ eventId: event.id, deliveries }], bench.decision(), at(0)), 1);
      await bench.settle(onlyOne(await bench.takeDeliveries({ handlerIds: ['removed'] })));
      const never = at(-1_000_000);
      const old = { deadBefore: never, keysBefore: never, tasksBefore: never, limit: 10 };
      ok(rowsOf(await bench.store.purge({ ...old, settledBefore: at(50) })) >= 1);
      equal((await bench.store.deliveries({}, {})).items.length, 0);
    },
  },
  {
    title: 'dismiss: of a handler that no process has, what was put aside goes, too, and nothing more is put aside',
    run: async (bench) => {
      const tasks = ['removed@1', 'removed@2', 'removedNot@1', 'watched'].map((handlerId) => {
        return { id: `task of ${handlerId}`, handlerId, dueAt: at(0), data: '{}' };
      });
      let others: readonly string[] | undefined;
      const read = async (fields = {}): Promise<void> => {
        await bench.append();
        const decide = ({ otherHandlers }: { otherHandlers?: readonly string[] }) => {
          others = otherHandlers;
          return { events: [], ...fields };
        };
        await bench.record(await bench.takeMessages(), { handlers: [], decide });
      };
      await register(bench, 'process', ['removed@1', 'removedNot@1']);
      await read({ tasks });
      await dismiss(bench, { handlerId: 'removed' });
      await read();
      same(others, ['removed@1', 'removedNot@1']);
      equal((await bench.store.counts()).tasks, 4);
      await bench.store.deregister('process');
      await dismiss(bench, { handlerId: 'removed' });
      await read();
      same(others, ['removedNot@1']);
      equal((await bench.store.counts()).tasks, 2);
    },
  },
];

import { equal } from 'node:assert/strict';
import type { PulledBack } from 'nestjs-runhooks/core';
import { PORT_LIMITS } from '../../limits.js';
import {
  at,
  HANDLER,
  LEASE_MS,
  MUCH_LATER,
  onlyOne,
  settlementOf,
  SOURCE,
  type StoreHarness,
} from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';

const YEARS = 3 * PORT_LIMITS.dueAheadMsMax;

/** Runs all steps with the smallest limit, and returns their result and their number. */
async function pullBack(harness: StoreHarness, limit = 2): Promise<Omit<PulledBack, 'next'> & { steps: number }> {
  const found = { messages: 0, deliveries: 0, tasks: 0, steps: 0 };
  let after: string | undefined;
  do {
    const ask = { now: at(0), leaseMs: LEASE_MS, limit, ...(after !== undefined && { after }) };
    const { next, messages, deliveries, tasks } = await harness.store.pullBack(ask);
    found.messages += messages;
    found.deliveries += deliveries;
    found.tasks += tasks;
    found.steps += 1;
    after = next;
    if (found.steps > 100) throw new Error('pulling back came to no end');
  } while (after !== undefined);
  return found;
}

async function nextDue(harness: StoreHarness): Promise<Date | undefined> {
  return await harness.store.nextDueAt({ sources: [SOURCE], handlerIds: [HANDLER], taskHandlerIds: [HANDLER] });
}

export const pullBackCases: readonly ContractCase[] = [
  {
    title: 'pullBack: frees a message that was claimed by a clock years ahead one lease from now',
    run: async (harness) => {
      const { id } = await harness.append();
      const { lease } = await harness.takeMessages({ at: YEARS });
      same(await pullBack(harness), { messages: 1, deliveries: 0, tasks: 0, steps: 1 });
      same(await nextDue(harness), at(LEASE_MS));
      const taken = await harness.takeMessages({ at: LEASE_MS + 1 });
      equal(onlyOne(taken).id, id);
      same(
        (await harness.record({ lease, items: taken.items })).map(({ recorded }) => recorded),
        [false],
      );
    },
  },
  {
    title: 'pullBack: keeps correct leases, retries and new work',
    run: async (harness) => {
      await harness.recordEvent(harness.event({ handlerIds: ['held', 'retried', HANDLER] }));
      await harness.takeDeliveries({ handlerIds: ['held'] });
      const retried = onlyOne(await harness.takeDeliveries({ handlerIds: ['retried'] }));
      await harness.settle(retried, { state: 'pending', dueAt: at(PORT_LIMITS.dueAheadMsMax) });
      await harness.append();
      await harness.takeMessages();
      const before = (await harness.store.deliveries({}, {})).items;
      const { messages, deliveries, tasks } = await pullBack(harness);
      same([messages, deliveries, tasks], [0, 0, 0]);
      same((await harness.store.deliveries({}, {})).items, before);
    },
  },
  {
    title: 'pullBack: makes new, redriven and replayed deliveries of a clock years ahead due now',
    run: async (harness) => {
      const event = harness.event();
      await harness.recordEvent(event, at(YEARS));
      same([(await pullBack(harness)).deliveries, (await harness.takeDeliveries()).items.length], [1, 1]);
      const dead = harness.event({ handlerIds: ['dead'] });
      await harness.recordEvent(dead);
      await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: ['dead'] })), { state: 'dead' });
      await harness.store.redrive({}, harness.decision(), at(YEARS));
      const { deliveries } = harness.event({ handlerIds: ['replayed'] });
      await harness.store.replay('again', [{ eventId: event.id, deliveries }], harness.decision(), at(YEARS));
      equal((await pullBack(harness)).deliveries, 2);
      equal((await harness.takeDeliveries({ handlerIds: ['dead', 'replayed'] })).items.length, 2);
    },
  },
  {
    title: 'pullBack: frees a delivery that was claimed by a clock years ahead one lease from now',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const lost = onlyOne(await harness.takeDeliveries({ at: YEARS }));
      equal((await pullBack(harness)).deliveries, 1);
      same(await nextDue(harness), at(LEASE_MS));
      onlyOne(await harness.takeDeliveries({ at: LEASE_MS + 1 }));
      equal(await harness.settle(lost), false);
    },
  },
  {
    title: 'pullBack: lets a retry of a clock years ahead wait for its delay from now, however often it is called',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const held = onlyOne(await harness.takeDeliveries());
      const next = { state: 'pending', dueAt: at(YEARS + 500) } as const;
      const settlement = settlementOf(held, next);
      const attempt = { ...settlement.attempt, startedAt: at(YEARS - 5), finishedAt: at(YEARS) };
      same(await harness.settleAll([{ ...settlement, attempt }], at(YEARS)), [true]);
      equal((await pullBack(harness)).deliveries, 1);
      same(await nextDue(harness), at(500));
      equal((await pullBack(harness)).deliveries, 0);
      same(await nextDue(harness), at(500));
    },
  },
  {
    title: 'pullBack: visits all later deliveries in steps, even if they are due at the same time',
    run: async (harness) => {
      const handlerIds = Array.from({ length: 7 }, (_, index) => `handler ${index}`);
      await harness.recordEvent(harness.event({ handlerIds }));
      for (const item of (await harness.takeDeliveries({ handlerIds })).items) {
        await harness.settle(item, { state: 'pending', dueAt: at(500) });
      }
      await harness.recordEvent(harness.event({ handlerIds }), at(YEARS));
      const { deliveries, steps } = await pullBack(harness, 3);
      same([deliveries, steps], [7, 5]);
    },
  },
  {
    title: 'pullBack: makes unclaimed tasks due now and counts those that were due impossibly far ahead',
    run: async (harness) => {
      const tasks = [MUCH_LATER, YEARS].map((ms) => {
        return { id: `due in ${ms}`, kind: 'stuck-run' as const, handlerId: HANDLER, dueAt: at(ms), data: '{}' };
      });
      await harness.append();
      await harness.record(await harness.takeMessages(), { decide: () => ({ events: [], tasks }) });
      equal((await pullBack(harness)).tasks, 1);
      const take = (ms: number) =>
        harness.store.claimTasks({
          now: at(ms),
          leaseMs: LEASE_MS,
          limit: 10,
          lease: `at ${ms}`,
          handlerIds: [HANDLER],
        });
      equal((await take(0)).length, 2);
      equal((await pullBack(harness)).tasks, 0);
      equal((await take(YEARS)).length, 2);
      equal((await pullBack(harness)).tasks, 2);
      same(await nextDue(harness), at(LEASE_MS));
    },
  },
];

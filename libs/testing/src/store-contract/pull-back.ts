import { equal } from 'node:assert/strict';
import { LIMITS, type PulledBack } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, MUCH_LATER, onlyOne, settlementOf, SOURCE, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

const YEARS = 3 * LIMITS.dueAheadMsMax;

/** All steps, each as small as can be; answers what was pulled back, and in how many steps. */
async function pullBack(bench: StoreBench, limit = 2): Promise<Omit<PulledBack, 'next'> & { steps: number }> {
  const found = { messages: 0, deliveries: 0, tasks: 0, steps: 0 };
  let after: string | undefined;
  do {
    const ask = { now: at(0), leaseMs: LEASE_MS, limit, ...(after !== undefined && { after }) };
    const { next, messages, deliveries, tasks } = await bench.store.pullBack(ask);
    found.messages += messages;
    found.deliveries += deliveries;
    found.tasks += tasks;
    found.steps += 1;
    after = next;
    if (found.steps > 100) throw new Error('pulling back came to no end');
  } while (after !== undefined);
  return found;
}

async function nextDue(bench: StoreBench): Promise<Date | undefined> {
  return await bench.store.nextDueAt({ sources: [SOURCE], handlerIds: [HANDLER], taskHandlerIds: [HANDLER] });
}

export const pullBackCases: readonly ContractCase[] = [
  {
    title: 'pullBack: a message that was claimed by a clock years ahead can be taken when a lease from now is over',
    run: async (bench) => {
      const { id } = await bench.append();
      const { lease } = await bench.takeMessages({ at: YEARS });
      same(await pullBack(bench), { messages: 1, deliveries: 0, tasks: 0, steps: 1 });
      same(await nextDue(bench), at(LEASE_MS));
      const taken = await bench.takeMessages({ at: LEASE_MS + 1 });
      equal(onlyOne(taken).id, id);
      same(
        (await bench.record({ lease, items: taken.items })).map(({ recorded }) => recorded),
        [false],
      );
    },
  },
  {
    title: 'pullBack: leases, retries and new work that are as they should be stay',
    run: async (bench) => {
      await bench.readInto(bench.event({ handlerIds: ['held', 'retried', HANDLER] }));
      await bench.takeDeliveries({ handlerIds: ['held'] });
      const retried = onlyOne(await bench.takeDeliveries({ handlerIds: ['retried'] }));
      await bench.settle(retried, { state: 'pending', dueAt: at(LIMITS.dueAheadMsMax) });
      await bench.append();
      await bench.takeMessages();
      const before = (await bench.store.deliveries({}, {})).items;
      const { messages, deliveries, tasks } = await pullBack(bench);
      same([messages, deliveries, tasks], [0, 0, 0]);
      same((await bench.store.deliveries({}, {})).items, before);
    },
  },
  {
    title: 'pullBack: new, redriven and replayed deliveries of a clock years ahead are due at once',
    run: async (bench) => {
      const event = bench.event();
      await bench.readInto(event, at(YEARS));
      same([(await pullBack(bench)).deliveries, (await bench.takeDeliveries()).items.length], [1, 1]);
      const dead = bench.event({ handlerIds: ['dead'] });
      await bench.readInto(dead);
      await bench.settle(onlyOne(await bench.takeDeliveries({ handlerIds: ['dead'] })), { state: 'dead' });
      await bench.store.redrive({}, bench.decision(), at(YEARS));
      const { deliveries } = bench.event({ handlerIds: ['replayed'] });
      await bench.store.replay('again', [{ eventId: event.id, deliveries }], bench.decision(), at(YEARS));
      equal((await pullBack(bench)).deliveries, 2);
      equal((await bench.takeDeliveries({ handlerIds: ['dead', 'replayed'] })).items.length, 2);
    },
  },
  {
    title: 'pullBack: a delivery that was claimed by a clock years ahead can be taken when a lease from now is over',
    run: async (bench) => {
      await bench.readInto(bench.event());
      const lost = onlyOne(await bench.takeDeliveries({ at: YEARS }));
      equal((await pullBack(bench)).deliveries, 1);
      same(await nextDue(bench), at(LEASE_MS));
      onlyOne(await bench.takeDeliveries({ at: LEASE_MS + 1 }));
      equal(await bench.settle(lost), false);
    },
  },
  {
    title:
      'pullBack: a retry that a clock years ahead put off keeps its delay, from now on, however often it is looked at',
    run: async (bench) => {
      await bench.readInto(bench.event());
      const held = onlyOne(await bench.takeDeliveries());
      const next = { state: 'pending', dueAt: at(YEARS + 500) } as const;
      const settlement = settlementOf(held, next);
      const attempt = { ...settlement.attempt, startedAt: at(YEARS - 5), finishedAt: at(YEARS) };
      equal(await bench.store.settle({ ...settlement, attempt }, at(YEARS)), true);
      equal((await pullBack(bench)).deliveries, 1);
      same(await nextDue(bench), at(500));
      equal((await pullBack(bench)).deliveries, 0);
      same(await nextDue(bench), at(500));
    },
  },
  {
    title:
      'pullBack: looks at all deliveries that are due later, in steps, also at those that are due at the same time',
    run: async (bench) => {
      const handlerIds = Array.from({ length: 7 }, (_, index) => `handler ${index}`);
      await bench.readInto(bench.event({ handlerIds }));
      for (const item of (await bench.takeDeliveries({ handlerIds })).items) {
        await bench.settle(item, { state: 'pending', dueAt: at(500) });
      }
      await bench.readInto(bench.event({ handlerIds }), at(YEARS));
      const { deliveries, steps } = await pullBack(bench, 3);
      same([deliveries, steps], [7, 5]);
    },
  },
  {
    title: 'pullBack: tasks that nobody holds are due at once, and counted if they were due impossibly far ahead',
    run: async (bench) => {
      const tasks = [MUCH_LATER, YEARS].map((ms) => {
        return { id: `due in ${ms}`, handlerId: HANDLER, dueAt: at(ms), data: '{}' };
      });
      await bench.append();
      await bench.record(await bench.takeMessages(), { decide: () => ({ events: [], tasks }) });
      equal((await pullBack(bench)).tasks, 1);
      const take = (ms: number) =>
        bench.store.claimTasks({ now: at(ms), leaseMs: LEASE_MS, limit: 10, lease: `at ${ms}`, handlerIds: [HANDLER] });
      equal((await take(0)).length, 2);
      equal((await pullBack(bench)).tasks, 0);
      equal((await take(YEARS)).length, 2);
      equal((await pullBack(bench)).tasks, 2);
      same(await nextDue(bench), at(LEASE_MS));
    },
  },
];

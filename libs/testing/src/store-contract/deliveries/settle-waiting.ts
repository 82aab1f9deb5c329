import { equal } from 'node:assert/strict';
import type { ClaimedDelivery, DeliverySummary, Settlement } from 'nestjs-runhooks/core';
import { at, onlyOne, settlementOf, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { PORT_LIMITS } from '../../limits.js';
import { same } from '../same.js';

const DUE_MS = 5_000;
const WAITING: Settlement['next'] = { state: 'pending', dueAt: at(DUE_MS), waitingFor: 'results of run 7' };

/** Records an event and lets the first attempt of its delivery find that it must wait. */
async function waiting(harness: StoreHarness): Promise<DeliverySummary> {
  await harness.recordEvent(harness.event());
  equal(await harness.settle(onlyOne(await harness.takeDeliveries()), WAITING), true);
  return await theDelivery(harness);
}

async function theDelivery({ store }: StoreHarness): Promise<DeliverySummary> {
  const [delivery] = (await store.deliveries({}, {})).items;
  if (!delivery) throw new Error('expected a delivery');
  return delivery;
}

export const settleWaitingCases: readonly ContractCase[] = [
  {
    title: 'settle: takes back an attempt that must wait, keeps no record of it, and shows what it waits for',
    run: async (harness) => {
      const { id, state, attempts, dueAt, waitingFor } = await waiting(harness);
      same([state, attempts, dueAt, waitingFor], ['pending', 0, at(DUE_MS), 'results of run 7']);
      same(await harness.store.attempts(id), []);
      equal((await harness.takeDeliveries({ at: DUE_MS - 1 })).items.length, 0);
      equal(onlyOne(await harness.takeDeliveries({ at: DUE_MS })).attempt, 1);
      equal((await theDelivery(harness)).waitingFor, 'results of run 7');
    },
  },
  {
    title: 'settle: records a success after waiting as the first attempt',
    run: async (harness) => {
      const { id } = await waiting(harness);
      await harness.settle(onlyOne(await harness.takeDeliveries({ at: DUE_MS })));
      const { attempts, waitingFor } = await theDelivery(harness);
      same([attempts, waitingFor], [1, undefined]);
      same(
        (await harness.store.attempts(id)).map(({ attempt, outcome }) => [attempt, outcome]),
        [[1, 'succeeded']],
      );
      equal((await harness.store.counts()).deliveries.succeeded, 1);
    },
  },
  {
    title:
      'settle: forgets what a delivery waited for once its next attempt has failed, and waits again after failures',
    run: async (harness) => {
      const { id } = await waiting(harness);
      const failed = onlyOne(await harness.takeDeliveries({ at: DUE_MS }));
      await harness.settle(failed, { state: 'pending', dueAt: at(DUE_MS) });
      equal((await theDelivery(harness)).waitingFor, undefined);
      await harness.settle(onlyOne(await harness.takeDeliveries({ at: DUE_MS })), WAITING);
      equal((await theDelivery(harness)).attempts, 1);
      const last = onlyOne(await harness.takeDeliveries({ at: DUE_MS }));
      equal(last.attempt, 2);
      await harness.settle(last, { state: 'dead' });
      same(
        (await harness.store.attempts(id)).map(({ attempt, outcome }) => [attempt, outcome]),
        [
          [1, 'failed'],
          [2, 'failed'],
        ],
      );
      equal((await theDelivery(harness)).waitingFor, undefined);
    },
  },
  {
    title:
      'settle: keeps the time since which a delivery waits until an attempt is counted or the delivery is redriven',
    run: async (harness) => {
      const claim = async (): Promise<ClaimedDelivery> => onlyOne(await harness.takeDeliveries({ at: DUE_MS }));
      const wait = async (held: ClaimedDelivery, endMs: number): Promise<void> => {
        const { attempt, ...settlement } = settlementOf(held, WAITING);
        const finishedAt = at(endMs);
        await harness.settleAll([{ ...settlement, attempt: { ...attempt, finishedAt } }], finishedAt);
      };
      await harness.recordEvent(harness.event());
      await wait(await claim(), 1);
      const first = await claim();
      same(first.waitingSince, at(1));
      await wait(first, 2);
      const second = await claim();
      same(second.waitingSince, at(1));
      await harness.settle(second, { state: 'pending', dueAt: at(DUE_MS) });
      const third = await claim();
      equal(third.waitingSince, undefined);
      await harness.settle(third, { state: 'dead' });
      await harness.store.redrive({ deliveryIds: [third.id] }, harness.decision(), at(DUE_MS));
      equal((await claim()).waitingSince, undefined);
    },
  },
  {
    title: 'settle: keeps counted and waiting attempts of a batch apart',
    run: async (harness) => {
      for (let count = 0; count < 3; count += 1) await harness.recordEvent(harness.event());
      const { items } = await harness.takeDeliveries();
      const nexts = [WAITING, { state: 'pending', dueAt: at(DUE_MS) }, { state: 'succeeded' }] as const;
      const batch = items.map((held, index) => settlementOf(held, nexts[index] ?? WAITING));
      same(await harness.settleAll(batch), [true, true, true]);
      const kept = await Promise.all(items.map(async ({ id }) => (await harness.store.attempts(id)).length));
      same(kept, [0, 1, 1]);
    },
  },
  {
    title: 'dismiss: forgets what a delivery waited for',
    run: async (harness) => {
      const { id } = await waiting(harness);
      await harness.store.dismiss({ deliveryIds: [id] }, harness.decision(), at(0));
      const { state, waitingFor } = await theDelivery(harness);
      same([state, waitingFor], ['dismissed', undefined]);
    },
  },
  {
    title: 'pullBack: makes a waiting delivery due only if it waits longer than an API can ask for',
    run: async (harness) => {
      await harness.recordEvent(harness.event());
      const pullBack = (): Promise<unknown> => harness.store.pullBack({ now: at(0), leaseMs: 1, limit: 10 });
      const wait = async (dueMs: number): Promise<void> => {
        const held = onlyOne(await harness.takeDeliveries({ at: dueMs }));
        await harness.settle(held, { ...WAITING, dueAt: at(dueMs) });
      };
      await wait(PORT_LIMITS.cooldownMsMax);
      same(await pullBack(), { messages: 0, deliveries: 0, tasks: 0 });
      await wait(2 * PORT_LIMITS.cooldownMsMax);
      same(await pullBack(), { messages: 0, deliveries: 1, tasks: 0 });
      same((await theDelivery(harness)).dueAt, at(0));
    },
  },
];

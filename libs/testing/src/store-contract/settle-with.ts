import { equal, ok, rejects } from 'node:assert/strict';
import { StoreUnavailableError, type Store } from 'nestjs-runhooks/core';
import { at, MUCH_LATER, onlyOne, settlementOf, type StoreHarness } from './store-harness.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

type SettleWith = NonNullable<Store['settleWith']>;

const FOR_EVER = new AbortController().signal;

function verbOf(harness: StoreHarness): SettleWith {
  ok(harness.store.settleWith, 'the store is said to have settleWith');
  return harness.store.settleWith.bind(harness.store);
}

async function claimed(harness: StoreHarness): Promise<{ id: string; lease: string }> {
  await harness.readInto(harness.event());
  return onlyOne(await harness.takeDeliveries());
}

const succeededAs = (held: { id: string; lease: string }) => () => settlementOf(held, { state: 'succeeded' });

/** For a store that handlers can write to. */
export const settleWithCases: readonly ContractCase[] = [
  {
    title: 'settleWith: runs the work, then settles the delivery and records the attempt',
    run: async (harness) => {
      const held = await claimed(harness);
      let works = 0;
      equal(await verbOf(harness)(async () => (works += 1), succeededAs(held), FOR_EVER), true);
      equal(works, 1);
      same(
        (await harness.store.attempts(held.id)).map(({ outcome }) => outcome),
        ['succeeded'],
      );
      equal((await harness.store.counts()).deliveries.succeeded, 1);
      equal((await harness.takeDeliveries({ at: MUCH_LATER })).items.length, 0);
    },
  },
  {
    title: 'settleWith: if the work fails, rejects as it did and leaves the claim as it was',
    run: async (harness) => {
      const held = await claimed(harness);
      const failure = new TypeError('no');
      await rejects(
        verbOf(harness)(() => Promise.reject(failure), succeededAs(held), FOR_EVER),
        (error) => error === failure,
      );
      same(await harness.store.attempts(held.id), []);
      equal(await harness.settle(held), true);
    },
  },
  {
    title: 'settleWith: writes nothing and answers false if the claim was lost, also in the middle of the work',
    run: async (harness) => {
      const held = await claimed(harness);
      const takeOver = () => harness.takeDeliveries({ at: MUCH_LATER });
      equal(await verbOf(harness)(takeOver, succeededAs(held), FOR_EVER), false);
      same(await harness.store.attempts(held.id), []);
      equal((await harness.store.counts()).deliveries.pending, 1);
    },
  },
  {
    title: 'settleWith: a transaction that is open when its signal is aborted is given up, and others go on',
    run: async (harness) => {
      const held = await claimed(harness);
      const abort = new AbortController();
      const reason = new Error('out of time');
      const work = async () => {
        abort.abort(reason);
        await harness.append();
      };
      await rejects(verbOf(harness)(work, succeededAs(held), abort.signal), (error) => error === reason);
      same(await harness.store.attempts(held.id), []);
      equal(await harness.settle(held), true);
    },
  },
  {
    title: 'settleWith: takes its times when the work is done',
    run: async (harness) => {
      const held = await claimed(harness);
      let finishedAt = at(0);
      const work = async () => (finishedAt = at(70));
      const settlement = () => {
        const settled = settlementOf(held, { state: 'succeeded' });
        return { ...settled, attempt: { ...settled.attempt, finishedAt } };
      };
      await verbOf(harness)(work, settlement, FOR_EVER);
      equal((await harness.store.attempts(held.id))[0]?.durationMs, 70);
    },
  },
  {
    title: 'settleWith: rejects with StoreUnavailableError once the store is closed',
    run: async (harness) => {
      const settleWith = verbOf(harness);
      await harness.store.close();
      const work = () => Promise.resolve();
      await rejects(settleWith(work, succeededAs({ id: 'dlv_1', lease: 'lease' }), FOR_EVER), StoreUnavailableError);
    },
  },
];

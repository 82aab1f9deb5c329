import { equal, ok, rejects } from 'node:assert/strict';
import { StoreUnavailableError, type Store } from 'nestjs-runhooks/core';
import { at, MUCH_LATER, onlyOne, settlementOf, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { same } from './same.js';

type SettleWith = NonNullable<Store['settleWith']>;

const FOR_EVER = new AbortController().signal;

function verbOf(bench: StoreBench): SettleWith {
  ok(bench.store.settleWith, 'the store is said to have settleWith');
  return bench.store.settleWith.bind(bench.store);
}

async function claimed(bench: StoreBench): Promise<{ id: string; lease: string }> {
  await bench.readInto(bench.event());
  return onlyOne(await bench.takeDeliveries());
}

const succeededAs = (held: { id: string; lease: string }) => () => settlementOf(held, { state: 'succeeded' });

/** For a store that handlers can write to. */
export const settleWithCases: readonly ContractCase[] = [
  {
    title: 'settleWith: runs the work, then settles the delivery and records the attempt',
    run: async (bench) => {
      const held = await claimed(bench);
      let works = 0;
      equal(await verbOf(bench)(async () => (works += 1), succeededAs(held), FOR_EVER), true);
      equal(works, 1);
      same(
        (await bench.store.attempts(held.id)).map(({ outcome }) => outcome),
        ['succeeded'],
      );
      equal((await bench.store.counts()).deliveries.succeeded, 1);
      equal((await bench.takeDeliveries({ at: MUCH_LATER })).items.length, 0);
    },
  },
  {
    title: 'settleWith: if the work fails, rejects as it did and leaves the claim as it was',
    run: async (bench) => {
      const held = await claimed(bench);
      const failure = new TypeError('no');
      await rejects(
        verbOf(bench)(() => Promise.reject(failure), succeededAs(held), FOR_EVER),
        (error) => error === failure,
      );
      same(await bench.store.attempts(held.id), []);
      equal(await bench.settle(held), true);
    },
  },
  {
    title: 'settleWith: writes nothing and answers false if the claim was lost, also in the middle of the work',
    run: async (bench) => {
      const held = await claimed(bench);
      const takeOver = () => bench.takeDeliveries({ at: MUCH_LATER });
      equal(await verbOf(bench)(takeOver, succeededAs(held), FOR_EVER), false);
      same(await bench.store.attempts(held.id), []);
      equal((await bench.store.counts()).deliveries.pending, 1);
    },
  },
  {
    title: 'settleWith: a transaction that is open when its signal is aborted is given up, and others go on',
    run: async (bench) => {
      const held = await claimed(bench);
      const abort = new AbortController();
      const reason = new Error('out of time');
      const work = async () => {
        abort.abort(reason);
        await bench.append();
      };
      await rejects(verbOf(bench)(work, succeededAs(held), abort.signal), (error) => error === reason);
      same(await bench.store.attempts(held.id), []);
      equal(await bench.settle(held), true);
    },
  },
  {
    title: 'settleWith: takes its times when the work is done',
    run: async (bench) => {
      const held = await claimed(bench);
      let finishedAt = at(0);
      const work = async () => (finishedAt = at(70));
      const settlement = () => {
        const settled = settlementOf(held, { state: 'succeeded' });
        return { ...settled, attempt: { ...settled.attempt, finishedAt } };
      };
      await verbOf(bench)(work, settlement, FOR_EVER);
      equal((await bench.store.attempts(held.id))[0]?.durationMs, 70);
    },
  },
  {
    title: 'settleWith: rejects with StoreUnavailableError once the store is closed',
    run: async (bench) => {
      const settleWith = verbOf(bench);
      await bench.store.close();
      const work = () => Promise.resolve();
      await rejects(settleWith(work, succeededAs({ id: 'dlv_1', lease: 'lease' }), FOR_EVER), StoreUnavailableError);
    },
  },
];

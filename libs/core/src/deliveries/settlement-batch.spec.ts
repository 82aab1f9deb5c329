import { beforeEach, describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { NOT_RECORDED, type Recorded } from '../store/recording.js';
import type { Entry, Store } from '../store/store.js';
import { SettlementBatch } from './settlement-batch.js';

const NOW = new Date('2026-11-23T12:00:00.000Z');

/** Ids of the deliveries in each step of the store. */
let steps: string[][];
/** Returns for each entry of a step whether it was written. */
let result: (ids: readonly string[]) => Promise<(boolean | Recorded)[]>;
let batch: SettlementBatch;

beforeEach(() => {
  steps = [];
  result = (ids) => Promise.resolve(ids.map(() => true));
  const record = async (entries: readonly Entry[], now: Date): Promise<Recorded[]> => {
    expect(now).toBe(NOW);
    const ids = entries.map((entry) => ('deliveryId' in entry ? entry.deliveryId : ''));
    steps.push(ids);
    return (await result(ids)).map((one) => (typeof one === 'boolean' ? { ...NOT_RECORDED, recorded: one } : one));
  };
  batch = new SettlementBatch({ store: { record } as Store, clock: { now: () => NOW } });
});

function settle(...ids: readonly string[]): Promise<boolean>[] {
  const times = { startedAt: NOW, finishedAt: NOW };
  return ids.map(async (deliveryId) => {
    const attempt = { ...times, outcome: 'succeeded' } as const;
    const { recorded } = await batch.settle({ deliveryId, lease: 'lease', attempt, next: { state: 'succeeded' } });
    return recorded;
  });
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

/** Makes steps of the store wait, and returns a function that ends the first of them. */
function holdSteps(): () => void {
  const ends: (() => void)[] = [];
  result = (ids) => new Promise((resolve) => ends.push(() => resolve(ids.map(() => true))));
  return () => ends.shift()?.();
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('SettlementBatch', () => {
  it('settles attempts that end at the same time by one step', async () => {
    expect(await Promise.all(settle('a', 'b', 'c'))).toEqual([true, true, true]);
    expect(steps).toEqual([['a', 'b', 'c']]);
  });

  it('returns for each attempt whether it was written', async () => {
    result = () => Promise.resolve([true, false, true]);
    expect(await Promise.all(settle('a', 'b', 'c'))).toEqual([true, false, true]);
  });

  it('settles attempts that end while all steps are busy by the next step', async () => {
    const endFirst = holdSteps();
    for (const id of numbered(LIMITS.settleStepsMax)) {
      void settle(id);
      await turn();
    }
    const others = settle('x', 'y');
    await turn();
    expect(steps).toEqual(numbered(LIMITS.settleStepsMax).map((id) => [id]));
    endFirst();
    await turn();
    expect(steps.at(-1)).toEqual(['x', 'y']);
    endFirst();
    endFirst();
    expect(await Promise.all(others)).toEqual([true, true]);
  });

  it('settles no more than the largest number by one step, and the others afterwards', async () => {
    const written = await Promise.all(settle(...numbered(2 * LIMITS.settleMax + 1)));
    expect(written.every(Boolean)).toBe(true);
    expect(steps.map(({ length }) => length)).toEqual([LIMITS.settleMax, LIMITS.settleMax, 1]);
    expect(steps.flat()).toEqual(numbered(2 * LIMITS.settleMax + 1));
  });

  it('rejects only the attempt that the store could not write', async () => {
    const cause = new TypeError('cannot be bound');
    result = () => Promise.resolve([true, { ...NOT_RECORDED, failure: cause }, true]);
    const results = await Promise.allSettled(settle('a', 'b', 'c'));
    expect(results).toEqual([
      { status: 'fulfilled', value: true },
      { status: 'rejected', reason: cause },
      { status: 'fulfilled', value: true },
    ]);
    expect(steps).toEqual([['a', 'b', 'c']]);
  });

  it('rejects all attempts of a step, without settling them again, when the store is unavailable', async () => {
    const cause = new StoreUnavailableError('the disk is full');
    result = () => Promise.reject(cause);
    const results = await Promise.allSettled(settle('a', 'b'));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(steps).toEqual([['a', 'b']]);
  });

  it('settles later attempts after a step that was rejected', async () => {
    result = () => Promise.reject(new StoreUnavailableError('the disk is full'));
    await Promise.allSettled(settle('a'));
    result = (ids) => Promise.resolve(ids.map(() => true));
    expect(await Promise.all(settle('b'))).toEqual([true]);
  });

  it('leaves an attempt unwritten that the store returns no result for', async () => {
    result = () => Promise.resolve([true]);
    expect(await Promise.all(settle('a', 'b'))).toEqual([true, false]);
  });
});

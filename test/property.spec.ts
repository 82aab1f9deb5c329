import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkProperty, checkScript } from './property.js';

const numbers = fc.nat(1_000);

/** A run that ends only when it is aborted. */
async function endless(signal: AbortSignal): Promise<never> {
  await once(signal, 'abort');
  throw signal.reason;
}

describe('checkProperty', () => {
  it('makes all its runs within its time budget, one after the other', async () => {
    let [runs, running, most] = [0, 0, 0];
    const run = async (): Promise<void> => {
      runs += 1;
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    };
    await checkProperty(numbers, run, { runs: 20, runsMin: 5, budgetMs: Infinity });
    expect({ runs, most }).toEqual({ runs: 20, most: 1 });
  });

  it('makes only the minimum number of runs when its time budget is used up', async () => {
    let runs = 0;
    await checkProperty(numbers, () => Promise.resolve(void (runs += 1)), { runs: 20, runsMin: 5, budgetMs: -1 });
    expect(runs).toBe(5);
  });

  it('continues beyond its time budget until nothing is missing', async () => {
    let runs = 0;
    await checkProperty(numbers, () => Promise.resolve(void (runs += 1)), {
      runs: 20,
      runsMin: 5,
      budgetMs: -1,
      missing: () => (runs < 9 ? ['nine runs'] : []),
    });
    expect(runs).toBe(9);
  });

  it('fails when something is still missing at the end, and names it', async () => {
    const checked = checkProperty(numbers, () => Promise.resolve(), { runs: 3, runsMin: 1, missing: () => [/kill/] });
    await expect(checked).rejects.toThrow(/^3 runs in \d+ ms, and none of them led to \/kill\/$/);
  });

  it('aborts a run that takes too long, leaves none running, and reports how many runs were made', async () => {
    let [begun, ended] = [0, 0];
    const run = async (_: number, signal: AbortSignal): Promise<void> => {
      begun += 1;
      try {
        await endless(signal);
      } finally {
        await new Promise((resolve) => setImmediate(resolve));
        ended += 1;
      }
    };
    const checked = checkProperty(numbers, run, { runs: 20, runsMin: 5, budgetMs: 0, capMs: 20 });
    await expect(checked).rejects.toThrow(/^0 runs in \d+ ms, at least 5 expected within 20 ms: .*this run is: \d+$/);
    expect({ begun, ended }).toEqual({ begun: 1, ended: 1 });
  });

  it('reports the seed and the smallest failing value', async () => {
    const run = (value: number): Promise<void> =>
      value < 100 ? Promise.resolve() : Promise.reject(new Error('too large'));
    const checked = checkProperty(numbers, run, { runs: 100, runsMin: 100 });
    await expect(checked).rejects.toThrow(/seed: \d+.*Counterexample: \[100\]/s);
  });

  it('runs a given value once', async () => {
    const played: string[] = [];
    await checkScript('found', (value) => Promise.resolve(void played.push(value)));
    expect(played).toEqual(['found']);
  });
});

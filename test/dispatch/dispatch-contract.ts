import { expect, it } from '@jest/globals';
import { PermanentError, RetryLater, type DispatchTransport } from 'nestjs-runhooks/core';
import { DispatchHarness, held, openStore, until, type HarnessOptions } from './dispatch-harness.js';

/** Opens a separate transport for each process; all of them share one backend. */
export type OpenTransport = () => DispatchTransport | undefined;

/** Defines the behavior every dispatch backend must have for a handler. The workers run by themselves in real time. */
export function dispatchContract(openTransport: OpenTransport): void {
  const open = (options: HarnessOptions = {}): Promise<DispatchHarness> => {
    const transport = openTransport();
    return DispatchHarness.open({ ...options, ...(transport && { transport }) });
  };
  const another = (harness: DispatchHarness): Promise<DispatchHarness> =>
    open({ store: harness.store, clock: harness.clock });

  async function withBenches(count: number, play: (...benches: DispatchHarness[]) => Promise<void>): Promise<void> {
    const store = await openStore();
    const first = await open({ store });
    const benches = [first];
    while (benches.length < count) benches.push(await another(first));
    try {
      await play(...benches);
    } finally {
      await Promise.all(benches.map(({ dispatcher }) => dispatcher.stop(0)));
      for (const harness of benches) await harness.close();
    }
  }

  const succeeded = async ({ inbox }: DispatchHarness): Promise<number> => (await inbox.counts()).deliveries.succeeded;

  it('runs each handler once per event, in any one process', () =>
    withBenches(2, async (one, two) => {
      const ran: string[] = [];
      for (const harness of [one, two]) {
        for (const id of ['a', 'b']) harness.on(id, (event) => void ran.push(`${id} ${event.id}`));
        harness.dispatcher.start();
      }
      for (let run = 0; run < 50; run += 1) await (run % 2 ? one : two).send({ run: `${run}` });
      await until(async () => (await succeeded(one)) === 100);
      expect(ran).toHaveLength(100);
      expect(new Set(ran).size).toBe(100);
    }));

  it('runs all work that was due before the worker started', () =>
    withBenches(1, async (harness) => {
      let ran = 0;
      harness.on('handler', () => void (ran += 1));
      for (let run = 0; run < 1_200; run += 1) await harness.send({ run: `${run}` });
      harness.dispatcher.start();
      await until(async () => (await succeeded(harness)) === 1_200);
      expect(ran).toBe(1_200);
    }));

  it('retries failed deliveries when they are due, up to the last attempt', () =>
    withBenches(1, async (harness) => {
      const attempts: number[] = [];
      harness.on('later', (_, { attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new RetryLater(3_600_000);
      });
      harness.on('mortal', () => Promise.reject(new PermanentError('no')));
      harness.on('stubborn', () => Promise.reject(new Error('no')), { retry: { attemptsMax: 3 } });
      harness.dispatcher.start();
      await harness.send();
      await until(async () => (await harness.inbox.counts()).deliveries.dead === 2);
      expect(attempts).toEqual([1]);
      for (const done of [2, 3]) {
        harness.clock.advance(3_600_000);
        await until(() => attempts.length === done);
      }
      await until(async () => (await succeeded(harness)) === 1);
      expect((await harness.deliveries('stubborn')).map(({ attempts: count }) => count)).toEqual([3]);
    }));

  it('runs redriven and replayed deliveries at once', () =>
    withBenches(1, async (harness) => {
      let isFixed = false;
      harness.on('handler', () => {
        if (!isFixed) throw new PermanentError('no');
      });
      harness.dispatcher.start();
      await harness.send();
      await until(async () => (await harness.inbox.counts()).deliveries.dead === 1);
      isFixed = true;
      await harness.inbox.redrive({ by: 'me' });
      await until(async () => (await succeeded(harness)) === 1);
      await harness.inbox.replay({ id: 'again', events: {}, by: 'me' });
      await until(async () => (await succeeded(harness)) === 2);
    }));

  it('respects the concurrency of the process and of each handler', () =>
    withBenches(1, async (harness) => {
      const running = { bounded: 0, free: 0, boundedMax: 0, allMax: 0 };
      const run = (kind: 'bounded' | 'free') => async () => {
        running[kind] += 1;
        running.boundedMax = Math.max(running.boundedMax, running.bounded);
        running.allMax = Math.max(running.allMax, running.bounded + running.free);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running[kind] -= 1;
      };
      harness.on('bounded', run('bounded'), { concurrency: 2 });
      harness.on('free', run('free'));
      for (let index = 0; index < 60; index += 1) await harness.send({ run: `${index}` });
      harness.dispatcher.start();
      await until(async () => (await succeeded(harness)) === 120);
      expect(running.boundedMax).toBeLessThanOrEqual(2);
      expect(running.allMax).toBeLessThanOrEqual(10);
      expect(running.allMax).toBeGreaterThan(2);
    }));

  it('keeps the order of a lane across processes', () =>
    withBenches(2, async (one, two) => {
      const ran: string[] = [];
      for (const harness of [one, two]) {
        harness.on('laned', ({ id }) => void ran.push(id), { serialize: 'job' });
        harness.dispatcher.start();
      }
      const runs = Array.from({ length: 20 }, (_, run) => `${run}`);
      for (const run of runs) await one.send({ run });
      await until(async () => (await succeeded(one)) === 20);
      expect(ran).toEqual(runs.map((run) => `run.succeeded:probe/1/${run}`));
    }));

  it('runs a delivery in the process that has the handler', () =>
    withBenches(2, async (one, two) => {
      const ran: string[] = [];
      one.on('a', () => void ran.push('a'));
      two.on('b', () => void ran.push('b'));
      for (const harness of [one, two]) {
        await harness.presence.start();
        harness.dispatcher.start();
      }
      for (let run = 0; run < 5; run += 1) await one.send({ run: `${run}` });
      await until(async () => {
        one.clock.advance(1);
        return (await succeeded(one)) === 10;
      });
      expect(ran.filter((id) => id === 'a')).toHaveLength(5);
      expect(ran).toHaveLength(10);
    }));

  it('waits for running handlers at a stop and starts nothing new', () =>
    withBenches(1, async (harness) => {
      const { promise, release } = held();
      let runs = 0;
      harness.on(
        'handler',
        async () => {
          runs += 1;
          await promise;
        },
        { concurrency: 1 },
      );
      harness.dispatcher.start();
      await harness.send({ run: '1' });
      await harness.send({ run: '2' });
      await until(() => runs === 1);
      const stopped = harness.dispatcher.stop(10_000);
      release();
      await stopped;
      expect(runs).toBe(1);
      expect((await harness.inbox.counts()).deliveries).toMatchObject({ succeeded: 1, pending: 1 });
    }));
}

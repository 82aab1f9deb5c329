import { expect, it } from '@jest/globals';
import { PermanentError, RetryLater, type Transport } from 'nestjs-runhooks/core';
import { Bench, held, openStore, until, type BenchOptions } from './bench.js';

/** A transport of its own for each of several processes, which share what is behind them. */
export type OpenTransport = () => Transport | undefined;

/** What every way of dispatching does, seen from a handler. The dispatchers run by themselves, in real time. */
export function dispatchContract(openTransport: OpenTransport): void {
  const open = (options: BenchOptions = {}): Promise<Bench> => {
    const transport = openTransport();
    return Bench.open({ ...options, ...(transport && { transport }) });
  };
  const another = (bench: Bench): Promise<Bench> => open({ store: bench.store, clock: bench.clock });

  async function withBenches(count: number, play: (...benches: Bench[]) => Promise<void>): Promise<void> {
    const store = await openStore();
    const first = await open({ store });
    const benches = [first];
    while (benches.length < count) benches.push(await another(first));
    try {
      await play(...benches);
    } finally {
      await Promise.all(benches.map(({ dispatcher }) => dispatcher.stop(0)));
      for (const bench of benches) await bench.close();
    }
  }

  const succeeded = async ({ inbox }: Bench): Promise<number> => (await inbox.counts()).deliveries.succeeded;

  it('runs each handler once for each event, in one process or another', () =>
    withBenches(2, async (one, two) => {
      const ran: string[] = [];
      for (const bench of [one, two]) {
        for (const id of ['a', 'b']) bench.on(id, (event) => void ran.push(`${id} ${event.id}`));
        bench.dispatcher.start();
      }
      for (let run = 0; run < 50; run += 1) await (run % 2 ? one : two).send({ run: `${run}` });
      await until(async () => (await succeeded(one)) === 100);
      expect(ran).toHaveLength(100);
      expect(new Set(ran).size).toBe(100);
    }));

  it('finds what was due before it began, however much that is', () =>
    withBenches(1, async (bench) => {
      let ran = 0;
      bench.on('handler', () => void (ran += 1));
      for (let run = 0; run < 1_200; run += 1) await bench.send({ run: `${run}` });
      bench.dispatcher.start();
      await until(async () => (await succeeded(bench)) === 1_200);
      expect(ran).toBe(1_200);
    }));

  it('tries again what failed, when that is due, and gives up in the end', () =>
    withBenches(1, async (bench) => {
      const attempts: number[] = [];
      bench.on('later', (_, { attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new RetryLater(3_600_000);
      });
      bench.on('mortal', () => Promise.reject(new PermanentError('no')));
      bench.on('stubborn', () => Promise.reject(new Error('no')), { retry: { attemptsMax: 3 } });
      bench.dispatcher.start();
      await bench.send();
      await until(async () => (await bench.inbox.counts()).deliveries.dead === 2);
      expect(attempts).toEqual([1]);
      for (const done of [2, 3]) {
        bench.clock.advance(3_600_000);
        await until(() => attempts.length === done);
      }
      await until(async () => (await succeeded(bench)) === 1);
      expect((await bench.deliveries('stubborn')).map(({ attempts: count }) => count)).toEqual([3]);
    }));

  it('runs at once what is redriven or replayed', () =>
    withBenches(1, async (bench) => {
      let isMended = false;
      bench.on('handler', () => {
        if (!isMended) throw new PermanentError('no');
      });
      bench.dispatcher.start();
      await bench.send();
      await until(async () => (await bench.inbox.counts()).deliveries.dead === 1);
      isMended = true;
      await bench.inbox.redrive({ by: 'me' });
      await until(async () => (await succeeded(bench)) === 1);
      await bench.inbox.replay({ id: 'again', events: {}, by: 'me' });
      await until(async () => (await succeeded(bench)) === 2);
    }));

  it('keeps to the bounds of the process and of each handler', () =>
    withBenches(1, async (bench) => {
      const running = { bounded: 0, free: 0, boundedMax: 0, allMax: 0 };
      const run = (kind: 'bounded' | 'free') => async () => {
        running[kind] += 1;
        running.boundedMax = Math.max(running.boundedMax, running.bounded);
        running.allMax = Math.max(running.allMax, running.bounded + running.free);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running[kind] -= 1;
      };
      bench.on('bounded', run('bounded'), { concurrency: 2 });
      bench.on('free', run('free'));
      for (let index = 0; index < 60; index += 1) await bench.send({ run: `${index}` });
      bench.dispatcher.start();
      await until(async () => (await succeeded(bench)) === 120);
      expect(running.boundedMax).toBeLessThanOrEqual(2);
      expect(running.allMax).toBeLessThanOrEqual(10);
      expect(running.allMax).toBeGreaterThan(2);
    }));

  it('keeps the order of a lane, over processes', () =>
    withBenches(2, async (one, two) => {
      const ran: string[] = [];
      for (const bench of [one, two]) {
        bench.on('laned', ({ id }) => void ran.push(id), { serialize: 'job' });
        bench.dispatcher.start();
      }
      const runs = Array.from({ length: 20 }, (_, run) => `${run}`);
      for (const run of runs) await one.send({ run });
      await until(async () => (await succeeded(one)) === 20);
      expect(ran).toEqual(runs.map((run) => `run.succeeded:probe/1/${run}`));
    }));

  it('comes to the process that has the handler', () =>
    withBenches(2, async (one, two) => {
      const ran: string[] = [];
      one.on('a', () => void ran.push('a'));
      two.on('b', () => void ran.push('b'));
      for (const bench of [one, two]) {
        await bench.presence.start();
        bench.dispatcher.start();
      }
      for (let run = 0; run < 5; run += 1) await one.send({ run: `${run}` });
      await until(async () => {
        one.clock.advance(1);
        return (await succeeded(one)) === 10;
      });
      expect(ran.filter((id) => id === 'a')).toHaveLength(5);
      expect(ran).toHaveLength(10);
    }));

  it('waits at a stop for what runs, and starts nothing more', () =>
    withBenches(1, async (bench) => {
      const { promise, release } = held();
      let runs = 0;
      bench.on(
        'handler',
        async () => {
          runs += 1;
          await promise;
        },
        { concurrency: 1 },
      );
      bench.dispatcher.start();
      await bench.send({ run: '1' });
      await bench.send({ run: '2' });
      await until(() => runs === 1);
      const stopped = bench.dispatcher.stop(10_000);
      release();
      await stopped;
      expect(runs).toBe(1);
      expect((await bench.inbox.counts()).deliveries).toMatchObject({ succeeded: 1, pending: 1 });
    }));
}

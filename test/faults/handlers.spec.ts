import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/core';
import { Bench, until } from '../dispatch/bench.js';

let bench: Bench;
/** Ends the handlers that a test has let hang. */
let letGo: () => void;
let over: Promise<void>;

beforeEach(async () => {
  bench = await Bench.open({ concurrency: 3, abortGraceMs: 1 });
  over = new Promise((resolve) => {
    letGo = resolve;
  });
});
afterEach(async () => {
  letGo();
  await bench.close();
});

const NEVER_SETTLING: readonly [what: string, run: () => unknown][] = [
  ['never returns', () => over],
  ['answers a thenable that never settles', () => ({ then: (): void => undefined })],
  ['answers a thenable that settles in both ways, and again', () => ({ then: bothWays })],
  ['hangs, and throws long after its time was up', () => over.then(() => Promise.reject(new Error('too late')))],
];

/** Rejects first; what it says afterwards is nothing. */
function bothWays(resolve: () => void, reject: (thrown: unknown) => void): void {
  reject(undefined);
  resolve();
  reject(new Error('again'));
}

describe('a handler', () => {
  it.each(NEVER_SETTLING)('that %s holds up neither its sibling nor the next event', async (_, run) => {
    const done: string[] = [];
    bench.on('hangs', run, { timeoutMs: 1, retry: false });
    bench.on('works', ({ id }) => void done.push(id));
    await bench.send({ run: '1' });
    await bench.send({ run: '2' });
    await bench.idle();
    expect(done).toEqual(['run.succeeded:probe/1/1', 'run.succeeded:probe/1/2']);
    expect((await bench.inbox.counts()).deliveries).toEqual({
      pending: 0,
      succeeded: 2,
      skipped: 0,
      dead: 2,
      dismissed: 0,
    });
    expect(bench.lines.filter((line) => line.includes('"works"'))).toEqual([]);
  });
});

/** Lines of the log about a handler. */
const linesAbout = (id: string) => bench.lines.filter((line) => line.includes(`Handler "${id}"`));
const hang = { timeoutMs: 1, retry: false } as const;

describe('handlers that hang', () => {
  it('give their places back, however many of the process they have taken', async () => {
    const done: string[] = [];
    for (let count = 0; count < 10; count += 1) bench.on(`hangs-${count}`, () => over, hang);
    bench.on('works', ({ id }) => void done.push(id), { types: ['run.failed'] });
    await bench.send();
    await bench.idle();
    await bench.send({ types: ['run.failed'], run: '2' });
    await bench.idle();
    expect(done).toEqual(['run.failed:probe/1/2']);
    expect((await bench.inbox.counts()).deliveries).toMatchObject({ dead: 10, succeeded: 1 });
  });

  it('give the places of their own `concurrency` back, too, so that their next events are not stopped', async () => {
    const runs: string[] = [];
    const run = ({ id }: { id: string }) => (runs.push(id) === 1 ? over : undefined);
    bench.on('hangs-once', run, { ...hang, concurrency: 1 });
    await bench.send({ run: '1' });
    await bench.send({ run: '2' });
    await bench.idle();
    expect(runs).toEqual(['run.succeeded:probe/1/1', 'run.succeeded:probe/1/2']);
    expect((await bench.inbox.counts()).deliveries).toMatchObject({ dead: 1, succeeded: 1 });
  });

  it('are warned of once for each handler, and then counted', async () => {
    bench.on('hangs', () => over, { timeoutMs: 1, retry: { attemptsMax: 3 } });
    await bench.send();
    await bench.idle();
    expect(linesAbout('hangs')).toEqual([expect.stringMatching(/^warn: .*ignored delivery\.signal: attempt 1 /)]);
  });

  it('are shown by process and handler until they settle', async () => {
    bench.on('hangs', () => over, { timeoutMs: 1, retry: { attemptsMax: 2 } });
    bench.on('works', () => undefined);
    await bench.presence.start();
    await bench.send();
    await bench.idle();
    await bench.presence.renew();
    expect((await bench.inbox.processes())[0]?.abandoned).toEqual([{ handlerId: 'hangs', calls: 2 }]);
    expect((await bench.inbox.counts()).abandoned).toBe(2);
    letGo();
    await until(async () => {
      await bench.presence.renew();
      return (await bench.inbox.counts()).abandoned === 0;
    });
    expect((await bench.inbox.processes())[0]?.abandoned).toEqual([]);
  });

  it('are dead letters before their handler has too many abandoned calls to be started', async () => {
    bench.on('hangs', () => over, { timeoutMs: 1 });
    await bench.send();
    await bench.idle();
    expect((await bench.outcome('hangs'))[0]).toBe('dead');
    expect(LIMITS.attemptsMax).toBeLessThan(LIMITS.abandonedPerHandlerMax);
  });

  it('are not started beyond the limit of a handler, which is said at error level, until a call settles', async () => {
    const done: string[] = [];
    let calls = 0;
    const hangs = () => {
      calls += 1;
      return over;
    };
    bench.on('hangs', hangs, { timeoutMs: 1, retry: { attemptsMax: 2 * LIMITS.abandonedPerHandlerMax } });
    bench.on('works', ({ id }) => void done.push(id));
    await bench.send({ run: '1' });
    await bench.idle();
    await bench.send({ run: '2' });
    await bench.idle();
    expect(calls).toBeLessThan(LIMITS.abandonedPerHandlerMax + 3);
    expect(done).toHaveLength(2);
    expect((await bench.inbox.counts()).deliveries).toMatchObject({ pending: 2, succeeded: 2 });
    const [, paused] = linesAbout('hangs');
    expect(paused).toMatch(/^error: Handler "hangs" is not started again in this process until/);
    letGo();
    await until(async () => {
      await bench.idle();
      return (await bench.inbox.counts()).deliveries.pending === 0;
    });
    expect(linesAbout('hangs').at(-1)).toBe('log: Handler "hangs" is started again in this process');
  });

  it('stop, once the process has too many abandoned calls, only handlers that have some', async () => {
    const each = LIMITS.abandonedPerHandlerMax - 1;
    const handlers = Math.ceil(LIMITS.abandonedMax / each);
    const retry = { attemptsMax: 2 * LIMITS.abandonedPerHandlerMax };
    for (let count = 0; count < handlers; count += 1) bench.on(`hangs-${count}`, () => over, { timeoutMs: 1, retry });
    bench.on('works', () => undefined, { types: ['run.failed'] });
    await bench.send();
    await bench.idle();
    await bench.send({ types: ['run.failed'], run: '2' });
    await bench.idle();
    await bench.presence.start();
    // Those that ran when the limit was reached are abandoned, too.
    expect((await bench.inbox.counts()).abandoned).toBeLessThan(LIMITS.abandonedMax + 3);
    expect((await bench.outcome('works'))[0]).toBe('succeeded');
    const paused = /^error: Handler "(hangs-\d)" is not started again/;
    const named = bench.lines.flatMap((line) => paused.exec(line)?.[1] ?? []);
    expect(named.sort()).toEqual(Array.from({ length: handlers }, (_, count) => `hangs-${count}`));
  });

  it('hold up no shutdown once their attempt is over', async () => {
    bench.on('hangs', () => over, hang);
    await bench.send();
    await bench.idle();
    // Without them there is nothing to wait for, so the day is not waited for.
    await bench.dispatcher.stop(24 * 60 * 60 * 1_000);
    expect((await bench.outcome('hangs'))[0]).toBe('dead');
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness, until } from '../dispatch/dispatch-harness.js';

let harness: DispatchHarness;
/** Ends all handlers that still hang. */
let endAll: () => void;
let over: Promise<void>;

beforeEach(async () => {
  harness = await DispatchHarness.open({ concurrency: 3, abortGraceMs: 1 });
  over = new Promise((resolve) => {
    endAll = resolve;
  });
});
afterEach(async () => {
  endAll();
  await harness.close();
});

const NEVER_SETTLING: readonly [what: string, run: () => unknown][] = [
  ['never returns', () => over],
  ['returns a thenable that never settles', () => ({ then: (): void => undefined })],
  ['returns a thenable that settles in both ways, repeatedly', () => ({ then: bothWays })],
  ['hangs, and throws long after its timeout', () => over.then(() => Promise.reject(new Error('too late')))],
];

/** Rejects first, so the later calls have no effect. */
function bothWays(resolve: () => void, reject: (thrown: unknown) => void): void {
  reject(undefined);
  resolve();
  reject(new Error('again'));
}

describe('a handler that misbehaves', () => {
  it.each(NEVER_SETTLING)('does not delay its siblings or later events when it %s', async (_, run) => {
    const done: string[] = [];
    harness.on('hangs', run, { timeoutMs: 1, retry: false });
    harness.on('works', ({ id }) => void done.push(id));
    await harness.send({ run: '1' });
    await harness.send({ run: '2' });
    await harness.idle();
    expect(done).toEqual(['run.succeeded:probe/1/1', 'run.succeeded:probe/1/2']);
    expect((await harness.inbox.counts()).deliveries).toEqual({
      pending: 0,
      succeeded: 2,
      skipped: 0,
      dead: 2,
      dismissed: 0,
    });
    expect(harness.lines.filter((line) => line.includes('"works"'))).toEqual([]);
  });
});

/** Returns the log lines about a handler. */
const linesAbout = (id: string) => harness.lines.filter((line) => line.includes(`Handler "${id}"`));
const hang = { timeoutMs: 1, retry: false } as const;

describe('hanging handlers', () => {
  it('release their slots in the process, however many they have taken', async () => {
    const done: string[] = [];
    for (let count = 0; count < 10; count += 1) harness.on(`hangs-${count}`, () => over, hang);
    harness.on('works', ({ id }) => void done.push(id), { types: ['run.failed'] });
    await harness.send();
    await harness.idle();
    await harness.send({ types: ['run.failed'], run: '2' });
    await harness.idle();
    expect(done).toEqual(['run.failed:probe/1/2']);
    expect((await harness.inbox.counts()).deliveries).toMatchObject({ dead: 10, succeeded: 1 });
  });

  it('release their own `concurrency` slots, so that later events run', async () => {
    const runs: string[] = [];
    const run = ({ id }: { id: string }) => (runs.push(id) === 1 ? over : undefined);
    harness.on('hangs-once', run, { ...hang, concurrency: 1 });
    await harness.send({ run: '1' });
    await harness.send({ run: '2' });
    await harness.idle();
    expect(runs).toEqual(['run.succeeded:probe/1/1', 'run.succeeded:probe/1/2']);
    expect((await harness.inbox.counts()).deliveries).toMatchObject({ dead: 1, succeeded: 1 });
  });

  it('are warned of once per handler and then counted', async () => {
    harness.on('hangs', () => over, { timeoutMs: 1, retry: { attemptsMax: 3 } });
    await harness.send();
    await harness.idle();
    expect(linesAbout('hangs')).toEqual([expect.stringMatching(/^warn: .*ignored delivery\.signal: attempt 1 /)]);
  });

  it('are listed by process and handler until they return', async () => {
    harness.on('hangs', () => over, { timeoutMs: 1, retry: { attemptsMax: 2 } });
    harness.on('works', () => undefined);
    await harness.presence.start();
    await harness.send();
    await harness.idle();
    await harness.presence.renew();
    expect((await harness.inbox.processes())[0]?.abandoned).toEqual([{ handlerId: 'hangs', calls: 2 }]);
    expect((await harness.inbox.counts()).abandoned).toBe(2);
    endAll();
    await until(async () => {
      await harness.presence.renew();
      return (await harness.inbox.counts()).abandoned === 0;
    });
    expect((await harness.inbox.processes())[0]?.abandoned).toEqual([]);
  });

  it('have their deliveries made dead letters before the handler reaches its limit of abandoned calls', async () => {
    harness.on('hangs', () => over, { timeoutMs: 1 });
    await harness.send();
    await harness.idle();
    expect((await harness.outcome('hangs'))[0]).toBe('dead');
    expect(LIMITS.attemptsMax).toBeLessThan(LIMITS.abandonedPerHandlerMax);
  });

  it("are not called beyond the handler's limit, which is logged as an error, until a call returns", async () => {
    const done: string[] = [];
    let calls = 0;
    const hangs = () => {
      calls += 1;
      return over;
    };
    harness.on('hangs', hangs, { timeoutMs: 1, retry: { attemptsMax: 2 * LIMITS.abandonedPerHandlerMax } });
    harness.on('works', ({ id }) => void done.push(id));
    await harness.send({ run: '1' });
    await harness.idle();
    await harness.send({ run: '2' });
    await harness.idle();
    expect(calls).toBeLessThan(LIMITS.abandonedPerHandlerMax + 3);
    expect(done).toHaveLength(2);
    expect((await harness.inbox.counts()).deliveries).toMatchObject({ pending: 2, succeeded: 2 });
    const [, paused] = linesAbout('hangs');
    expect(paused).toMatch(/^error: Handler "hangs" is paused in this process until/);
    endAll();
    await until(async () => {
      await harness.idle();
      return (await harness.inbox.counts()).deliveries.pending === 0;
    });
    expect(linesAbout('hangs').at(-1)).toBe('log: Handler "hangs" is running in this process again');
  });

  it('stop only handlers with abandoned calls when the process reaches its limit', async () => {
    const each = LIMITS.abandonedPerHandlerMax - 1;
    const handlers = Math.ceil(LIMITS.abandonedMax / each);
    const retry = { attemptsMax: 2 * LIMITS.abandonedPerHandlerMax };
    for (let count = 0; count < handlers; count += 1) harness.on(`hangs-${count}`, () => over, { timeoutMs: 1, retry });
    harness.on('works', () => undefined, { types: ['run.failed'] });
    await harness.send();
    await harness.idle();
    await harness.send({ types: ['run.failed'], run: '2' });
    await harness.idle();
    await harness.presence.start();
    // The calls that ran when the limit was reached are abandoned as well.
    expect((await harness.inbox.counts()).abandoned).toBeLessThan(LIMITS.abandonedMax + 3);
    expect((await harness.outcome('works'))[0]).toBe('succeeded');
    const paused = /^error: Handler "(hangs-\d)" is paused in this process/;
    const named = harness.lines.flatMap((line) => paused.exec(line)?.[1] ?? []);
    expect(named.sort()).toEqual(Array.from({ length: handlers }, (_, count) => `hangs-${count}`));
  });

  it('do not delay a shutdown once their attempt is over', async () => {
    harness.on('hangs', () => over, hang);
    await harness.send();
    await harness.idle();
    // Abandoned calls are not awaited, so the stop returns without waiting a day.
    await harness.dispatcher.stop(24 * 60 * 60 * 1_000);
    expect((await harness.outcome('hangs'))[0]).toBe('dead');
  });
});

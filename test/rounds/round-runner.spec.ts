import { afterEach, describe, expect, it } from '@jest/globals';
import { OwnError, RetryLater, StoreUnavailableError, type RoundContext } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness, held, START, until } from '../dispatch/dispatch-harness.js';
import { FakeApi, SOURCE, sourceWith } from './fake-api.js';

class ApiDownError extends OwnError {
  readonly code = 'RUNHOOKS_API_DOWN';
}

const open: DispatchHarness[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((harness) => harness.close()));
});

async function start(api = new FakeApi(), other?: DispatchHarness) {
  const shared = other && { store: other.store, clock: other.clock };
  const harness = await DispatchHarness.open({ sources: [sourceWith(api)], ...shared });
  open.push(harness);
  await harness.rounds.register();
  return { api, harness };
}

/** Returns a round that runs until it is aborted or let go. */
function waiting() {
  const { promise, release } = held();
  const reasons: unknown[] = [];
  const run = async ({ signal }: RoundContext): Promise<void> => {
    const aborted = new Promise<void>((_, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason);
        reject(signal.reason as Error);
      });
    });
    await Promise.race([promise, aborted]);
  };
  return { run, release, reasons };
}

async function roundOf(harness: DispatchHarness) {
  const [round] = await harness.inbox.rounds();
  if (!round) throw new Error('there is no round');
  return round;
}

const inMs = (ms: number): Date => new Date(START.getTime() + ms);

describe('the rounds of a process', () => {
  it('run when they are due, and again after their interval', async () => {
    const { api, harness } = await start();
    harness.rounds.start();
    await until(() => api.calls.length === 1);
    await until(async () => !(await roundOf(harness)).isRunning);
    expect(await roundOf(harness)).toMatchObject({ cursor: 'after 1', failures: 0, dueAt: inMs(60_000) });
    harness.clock.advance(60_000);
    harness.rounds.wake();
    await until(() => api.calls.length === 2);
  });

  it('learn which runs have a phase that the inbox lacks', async () => {
    const { api, harness } = await start();
    const wanted = ['1', '2'].map((runId) => ({ accountId: '1', runId, phases: ['running'] as const }));
    const lacking: (readonly boolean[])[] = [];
    api.add({ id: '2' });
    api.instead = async (context) => {
      lacking.push(await context.lacking(wanted));
      await context.report(api.reported());
      lacking.push(await context.lacking(wanted), await context.lacking([]));
    };
    await harness.rounds.runAll();
    expect(lacking).toEqual([[true, true], [true, false], []]);
  });

  it('run when a test asks for those that are due, and only those', async () => {
    const { api, harness } = await start();
    api.addRound('open', 600_000);
    const { harness: other } = await start(api, harness);
    await other.rounds.runDue();
    expect(api.calls).toEqual(['ended', 'open']);
    await other.rounds.runDue();
    harness.clock.advance(60_000);
    await other.rounds.runDue();
    expect(api.calls).toEqual(['ended', 'open', 'ended']);
  });

  it('run in one process at a time', async () => {
    const { api, harness } = await start();
    const { harness: other } = await start(api, harness);
    const { run, release } = waiting();
    api.instead = run;
    const first = harness.rounds.runAll();
    await until(() => api.calls.length === 1);
    await other.rounds.runAll();
    expect(api.calls).toHaveLength(1);
    release();
    await first;
    await other.rounds.runAll();
    expect(api.calls).toHaveLength(2);
  });

  it('are taken over when their lease has expired, and the first process can store nothing more', async () => {
    const { api, harness } = await start();
    const { harness: other } = await start(api, harness);
    let context: RoundContext | undefined;
    const { promise, release } = held();
    api.instead = async (given) => {
      context = given;
      await promise;
    };
    const first = harness.rounds.runAll().catch((error: unknown) => error);
    await until(() => context !== undefined);
    harness.clock.advance(LIMITS.roundLeaseMs);
    api.instead = undefined;
    await other.rounds.runAll();
    expect(await roundOf(harness)).toMatchObject({ cursor: 'after 2' });
    await expect(context?.moveTo('lost')).rejects.toThrow('another worker has claimed the round');
    expect(context?.signal.aborted).toBe(true);
    release();
    expect(await first).toMatchObject({ code: 'RUNHOOKS_ROUND_ABORTED' });
    expect(await roundOf(harness)).toMatchObject({ cursor: 'after 2', failures: 0, isRunning: false });
  });

  it('are aborted at shutdown and given back, without a failure', async () => {
    const { api, harness } = await start();
    const { harness: other } = await start(api, harness);
    const { run, reasons } = waiting();
    api.instead = run;
    harness.rounds.start();
    await until(() => api.calls.length === 1);
    await harness.rounds.stop();
    expect(reasons).toMatchObject([{ code: 'RUNHOOKS_ROUND_ABORTED' }]);
    expect(await roundOf(harness)).toMatchObject({ failures: 0, dueAt: START, isRunning: false });
    expect(harness.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
    api.instead = undefined;
    other.rounds.start();
    await until(() => api.calls.length === 2);
  });

  it('wait longer after each failure, up to 15 minutes, and log the first failure and the end', async () => {
    const { api, harness } = await start();
    const delays: number[] = [];
    api.instead = () => Promise.reject(new ApiDownError('the API is down'));
    for (let failure = 1; failure <= 6; failure += 1) {
      const now = harness.clock.now().getTime();
      await expect(harness.rounds.runAll()).rejects.toThrow('the API is down');
      const { dueAt, failures, lastError } = await roundOf(harness);
      expect([failures, lastError]).toEqual([failure, 'ApiDownError: the API is down']);
      delays.push((dueAt.getTime() - now) / 60_000);
      harness.clock.set(dueAt);
    }
    expect(delays).toEqual([2, 4, 8, 15, 15, 15]);
    api.instead = undefined;
    await harness.rounds.runAll();
    expect(await roundOf(harness)).toMatchObject({ failures: 0 });
    expect((await roundOf(harness)).lastError).toBeUndefined();
    expect(harness.lines).toEqual([
      'warn: Round "ended" of source "dbt" failed: ApiDownError: the API is down. It will be retried in 120 s',
      'log: Round "ended" of source "dbt" works again after 6 failures',
    ]);
  });

  it('log each reason of a failure once', async () => {
    const { api, harness } = await start();
    for (const reason of ['is down', 'is down', 'is slow', 'is slow', 'is down']) {
      api.instead = () => Promise.reject(new ApiDownError(`the API ${reason}`));
      await expect(harness.rounds.runAll()).rejects.toThrow(reason);
    }
    expect(harness.lines).toEqual([
      expect.stringContaining('failed: ApiDownError: the API is down.'),
      expect.stringContaining('failed (failure 3 in a row): ApiDownError: the API is slow.'),
    ]);
  });

  it('keep the message of an error that is not from Runhooks out of the inbox and the log', async () => {
    const { api, harness } = await start();
    api.instead = () => Promise.reject(new SyntaxError('Unexpected token in {"token":"s3cret"}'));
    await harness.rounds.runAll().catch(() => undefined);
    expect((await roundOf(harness)).lastError).toBe('SyntaxError');
    expect(harness.lines.join('\n')).not.toContain('s3cret');
  });

  it('end at shutdown even if a round ignores its signal', async () => {
    const { api, harness } = await start();
    const { promise, release } = held();
    api.instead = () => promise;
    harness.rounds.start();
    await until(() => api.calls.length === 1);
    await harness.rounds.stop();
    expect(await roundOf(harness)).toMatchObject({ failures: 0, isRunning: false });
    release();
  });

  it('wait until the time that an error asks for', async () => {
    const { api, harness } = await start();
    api.instead = () => Promise.reject(new RetryLater(300_000, 'a cooldown'));
    await harness.rounds.runAll().catch(() => undefined);
    expect(await roundOf(harness)).toMatchObject({ dueAt: inMs(300_000), lastError: 'RetryLater: a cooldown' });
  });

  it('continue from the last cursor after a failure', async () => {
    const { api, harness } = await start();
    const cursors: (string | undefined)[] = [];
    api.instead = async ({ cursor, moveTo }) => {
      cursors.push(cursor);
      await moveTo(`page ${cursors.length}`);
      if (cursors.length === 1) throw new Error('the second page failed');
    };
    await harness.rounds.runAll().catch(() => undefined);
    await harness.rounds.runAll();
    expect(cursors).toEqual([undefined, 'page 1']);
  });

  it('run although a clock that was a day ahead has delayed them', async () => {
    const { api, harness } = await start();
    harness.clock.step(86_400_000);
    await harness.rounds.runAll();
    harness.clock.step(-86_400_000);
    harness.rounds.start();
    await until(() => api.calls.length === 2);
  });

  it('count no failure if the inbox is unavailable', async () => {
    const { api, harness } = await start();
    api.instead = () => Promise.reject(new StoreUnavailableError('the disk is full'));
    await harness.rounds.runAll().catch(() => undefined);
    expect(await roundOf(harness)).toMatchObject({ failures: 0, isRunning: false });
    expect(harness.lines[0]).toContain('Inbox is unavailable; work will be retried');
  });

  it('reject a report of more than 200 runs', async () => {
    const { api, harness } = await start();
    for (let id = 0; id <= LIMITS.reportedRunsMax; id += 1) api.add({ id: `${id}` });
    await expect(harness.rounds.runAll()).rejects.toThrow('expected at most 200 runs in one call, got 201');
  });

  it('are ignored when a test waits until the process is idle', async () => {
    const { api, harness } = await start();
    await harness.idle();
    expect(api.calls).toEqual([]);
  });

  it('log what they look for and since when, and what is switched off', async () => {
    const { harness } = await start();
    harness.rounds.start();
    expect(harness.lines).toEqual([
      `log: Source "dbt" is swept for runs that ended since ${START.toISOString()}: all runs of account 1, every minute`,
      'log: Source "dbt": Actions are switched off, because `actToken` is missing',
    ]);
  });

  it('report the runs that have started and not ended', async () => {
    const { api, harness } = await start();
    api.add({ id: '7' });
    await harness.rounds.runAll();
    await harness.idle();
    let openRuns: unknown;
    api.instead = async (context) => {
      openRuns = await context.openRuns(10);
    };
    await harness.rounds.runAll();
    expect(openRuns).toEqual([{ accountId: '1', runId: '7', jobKey: 'job' }]);
  });
});

describe('Inbox.sweep', () => {
  it('makes the rounds of a source due, and keeps the decision', async () => {
    const api = new FakeApi();
    api.addRound('open', 600_000);
    const { harness } = await start(api);
    harness.rounds.start();
    const haveEnded = async (): Promise<boolean> =>
      (await harness.inbox.rounds()).every(({ dueAt, isRunning }) => dueAt > START && !isRunning);
    await until(haveEnded);
    expect(api.calls.sort()).toEqual(['ended', 'open']);
    expect(await harness.inbox.sweep({ source: 'another', by: 'kim' })).toBe(0);
    expect(await harness.inbox.sweep({ source: SOURCE, kind: 'ended', by: 'kim', reason: 'an outage' })).toBe(1);
    await until(() => api.calls.length === 3);
    expect(api.calls[2]).toBe('ended');
    const [decision] = (await harness.inbox.audit()).items;
    expect(decision).toMatchObject({ action: 'sweep', by: 'kim', reason: 'an outage', affected: 1 });
    expect(JSON.parse(decision?.details ?? '')).toEqual({ source: SOURCE, kind: 'ended' });
  });

  it('rejects an unknown option', async () => {
    const { harness } = await start();
    const options = { by: 'kim', sources: SOURCE };
    await expect(harness.inbox.sweep(options)).rejects.toThrow('sweep.sources: unknown option');
  });
});

describe('cooldowns', () => {
  it('hold in all processes, until they are over', async () => {
    const [one, other] = [new FakeApi(), new FakeApi()];
    const { harness } = await start(one);
    await start(other, harness);
    expect(await one.host?.cooldownUntil('host', '1')).toBeUndefined();
    await one.host?.coolDown('host', '1', inMs(5_000));
    await one.host?.coolDown('host', '1', inMs(4_000));
    expect(await one.host?.cooldownUntil('host', '1')).toEqual(inMs(5_000));
    expect(await other.host?.cooldownUntil('host', '1')).toEqual(inMs(5_000));
    expect(await other.host?.cooldownUntil('host', '2')).toBeUndefined();
    harness.clock.advance(5_000);
    expect(await one.host?.cooldownUntil('host', '1')).toBeUndefined();
  });
});

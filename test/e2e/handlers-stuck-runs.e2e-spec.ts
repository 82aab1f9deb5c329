import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import { Inbox, OnRunStuck, type RunStuck } from 'nestjs-runhooks';
import { startupError, closeApps, startHandlers, type HandlersApp } from './handlers-app.js';
import { about, InboxFiles, MINUTE } from './timed-runs.js';

const files = new InboxFiles();

afterEach(closeApps);
afterAll(() => files.remove());

describe('@OnRunStuck', () => {
  const seen: string[] = [];
  afterEach(() => void seen.splice(0));

  @Injectable()
  class Watch {
    @OnRunStuck({ id: 'watch', afterMs: 30 * MINUTE, job: 'nightly' })
    stuck({ id, run, stuckAfterMs, handlerId }: RunStuck): void {
      seen.push(`${run.id} ${stuckAfterMs / MINUTE} ${handlerId} ${id}`);
    }
  }

  async function start(providers: Type[], inbox = files.next()): Promise<HandlersApp> {
    return await startHandlers({ providers, webhooks: { inbox: inbox() } });
  }

  it('runs once for a run that takes too long, which can then end normally', async () => {
    const host = await start([Watch]);
    await host.dbt({ event: 'started', ...about(host, '1') });
    await host.later(30 * MINUTE - 1_000);
    expect(seen).toEqual([]);
    await host.later(1_000);
    await host.later();
    expect(seen).toEqual(['1 30 watch run.stuck:dbt/43786/1/watch']);
    await host.dbt({ event: 'succeeded', ...about(host, '1') });
    const run = await host.app.get(Inbox).run({ source: 'dbt', accountId: '43786', runId: '1' });
    expect(run).toMatchObject({ outcome: 'succeeded', contradicted: false });
    expect(run?.events).toHaveLength(4);
  });

  it('ignores runs that end in time, runs of other jobs, and late starts', async () => {
    const host = await start([Watch]);
    await host.dbt({ event: 'started', ...about(host, '1') });
    await host.dbt({ event: 'started', ...about(host, '2', 'hourly') });
    await host.dbt({ event: 'failed', ...about(host, '3') });
    await host.dbt({ event: 'started', ...about(host, '3') });
    await host.later(MINUTE);
    await host.dbt({ event: 'failed', ...about(host, '1') });
    await host.later();
    expect(seen).toEqual([]);
    expect((await host.app.get(Inbox).counts()).checks).toBe(0);
  });

  it('runs at once for a start that was sent long after it happened', async () => {
    const host = await start([Watch]);
    await host.dbt({ event: 'started', ...about(host, '1', 'nightly', { startedAgo: 3_600 }) });
    expect(seen).toHaveLength(1);
  });

  it('does not run for replayed or reparsed messages', async () => {
    @Injectable()
    class Other {
      @OnRunStuck({ id: 'other', afterMs: MINUTE })
      stuck(): void {
        seen.push('other');
      }
    }
    const host = await start([Watch, Other]);
    await host.dbt({ event: 'started', ...about(host, '1') });
    await host.later(30 * MINUTE);
    expect(seen).toHaveLength(2);
    // The replay reaches the stuck-run handler only.
    const inbox = host.app.get(Inbox);
    expect(await inbox.replay({ id: 'again', events: { ids: ['run.stuck:dbt/43786/1/watch'] }, by: 'me' })).toBe(1);
    await inbox.reparse({ states: ['parsed'] as never, runHandlers: true, by: 'me' });
    await host.later();
    expect(seen.slice(2)).toEqual(['1 30 watch run.stuck:dbt/43786/1/watch']);
  });

  it('works across restarts and waits until its handler is available again', async () => {
    const inbox = files.next();
    const first = await start([Watch], inbox);
    await first.dbt({ event: 'started', ...about(first, '1') });
    await closeApps();
    const without = await start([], inbox);
    await without.later();
    expect(await without.app.get(Inbox).counts()).toMatchObject({ checks: 1, events: 1 });
    await closeApps();
    const last = await start([Watch], inbox);
    await last.later();
    expect(seen).toHaveLength(1);
    expect((await last.app.get(Inbox).counts()).checks).toBe(0);
  });

  it('runs once when two processes share the inbox', async () => {
    const inbox = files.next();
    const [one, two] = [await start([Watch], inbox), await start([Watch], inbox)];
    await one.dbt({ event: 'started', ...about(one, '1') });
    one.clock.advance(31 * MINUTE);
    two.clock.advance(31 * MINUTE);
    await Promise.all([one.idle(), two.idle(), one.idle(), two.idle()]);
    expect(seen).toHaveLength(1);
  });

  it('runs after three times the usual duration of a job, once the job has enough history', async () => {
    @Injectable()
    class Usual {
      @OnRunStuck({ p95Times: 3, runsMin: 4 })
      stuck({ run, stuckAfterMs }: RunStuck): void {
        seen.push(`${run.id} ${stuckAfterMs / MINUTE}`);
      }
    }
    const host = await start([Usual]);
    for (const runId of ['1', '2', '3']) {
      await host.dbt({ event: 'succeeded', ...about(host, runId, 'nightly', { startedAgo: 600 }) });
    }
    await host.dbt({ event: 'started', ...about(host, 'early') });
    await host.later();
    // A failed run ends early, so its duration must not count.
    await host.dbt({ event: 'failed', ...about(host, '4', 'nightly', { startedAgo: 1 }) });
    await host.dbt({ event: 'succeeded', ...about(host, '5', 'nightly', { startedAgo: 600 }) });
    await host.dbt({ event: 'started', ...about(host, 'usual') });
    await host.later(29 * MINUTE);
    expect(seen).toEqual([]);
    await host.later(2 * MINUTE);
    expect(seen).toEqual(['usual 30']);
  });
});

describe('startup with an invalid @OnRunStuck', () => {
  it.each<[string, object, string]>([
    ['a zero time', { afterMs: 0 }, 'Bad.stuck.afterMs: expected a number above 0, up to 31622400000, got 0'],
    ['no options', {}, 'Bad.stuck: expected afterMs or p95Times, got neither. Write {'],
    ['two times', { afterMs: 1, p95Times: 3 }, 'Bad.stuck.p95Times: unknown option'],
  ])('fails when it has %s', async (_, options, message) => {
    @Injectable()
    class Bad {
      @OnRunStuck(options as { afterMs: number })
      stuck(): void {}
    }
    expect((await startupError({ providers: [Bad] })).message).toContain(message);
  });
});

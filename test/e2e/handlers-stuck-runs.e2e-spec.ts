import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import { Inbox, OnRunStuck, type RunStuck } from 'nestjs-runhooks';
import { bootError, closeApps, startHandlers, type HandlersApp } from './handlers-app.js';
import { about, InboxFiles, MINUTE } from './told-runs.js';

const files = new InboxFiles();

afterEach(closeApps);
afterAll(() => files.remove());

describe('a watchdog', () => {
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

  it('barks once at a run that takes too long, and lets it end normally', async () => {
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

  it('does not bark at runs that end in time, of other jobs, or whose start comes late', async () => {
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

  it('barks at once at a start that was sent long after it happened', async () => {
    const host = await start([Watch]);
    await host.dbt({ event: 'started', ...about(host, '1', 'nightly', { startedAgo: 3_600 }) });
    expect(seen).toHaveLength(1);
  });

  it('is no reason to page about what is replayed, or read again', async () => {
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
    // Its own handler, and no other.
    const inbox = host.app.get(Inbox);
    expect(await inbox.replay({ id: 'again', events: { ids: ['run.stuck:dbt/43786/1/watch'] }, by: 'me' })).toBe(1);
    await inbox.reparse({ states: ['parsed'] as never, runHandlers: true, by: 'me' });
    await host.later();
    expect(seen.slice(2)).toEqual(['1 30 watch run.stuck:dbt/43786/1/watch']);
  });

  it('goes on over restarts, and waits for its handler to come back', async () => {
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

  it('barks once where two processes share the inbox', async () => {
    const inbox = files.next();
    const [one, two] = [await start([Watch], inbox), await start([Watch], inbox)];
    await one.dbt({ event: 'started', ...about(one, '1') });
    one.clock.advance(31 * MINUTE);
    two.clock.advance(31 * MINUTE);
    await Promise.all([one.idle(), two.idle(), one.idle(), two.idle()]);
    expect(seen).toHaveLength(1);
  });

  it('by what is usual for the job: barks at three times of that, and not before there is enough history', async () => {
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
    // Fails soon, and tells nothing of how long the job takes.
    await host.dbt({ event: 'failed', ...about(host, '4', 'nightly', { startedAgo: 1 }) });
    await host.dbt({ event: 'succeeded', ...about(host, '5', 'nightly', { startedAgo: 600 }) });
    await host.dbt({ event: 'started', ...about(host, 'usual') });
    await host.later(29 * MINUTE);
    expect(seen).toEqual([]);
    await host.later(2 * MINUTE);
    expect(seen).toEqual(['usual 30']);
  });
});

describe('a boot', () => {
  it.each<[string, object, string]>([
    [
      'a watchdog without a time',
      { afterMs: 0 },
      'Bad.stuck.afterMs: expected a number above 0, up to 31622400000, got 0',
    ],
    ['a watchdog without options', {}, 'Bad.stuck: expected afterMs or p95Times, got neither. Write {'],
    ['a watchdog with two', { afterMs: 1, p95Times: 3 }, 'Bad.stuck.p95Times: unknown option'],
  ])('is stopped by %s', async (_, options, message) => {
    @Injectable()
    class Bad {
      @OnRunStuck(options as { afterMs: number })
      stuck(): void {}
    }
    expect((await bootError({ providers: [Bad] })).message).toContain(message);
  });
});

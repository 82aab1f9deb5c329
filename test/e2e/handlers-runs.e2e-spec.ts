import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import {
  Inbox,
  OnAllRuns,
  OnRunFailed,
  OnRunRecovered,
  OnRunStarted,
  OnRunStuck,
  type RunFailed,
  type RunRecovered,
  type RunsJoined,
  type RunStarted,
  type RunStuck,
} from 'nestjs-runhooks';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { bootError, closeApps, startHandlers, type HandlersApp } from './handlers-app.js';

const MINUTE = 60_000;
const directory = mkdtempSync(join(tmpdir(), 'runhooks-runs-'));
let files = 0;

afterEach(closeApps);
afterAll(() => rmSync(directory, { recursive: true }));

/** A file that outlives an app. */
function inboxFile() {
  files += 1;
  const path = join(directory, `${files}.db`);
  return () => sqliteInbox({ path });
}

/** The data of a webhook of dbt about a run, which began and ended so many seconds ago. */
function about(host: HandlersApp, runId: string, jobName = 'nightly', { startedAgo = 0, endedAgo = 0 } = {}) {
  const ago = (seconds: number) => new Date(host.clock.now().getTime() - seconds * 1_000).toISOString();
  const ended = ago(endedAgo);
  return {
    payload: {
      data: {
        runId,
        jobId: jobName,
        jobName,
        runStartedAt: ago(startedAgo),
        runFinishedAt: ended,
        runErroredAt: ended,
      },
    },
  };
}

describe('incidents', () => {
  @Injectable()
  class Alerts {
    readonly lines: string[] = [];

    @OnRunFailed()
    failed({ run, firstFailure, late }: RunFailed): void {
      this.lines.push(`${run.id} failed${firstFailure ? ' first' : ''}${late ? ' late' : ''}`);
    }

    @OnRunRecovered()
    recovered({ run, incident }: RunRecovered): void {
      const runs = incident.runs.map(({ runId }) => runId).join(' ');
      this.lines.push(`${run.id} recovered from ${runs} since ${incident.openedAt.toISOString().slice(11, 19)}`);
    }
  }

  it('page once for a job that fails again and again, and tell when it works again and from what', async () => {
    const host = await startHandlers({ providers: [Alerts] });
    host.clock.set(new Date('2026-05-01T10:00:00Z'));
    await host.dbt({ event: 'failed', ...about(host, '1') });
    await host.dbt({ event: 'completed-failed', ...about(host, '1') });
    host.clock.advance(MINUTE);
    await host.dbt({ event: 'completed-failed', ...about(host, '2') });
    await host.dbt({ event: 'failed', ...about(host, '2') });
    await host.dbt({ event: 'failed', ...about(host, '9', 'hourly') });
    host.clock.advance(MINUTE);
    await host.dbt({ event: 'canceled', ...about(host, '3') });
    await host.dbt({ event: 'succeeded', ...about(host, '4', 'nightly', { endedAgo: 90 }) });
    await host.dbt({ event: 'succeeded', ...about(host, '5') });
    await host.dbt({ event: 'failed', ...about(host, '6', 'nightly', { endedAgo: 30 }) });
    expect(host.app.get(Alerts).lines).toEqual([
      '1 failed first',
      '2 failed',
      '9 failed first',
      '5 recovered from 1 2 since 10:00:00',
      '6 failed late',
    ]);
  });

  it('are seen in the inbox, as are the runs of a job and all that was done about one', async () => {
    const host = await startHandlers({ providers: [Alerts] });
    await host.dbt({ event: 'started', ...about(host, '1') });
    await host.dbt({ event: 'failed', ...about(host, '1') });
    host.clock.advance(MINUTE);
    await host.dbt({ event: 'succeeded', ...about(host, '2') });
    await host.dbt({ event: 'failed', ...about(host, '3', 'hourly') });
    const inbox = host.app.get(Inbox);
    const nightly = { source: 'dbt', jobKey: '43786/nightly' };
    const { items } = await inbox.runs(nightly);
    expect(items.map(({ runId, outcome }) => [runId, outcome])).toEqual([
      ['2', 'succeeded'],
      ['1', 'failed'],
    ]);
    expect(await inbox.job(nightly)).toEqual({ latestSuccessAt: expect.any(Date) as unknown });
    expect((await inbox.job({ ...nightly, jobKey: '43786/hourly' }))?.incident?.failures).toBe(1);
    const run = await inbox.run({ source: 'dbt', accountId: '43786', runId: '2' });
    expect(run?.messages).toHaveLength(1);
    expect(run?.events.map(({ type }) => type).sort()).toEqual(['run.completed', 'run.recovered', 'run.succeeded']);
    expect(run?.deliveries).toMatchObject([{ handlerId: 'Alerts.recovered', state: 'succeeded' }]);
    expect(await inbox.run({ source: 'dbt', accountId: '43786', runId: 'nowhere' })).toBeUndefined();
  });
});

describe('a start that comes after the end of its run', () => {
  it('is for those who ask for late ones', async () => {
    const seen: string[] = [];
    @Injectable()
    class Starts {
      @OnRunStarted({ id: 'in-time' })
      inTime({ run, late }: RunStarted): void {
        seen.push(`in time: ${run.id} ${late}`);
      }

      @OnRunStarted({ id: 'all', includeLate: true })
      all({ run, late }: RunStarted): void {
        seen.push(`all: ${run.id} ${late}`);
      }
    }
    const host = await startHandlers({ providers: [Starts] });
    await host.dbt({ event: 'started', ...about(host, '1') });
    await host.dbt({ event: 'succeeded', ...about(host, '2') });
    await host.dbt({ event: 'started', ...about(host, '2') });
    expect(seen.sort()).toEqual(['all: 1 false', 'all: 2 true', 'in time: 1 false']);
    const added = await host.app.get(Inbox).replay({ id: 'again', events: { type: 'run.started' } });
    expect(added).toBe(3);
  });
});

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

  async function start(providers: Type[], inbox = inboxFile()): Promise<HandlersApp> {
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
    expect((await host.app.get(Inbox).counts()).tasks).toBe(0);
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
    expect(await inbox.replay({ id: 'again', events: { ids: ['run.stuck:dbt/43786/1/watch'] } })).toBe(1);
    await inbox.reread({ states: ['read'] as never, runHandlers: true });
    await host.later();
    expect(seen.slice(2)).toEqual(['1 30 watch run.stuck:dbt/43786/1/watch']);
  });

  it('goes on over restarts, and waits for its handler to come back', async () => {
    const inbox = inboxFile();
    const first = await start([Watch], inbox);
    await first.dbt({ event: 'started', ...about(first, '1') });
    await closeApps();
    const without = await start([], inbox);
    await without.later();
    expect(await without.app.get(Inbox).counts()).toMatchObject({ tasks: 1, events: 1 });
    await closeApps();
    const last = await start([Watch], inbox);
    await last.later();
    expect(seen).toHaveLength(1);
    expect((await last.app.get(Inbox).counts()).tasks).toBe(0);
  });

  it('barks once where two processes share the inbox', async () => {
    const inbox = inboxFile();
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

describe('a barrier', () => {
  const seen: string[] = [];
  afterEach(() => void seen.splice(0));

  @Injectable()
  class Dashboards {
    @OnAllRuns({ id: 'all', jobs: ['ingest', 'transform'], withinMs: 60 * MINUTE, project: 'Analytics' })
    refresh({ runs }: RunsJoined): void {
      seen.push(runs.map(({ job, run }) => `${job} ${run.id}`).join(', '));
    }
  }

  it('runs its handler once when all jobs have succeeded within the window', async () => {
    const host = await startHandlers({ providers: [Dashboards] });
    await host.dbt({ event: 'succeeded', ...about(host, '1', 'ingest') });
    await host.dbt({ event: 'succeeded', ...about(host, '1', 'ingest') });
    await host.later(30 * MINUTE);
    await host.dbt({ event: 'failed', ...about(host, '2', 'transform') });
    await host.dbt({ event: 'succeeded', ...about(host, '3', 'ingest') });
    expect(seen).toEqual([]);
    await host.later(59 * MINUTE);
    await host.dbt({ event: 'succeeded', ...about(host, '4', 'transform') });
    await host.dbt({ event: 'succeeded', ...about(host, '5', 'transform') });
    expect(seen).toEqual(['ingest 3, transform 4']);
    await host.later(61 * MINUTE);
    await host.dbt({ event: 'succeeded', ...about(host, '6', 'ingest') });
    expect(seen).toHaveLength(1);
  });

  it('waits over restarts, and joins once where the last runs come to two processes at the same time', async () => {
    const inbox = inboxFile();
    const start = () => startHandlers({ providers: [Dashboards], webhooks: { inbox: inbox() } });
    const first = await start();
    await first.dbt({ event: 'succeeded', ...about(first, '1', 'ingest') });
    await closeApps();
    const [one, two] = [await start(), await start()];
    await Promise.all([
      one.dbt({ event: 'succeeded', ...about(one, '2', 'transform') }),
      two.dbt({ event: 'succeeded', ...about(two, '3', 'transform') }),
      two.dbt({ event: 'succeeded', ...about(two, '4', 'ingest') }),
    ]);
    await Promise.all([one.idle(), two.idle()]);
    const joined = seen.flatMap((line) => line.split(', '));
    expect(seen.length).toBeGreaterThanOrEqual(1);
    expect(new Set(joined).size).toBe(joined.length);
  });

  it('counts runs that are over, however they ended, if it is told to; and asks `when`', async () => {
    @Injectable()
    class Any {
      @OnAllRuns({
        jobs: ['ingest', 'transform'],
        withinMs: MINUTE,
        outcome: 'completed',
        project: 'Analytics',
        when: ({ runs }) => runs.some(({ run }) => run.status === 'failed'),
      })
      done({ runs, occurredAt }: RunsJoined): void {
        seen.push(runs.map(({ run }) => `${run.id} ${run.status}`).join(', '));
        expect(occurredAt).toBeInstanceOf(Date);
      }
    }
    const host = await startHandlers({ providers: [Any] });
    for (const [id, event] of [
      ['1', 'succeeded'],
      ['3', 'completed-failed'],
    ] as const) {
      await host.dbt({ event: 'succeeded', ...about(host, id, 'ingest') });
      await host.dbt({ event, ...about(host, `${Number(id) + 1}`, 'transform') });
    }
    expect(seen).toEqual(['3 succeeded, 4 failed']);
    expect(await host.outcomes()).toEqual(['Any.done 1 skipped', 'Any.done 1 succeeded']);
  });

  it('goes on with others where one task cannot be evaluated, and gives that one up in the end, saying so', async () => {
    const path = join(directory, 'broken.db');
    const host = await startHandlers({ providers: [Dashboards], webhooks: { inbox: sqliteInbox({ path }) } });
    const { connectSqlite } = await import('../../libs/sql-inbox/src/sqlite-connection.js');
    const connection = await connectSqlite(path, undefined);
    connection.all(
      `insert into tasks (id, handler_id, source, provider, message_id, data, claims, due_at)
       values ('runs.joined:broken', 'all', 'dbt', 'dbt-cloud', 'msg_0', 'no json', 0, 0)`,
      [],
    );
    connection.close();
    await host.dbt({ event: 'succeeded', ...about(host, '1', 'ingest') });
    await host.dbt({ event: 'succeeded', ...about(host, '2', 'transform') });
    expect(seen).toHaveLength(1);
    expect(host.log.containing('error task runs.joined:broken')).toEqual([
      'error task runs.joined:broken of handler "all" failed with SyntaxError, and is tried again later',
    ]);
    for (let count = 0; count < 12; count += 1) await host.later();
    expect(host.log.containing('is given up')).toHaveLength(1);
    expect((await host.app.get(Inbox).counts()).tasks).toBe(0);
  });
});

describe('a boot', () => {
  it.each<[string, object, string]>([
    ['a watchdog without a time', { afterMs: 0 }, 'Bad.stuck.afterMs: found 0'],
    ['a watchdog with two', { afterMs: 1, p95Times: 3 }, 'Bad.stuck.p95Times: there is no such option'],
  ])('is stopped by %s', async (_, options, message) => {
    @Injectable()
    class Bad {
      @OnRunStuck(options as { afterMs: number })
      stuck(): void {}
    }
    expect((await bootError({ providers: [Bad] })).message).toContain(message);
  });

  it('is stopped by two barriers of one handler, and not by two handlers', async () => {
    const [jobs, other] = [
      ['a', 'b'],
      ['c', 'd'],
    ];
    @Injectable()
    class Bad {
      @OnAllRuns({ jobs: jobs ?? [], withinMs: 1 })
      @OnAllRuns({ jobs: other ?? [], withinMs: 1 })
      both(): void {}
    }
    expect((await bootError({ providers: [Bad] })).message).toContain('Bad.both.id: found one id for two @OnAllRuns');
    @Injectable()
    class Good {
      @OnAllRuns({ id: 'one', jobs: jobs ?? [], withinMs: 1 })
      @OnAllRuns({ id: 'two', jobs: other ?? [], withinMs: 1 })
      both(): void {}
    }
    await startHandlers({ providers: [Good] });
  });
});

import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Inbox, OnAllRuns, type RunsJoined } from 'nestjs-runhooks';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { startupError, closeApps, startHandlers } from './handlers-app.js';
import { about, InboxFiles, MINUTE } from './timed-runs.js';

const files = new InboxFiles();

afterEach(closeApps);
afterAll(() => files.remove());

describe('@OnAllRuns', () => {
  const seen: string[] = [];
  afterEach(() => void seen.splice(0));

  @Injectable()
  class Dashboards {
    @OnAllRuns({ id: 'all', jobs: ['ingest', 'transform'], withinMs: 60 * MINUTE, project: 'analytics' })
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

  it('joins once across restarts when two processes receive the last runs at the same time', async () => {
    const inbox = files.next();
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

  it('counts failed and canceled runs when configured to, and evaluates `when`', async () => {
    @Injectable()
    class Any {
      @OnAllRuns({
        jobs: ['ingest', 'transform'],
        withinMs: MINUTE,
        outcome: 'completed',
        project: 'analytics',
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

  it('abandons a check that cannot be evaluated, logs it, and completes the other checks', async () => {
    const path = files.nextPath();
    const host = await startHandlers({ providers: [Dashboards], webhooks: { inbox: sqliteInbox({ path }) } });
    const { connectSqlite } = await import('inside/sqlite-connection');
    const connection = await connectSqlite(path, undefined);
    connection.all(
      `insert into tasks (id, kind, handler_id, source, provider, message_id, data, claims, due_at)
       values ('runs.joined:broken', 'all-runs', 'all', 'dbt', 'dbt-cloud', 'msg_0', 'no json', 0, 0)`,
      [],
    );
    connection.close();
    await host.dbt({ event: 'succeeded', ...about(host, '1', 'ingest') });
    await host.dbt({ event: 'succeeded', ...about(host, '2', 'transform') });
    expect(seen).toHaveLength(1);
    expect(host.log.containing('error Check runs.joined:broken')).toEqual([
      'error Check runs.joined:broken of handler "all" failed: SyntaxError. It will be retried [RUNHOOKS_CHECK_FAILED]',
    ]);
    for (let count = 0; count < 12; count += 1) await host.later();
    expect(host.log.containing('was abandoned after')).toHaveLength(1);
    expect((await host.app.get(Inbox).counts()).checks).toBe(0);
  });
});

describe('startup with two @OnAllRuns', () => {
  it('fails when one handler has both, and succeeds when two handlers have one each', async () => {
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
    expect((await startupError({ providers: [Bad] })).message).toContain(
      'Bad.both.id: expected an id for each @OnAllRuns, got one id for two',
    );
    @Injectable()
    class Good {
      @OnAllRuns({ id: 'one', jobs: jobs ?? [], withinMs: 1 })
      @OnAllRuns({ id: 'two', jobs: other ?? [], withinMs: 1 })
      both(): void {}
    }
    await startHandlers({ providers: [Good] });
  });
});

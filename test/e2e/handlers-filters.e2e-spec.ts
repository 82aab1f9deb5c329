import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  OnRun,
  OnRunCanceled,
  OnRunCompleted,
  OnRunFailed,
  OnRunStarted,
  OnRunSucceeded,
  PermanentError,
  type RunEvent,
  type RunFailed,
} from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { signDbtCloud, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

type Filter = Parameters<typeof OnRunFailed>[0];

/** Returns which of two runs, one of dbt and one of Paradime, a handler with this filter receives. */
async function matched(filter: Filter): Promise<string> {
  const seen: string[] = [];
  @Injectable()
  class Handlers {
    @OnRunFailed(filter)
    page(event: RunFailed): void {
      seen.push(event.source);
    }
  }
  const host = await startHandlers({ providers: [Handlers] });
  await host.dbt({
    event: 'failed',
    payload: {
      accountId: 43786,
      data: {
        jobId: '512049',
        jobName: 'Nightly (prod) *build*',
        projectId: '301284',
        projectName: 'Analytics',
        environmentId: '218762',
        environmentName: 'Production',
      },
    },
  });
  await host.paradime({
    event: 'failed',
    payload: {
      workspace: { uid: 'w-1', name: 'analytics' },
      schedule_name: 'nightly-run',
      environment: { actor: 'Manual' },
      schedule: { name: 'nightly-run', environment: 'production' },
    },
  });
  return seen.join(' ') || 'nothing';
}

describe('handler filters', () => {
  const filters: [Filter, string][] = [
    [{}, 'dbt paradime'],
    [{ provider: 'dbt-cloud' }, 'dbt'],
    [{ provider: ['paradime'] }, 'paradime'],
    [{ provider: ['dbt-cloud', 'paradime'] }, 'dbt paradime'],
    [{ source: 'dbt' }, 'dbt'],
    [{ source: ['dbt', 'paradime'] }, 'dbt paradime'],
    [{ account: '43786' }, 'dbt'],
    [{ account: 'w-1' }, 'paradime'],
    [{ account: 'analytics' }, 'paradime'],
    [{ account: ['43786', 'w-*'] }, 'dbt paradime'],
    [{ project: '301284' }, 'dbt'],
    [{ project: 'Analytics' }, 'dbt'],
    [{ project: '*nalytics' }, 'dbt paradime'],
    [{ environment: '218762' }, 'dbt'],
    [{ environment: 'Production' }, 'dbt'],
    [{ environment: 'production' }, 'paradime'],
    [{ environment: '*roduction' }, 'dbt paradime'],
    [{ job: '512049' }, 'dbt'],
    [{ job: '5120*' }, 'dbt'],
    [{ job: 'Nightly (prod) *build*' }, 'dbt'],
    [{ job: 'Nightly*' }, 'dbt'],
    [{ job: '*build' }, 'nothing'],
    [{ job: 'nightly-run' }, 'paradime'],
    [{ job: 'nightly' }, 'nothing'],
    [{ job: ['nightly-run', '512049'] }, 'dbt paradime'],
    [{ job: '*' }, 'dbt paradime'],
    [{ trigger: 'schedule' }, 'dbt'],
    [{ trigger: 'manual' }, 'paradime'],
    [{ trigger: ['schedule', 'manual'] }, 'dbt paradime'],
    [{ trigger: ['api', 'ci', 'unknown'] }, 'nothing'],
    // Only the asterisk is a wildcard.
    [{ job: 'nightly.run' }, 'nothing'],
    [{ job: 'nightly-ru?' }, 'nothing'],
    [{ job: '[n]ightly-run' }, 'nothing'],
    [{ job: '{nightly-run}' }, 'nothing'],
    [{ job: '!nightly-run' }, 'nothing'],
    [{ job: '^nightly-run$' }, 'nothing'],
    [{ job: 'Nightly (prod)*' }, 'dbt'],
    // An event must match every field.
    [{ provider: 'dbt-cloud', job: 'nightly-*' }, 'nothing'],
    [{ provider: 'paradime', job: 'nightly-*', project: 'analytics', environment: 'production' }, 'paradime'],
  ];

  it.each(filters)('match with %j: %s', async (filter, expected) => {
    expect(await matched(filter)).toBe(expected);
  });

  it('distinguish two sources of one provider', async () => {
    const seen: string[] = [];
    @Injectable()
    class Handlers {
      @OnRunFailed({ source: 'dbt-eu' })
      eu(event: RunFailed): void {
        seen.push(`eu ${event.source}`);
      }

      @OnRunFailed({ provider: 'dbt-cloud' })
      all(event: RunFailed): void {
        seen.push(`all ${event.source}`);
      }
    }
    const sources = ['dbt-eu', 'dbt-us'].map((name) => dbtCloud({ name, secrets: [TEST_SECRETS.dbtCloud] }));
    const host = await startHandlers({ providers: [Handlers], webhooks: { sources } });
    const errored = signDbtCloud(
      JSON.stringify({
        accountId: 1,
        eventId: 'wev_1',
        eventType: 'job.run.errored',
        data: { jobId: '2', runId: '3', runStatusCode: 20 },
      }),
    );
    await host.send('dbt-eu', errored);
    await host.send('dbt-us', errored);
    expect(seen.sort()).toEqual(['all dbt-eu', 'all dbt-us', 'eu dbt-eu']);
  });
});

describe('event types', () => {
  class Handlers {
    static readonly seen: string[] = [];

    @OnRunStarted()
    started(event: RunEvent): void {
      Handlers.seen.push(`started ${event.type}`);
    }

    @OnRunSucceeded()
    succeeded(event: RunEvent): void {
      Handlers.seen.push(`succeeded ${event.type}`);
    }

    @OnRunFailed()
    failed(event: RunEvent): void {
      Handlers.seen.push(`failed ${event.type}`);
    }

    @OnRunCanceled()
    canceled(event: RunEvent): void {
      Handlers.seen.push(`canceled ${event.type}`);
    }

    @OnRunCompleted()
    completed(event: RunEvent): void {
      Handlers.seen.push(`completed ${event.type}`);
    }

    @OnRun('run.failed', 'run.canceled', { provider: 'dbt-cloud', id: 'ended-badly' })
    endedBadly(event: RunEvent): void {
      Handlers.seen.push(`ended badly ${event.type}`);
    }
  }

  it.each([
    ['started', ['started run.started']],
    ['succeeded', ['completed run.completed', 'succeeded run.succeeded']],
    ['failed', ['ended badly run.failed', 'failed run.failed']],
    ['completed-failed', ['completed run.completed', 'ended badly run.failed', 'failed run.failed']],
    ['canceled', ['canceled run.canceled', 'completed run.completed', 'ended badly run.canceled']],
  ] as const)('are received by matching decorators only: %s', async (event, expected) => {
    Handlers.seen.length = 0;
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ event });
    expect(Handlers.seen.sort()).toEqual(expected);
  });
});

describe('`when` predicate', () => {
  const results: [string, string, () => boolean | Promise<boolean>][] = [
    ['true', '1 succeeded', () => true],
    ['a promise of true', '1 succeeded', async () => await Promise.resolve(true)],
    ['false', '1 skipped', () => false],
    ['a promise of false', '1 skipped', async () => await Promise.resolve(false)],
  ];

  it.each(results)('returning %s makes the delivery %s', async (_name, outcome, when) => {
    let runs = 0;
    @Injectable()
    class Handlers {
      @OnRunFailed({ when })
      page(): void {
        runs += 1;
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ event: 'failed' });
    expect(await host.outcomes()).toEqual([`Handlers.page ${outcome}`]);
    expect(runs).toBe(outcome.endsWith('succeeded') ? 1 : 0);
    await host.later();
    expect(await host.outcomes()).toEqual([`Handlers.page ${outcome}`]);
  });

  const failures: [string, () => Promise<boolean>][] = [
    [
      'throws',
      () => {
        throw new Error('no response');
      },
    ],
    ['rejects', async () => await Promise.reject(new Error('no response'))],
  ];

  it.each(failures)('fails the attempt and runs again on the retry when it %s at first', async (_name, fail) => {
    const calls: string[] = [];
    const runs: string[] = [];
    @Injectable()
    class Handlers {
      @OnRunFailed({
        when: ({ run }) => {
          calls.push(run.id);
          return calls.length > 1 ? true : fail();
        },
      })
      page(): void {
        runs.push('page');
      }

      @OnRunFailed()
      other(): void {
        runs.push('other');
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ event: 'failed', payload: { data: { runId: '7' } } });
    expect(runs).toEqual(['other']);
    expect(await host.outcomes()).toEqual(['Handlers.other 1 succeeded', 'Handlers.page 1 pending']);
    expect(await host.errors('Handlers.page')).toEqual(['Error: no response']);
    await host.later();
    expect(calls).toEqual(['7', '7']);
    expect(runs).toEqual(['other', 'page']);
    expect(await host.outcomes()).toEqual(['Handlers.other 1 succeeded', 'Handlers.page 2 succeeded']);
  });

  it('makes the delivery a dead letter when it throws a PermanentError', async () => {
    @Injectable()
    class Handlers {
      @OnRunFailed({
        when: () => {
          throw new PermanentError('never');
        },
      })
      page(): void {}
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ event: 'failed' });
    expect(await host.outcomes()).toEqual(['Handlers.page 1 dead']);
  });

  it("runs only for events that match the decorator's filter", async () => {
    const calls: string[] = [];
    const when = (name: string, result: boolean) => ({
      when: ({ type }: RunEvent) => {
        calls.push(`${name} ${type}`);
        return result;
      },
    });
    const runs: string[] = [];
    @Injectable()
    class Handlers {
      @OnRunFailed({ job: 'other', ...when('other job', true) })
      @OnRunFailed({ job: '*', ...when('any job', false) })
      @OnRunCanceled(when('canceled', true))
      page({ type }: RunEvent): void {
        runs.push(type);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ event: 'failed' });
    await host.dbt({ event: 'canceled' });
    expect(calls).toEqual(['any job run.failed', 'canceled run.canceled']);
    expect(runs).toEqual(['run.canceled']);
    expect(await host.outcomes()).toEqual(['Handlers.page 1 skipped', 'Handlers.page 1 succeeded']);
  });
});

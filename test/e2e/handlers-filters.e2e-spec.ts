import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import {
  ConfigurationError,
  OnMessage,
  OnRun,
  OnRunCanceled,
  OnRunCompleted,
  OnRunFailed,
  OnRunStarted,
  OnRunSucceeded,
  PermanentError,
  Webhooks,
  type MessageEvent,
  type RunEvent,
  type RunFailed,
} from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { dbtCloudWebhook, signDbtCloud, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { bootError, closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

type Filter = Parameters<typeof OnRunFailed>[0];

/** Which of one run of dbt and one of Paradime a handler with this filter gets. */
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

describe('a filter', () => {
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
    // Only the star is special.
    [{ job: 'nightly.run' }, 'nothing'],
    [{ job: 'nightly-ru?' }, 'nothing'],
    [{ job: '[n]ightly-run' }, 'nothing'],
    [{ job: '{nightly-run}' }, 'nothing'],
    [{ job: '!nightly-run' }, 'nothing'],
    [{ job: '^nightly-run$' }, 'nothing'],
    [{ job: 'Nightly (prod)*' }, 'dbt'],
    // Every field must fit.
    [{ provider: 'dbt-cloud', job: 'nightly-*' }, 'nothing'],
    [{ provider: 'paradime', job: 'nightly-*', project: 'analytics', environment: 'production' }, 'paradime'],
  ];

  it.each(filters)('%j lets through: %s', async (filter, expected) => {
    expect(await matched(filter)).toBe(expected);
  });

  it('tells two sources of one provider apart', async () => {
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

describe('the type of an event decides which decorators get it', () => {
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
  ] as const)('%s', async (event, expected) => {
    Handlers.seen.length = 0;
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ event });
    expect(Handlers.seen.sort()).toEqual(expected);
  });
});

describe('when', () => {
  const answers: [string, string, () => boolean | Promise<boolean>][] = [
    ['true', '1 succeeded', () => true],
    ['a promise of true', '1 succeeded', async () => await Promise.resolve(true)],
    ['false', '1 skipped', () => false],
    ['a promise of false', '1 skipped', async () => await Promise.resolve(false)],
  ];

  it.each(answers)('that answers %s makes it %s', async (_name, outcome, when) => {
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
        throw new Error('no answer');
      },
    ],
    ['rejects', async () => await Promise.reject(new Error('no answer'))],
  ];

  it.each(failures)(
    'that %s at first is a failed attempt of that handler alone, and asked again',
    async (_name, fail) => {
      const asked: string[] = [];
      const runs: string[] = [];
      @Injectable()
      class Handlers {
        @OnRunFailed({
          when: ({ run }) => {
            asked.push(run.id);
            return asked.length > 1 ? true : fail();
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
      expect(await host.errors('Handlers.page')).toEqual(['Error: no answer']);
      await host.later();
      expect(asked).toEqual(['7', '7']);
      expect(runs).toEqual(['other', 'page']);
      expect(await host.outcomes()).toEqual(['Handlers.other 1 succeeded', 'Handlers.page 2 succeeded']);
    },
  );

  it('that throws a PermanentError gives up', async () => {
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

  it('is asked only about events that the filter of its decorator lets through', async () => {
    const asked: string[] = [];
    const when = (name: string, answer: boolean) => ({
      when: ({ type }: RunEvent) => {
        asked.push(`${name} ${type}`);
        return answer;
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
    expect(asked).toEqual(['any job run.failed', 'canceled run.canceled']);
    expect(runs).toEqual(['run.canceled']);
    expect(await host.outcomes()).toEqual(['Handlers.page 1 skipped', 'Handlers.page 1 succeeded']);
  });
});

describe('@OnMessage', () => {
  it('gets every message of its type once, whatever it says of the run', async () => {
    const seen: string[] = [];
    @Injectable()
    class Handlers {
      @OnMessage('dbt-cloud', 'job.run.errored')
      errored({ messageType, run }: MessageEvent<'dbt-cloud', 'job.run.errored'>): void {
        seen.push(`${messageType} ${run?.id}`);
      }

      @OnMessage('dbt-cloud', 'job.run.completed')
      completed({ messageType, payload }: MessageEvent<'dbt-cloud', 'job.run.completed'>): void {
        seen.push(`${messageType} ${payload.data.runId}`);
      }

      @OnMessage('paradime', 'bolt.run.completed')
      bolt({ messageType, payload }: MessageEvent<'paradime', 'bolt.run.completed'>): void {
        seen.push(`${messageType} ${payload.id}`);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    const payload = { data: { runId: '7' } };
    await host.dbt({ event: 'started', payload });
    await host.dbt({ event: 'failed', payload });
    await host.dbt({ event: 'failed', payload });
    await host.dbt({ event: 'completed-failed', payload });
    await host.paradime({ event: 'succeeded', payload: { id: 8 } });
    expect(seen).toEqual(['job.run.errored 7', 'job.run.errored 7', 'job.run.completed 7', 'bolt.run.completed 8']);
  });

  it('gets messages of a type that Runhooks does not know, typed by the program', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Handlers {
      @OnMessage('dbt-cloud', 'job.run.warned')
      warned({ messageType, payload, run }: MessageEvent<'dbt-cloud', 'job.run.warned'>): void {
        seen.push(messageType, payload.data.runId, run);
      }

      @OnRun('run.failed', 'run.succeeded', 'run.completed')
      run(event: RunEvent): void {
        seen.push(event.type);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ payload: { eventType: 'job.run.warned', data: { runId: '7' } } });
    expect(seen).toEqual(['job.run.warned', '7', undefined]);
  });

  it('filters by what is known of the run, and asks when', async () => {
    const seen: string[] = [];
    const asked: string[] = [];
    @Injectable()
    class Handlers {
      @OnMessage('dbt-cloud', 'job.run.errored', {
        job: 'nightly-*',
        source: 'dbt',
        when: ({ payload }) => {
          asked.push(payload.data.runId);
          return payload.data.runId !== '8';
        },
      })
      errored({ payload }: MessageEvent<'dbt-cloud'>): void {
        seen.push(payload.data.runId);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ event: 'failed', payload: { data: { runId: '7', jobName: 'nightly-build' } } });
    await host.dbt({ event: 'failed', payload: { data: { runId: '8', jobName: 'nightly-build' } } });
    await host.dbt({ event: 'failed', payload: { data: { runId: '9', jobName: 'hourly' } } });
    expect(asked).toEqual(['7', '8']);
    expect(seen).toEqual(['7']);
    expect(await host.outcomes()).toEqual(['Handlers.errored 1 skipped', 'Handlers.errored 1 succeeded']);
  });

  it('gets no test messages', async () => {
    const seen: string[] = [];
    @Injectable()
    class Handlers {
      @OnMessage('dbt-cloud', 'job.run.completed')
      completed(): void {
        seen.push('completed');
      }
    }
    const sources = [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], testRunIds: ['1'] })];
    const host = await startHandlers({ providers: [Handlers], webhooks: { sources } });
    await host.dbt({ payload: { data: { runId: '1' } } });
    expect(seen).toEqual([]);
  });
});

describe('a filter that nothing can fit stops the boot', () => {
  const filters: [Filter, string][] = [
    [
      { source: 'dtb' },
      'source: found "dtb", but no configured source has that name; expected one of dbt, paradime (did you mean "dbt"?)',
    ],
    [
      { source: ['dbt', 'Dbt'] },
      'source: found "Dbt", but no configured source has that name; expected one of dbt, paradime (did you mean "dbt"?)',
    ],
    [
      { source: 'warehouse' },
      'source: found "warehouse", but no configured source has that name; expected one of dbt, paradime',
    ],
    [
      { source: 'd*' },
      'source: found "d*", but no configured source has that name; expected one of dbt, paradime (did you mean "dbt"?)',
    ],
    [
      { provider: 'dbt' as 'dbt-cloud' },
      'provider: found "dbt", but no configured source is of that provider; expected one of dbt-cloud, paradime (did you mean "dbt-cloud"?)',
    ],
    [
      { provider: ['dbt-cloud', 'airflow' as 'paradime'] },
      'provider: found "airflow", but no configured source is of that provider; expected one of dbt-cloud, paradime',
    ],
    [
      { provider: 'paradime', source: 'dbt' },
      'source: found "dbt", which is of provider "dbt-cloud", and a filter on paradime; nothing can fit both',
    ],
    [
      { trigger: 'scheduled' as 'schedule' },
      'trigger: found "scheduled", but there is no such trigger; expected one of schedule, manual, api, ci, unknown (did you mean "schedule"?)',
    ],
  ];

  it.each(filters)('%j', async (filter, message) => {
    @Injectable()
    class Handlers {
      @OnRunCanceled()
      @OnRunFailed(filter)
      page(): void {}
    }
    const error = await bootError({ providers: [Handlers] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toBe(`Handlers.page.${message}`);
  });

  it('also of @OnMessage, for a provider without a source', async () => {
    @Injectable()
    class Handlers {
      @OnMessage('paradime', 'bolt.run.started')
      started(): void {}
    }
    const sources = [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] })];
    const { message } = await bootError({ providers: [Handlers], webhooks: { sources } });
    expect(message).toBe(
      'Handlers.started.provider: found "paradime", but no configured source is of that provider; expected one of dbt-cloud',
    );
  });

  it('and what a lazy module brings is refused as a whole', async () => {
    @Injectable()
    class Late {
      @OnRunFailed({ id: 'good' })
      good(): void {}

      @OnRunFailed({ source: 'dtb' })
      bad(): void {}
    }
    const host = await startHandlers({});
    await host.app.get(LazyModuleLoader).load(() => ({ module: class LateModule {}, providers: [Late] }));
    expect(() => host.app.get(Webhooks).discover()).toThrow('Late.bad.source: found "dtb"');
    await host.dbt({ event: 'failed' });
    expect(await host.outcomes()).toEqual([]);
  });
});

it('the log says at boot what each handler waits for, and of those found later, too', async () => {
  @Injectable()
  class Handlers {
    @OnRunFailed({ job: ['a', 'b*'], trigger: 'schedule', when: () => true })
    page(): void {}

    @OnMessage('dbt-cloud', 'job.run.errored')
    errored(): void {}
  }
  @Injectable()
  class Late {
    @OnRunFailed({ source: 'dbt' })
    page(): void {}
  }
  const host = await startHandlers({ providers: [Handlers] });
  expect(host.log.containing('Handler ')).toEqual([
    'log Handler Handlers.page (Handlers.page in AppModule): run.failed where job a or b*, trigger schedule, when(…)',
    'log Handler Handlers.errored (Handlers.errored in AppModule): dbt-cloud message job.run.errored',
  ]);
  await host.app.get(LazyModuleLoader).load(() => ({ module: class LateModule {}, providers: [Late] }));
  host.app.get(Webhooks).discover();
  expect(host.log.containing('Handler ').slice(2)).toEqual([
    'log Handler Late.page (Late.page in LateModule): run.failed where source dbt',
  ]);
});

it('the log has one line for each message accepted and for each failed attempt, with ids and without payloads', async () => {
  @Injectable()
  class Handlers {
    @OnRunFailed({ id: 'page', retry: { attemptsMax: 2 } })
    page(): void {
      throw new Error('no');
    }
  }
  const host = await startHandlers({ providers: [Handlers] });
  const webhook = dbtCloudWebhook({
    event: 'failed',
    now: host.clock.now(),
    payload: { accountId: 1, data: { runId: '7', runReason: 'by somebody@example.com', jobName: 'secret job' } },
  });
  const before = host.log.lines.length;
  await host.send('dbt', webhook);
  await host.send('dbt', webhook);
  await host.later();
  const lines = host.log.lines.slice(before).map((line) => line.replace(/(msg|dlv)_\w+/g, '$1_…'));
  expect(lines).toEqual([
    'log message msg_… from source "dbt" was accepted',
    expect.stringMatching(
      /^warn attempt 1 of delivery dlv_… \(run\.failed:dbt\/1\/7 for page\) failed with Error: no\. Next attempt in \d+ ms$/,
    ),
    'debug message msg_… from source "dbt" came again; it is stored once',
    'error attempt 2 of delivery dlv_… (run.failed:dbt/1/7 for page) failed with Error: no. ' +
      'It is a dead letter now: kept until it is redriven or purged',
  ]);
});

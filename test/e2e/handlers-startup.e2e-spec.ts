import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import type { TestingModuleBuilder } from '@nestjs/testing';
import { ConfigurationError, OnMessage, OnRunCanceled, OnRunFailed, Webhooks } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { dbtCloudWebhook, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { startupError, closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

describe('filters that can never match', () => {
  const filters: [Parameters<typeof OnRunFailed>[0], string][] = [
    [
      { source: 'dtb' },
      'source: expected the name of a configured source (dbt, paradime), got "dtb" (did you mean "dbt"?)',
    ],
    [
      { source: ['dbt', 'Dbt'] },
      'source: expected the name of a configured source (dbt, paradime), got "Dbt" (did you mean "dbt"?)',
    ],
    [{ source: 'warehouse' }, 'source: expected the name of a configured source (dbt, paradime), got "warehouse"'],
    [
      { source: 'd*' },
      'source: expected the name of a configured source (dbt, paradime), got "d*" (did you mean "dbt"?)',
    ],
    [
      { provider: 'dbt' as 'dbt-cloud' },
      'provider: expected the provider of a configured source (dbt-cloud, paradime), got "dbt" (did you mean "dbt-cloud"?)',
    ],
    [
      { provider: ['dbt-cloud', 'airflow' as 'paradime'] },
      'provider: expected the provider of a configured source (dbt-cloud, paradime), got "airflow"',
    ],
    [
      { provider: 'paradime', source: 'dbt' },
      'source: source "dbt" belongs to provider "dbt-cloud", but this handler listens only to "paradime". No event can match both',
    ],
    [
      { trigger: 'scheduled' as 'schedule' },
      'trigger: expected a trigger (schedule, manual, api, ci, unknown), got "scheduled" (did you mean "schedule"?)',
    ],
  ];

  it.each(filters)('fail the startup: %j', async (filter, message) => {
    @Injectable()
    class Handlers {
      @OnRunCanceled()
      @OnRunFailed(filter)
      page(): void {}
    }
    const error = await startupError({ providers: [Handlers] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toBe(`Handlers.page.${message}`);
  });

  it('fail the startup when @OnMessage names a provider without a source', async () => {
    @Injectable()
    class Handlers {
      @OnMessage('paradime', 'bolt.run.started')
      started(): void {}
    }
    const sources = [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] })];
    const { message } = await startupError({ providers: [Handlers], webhooks: { sources } });
    expect(message).toBe(
      'Handlers.started.provider: expected the provider of a configured source (dbt-cloud), got "paradime"',
    );
  });

  it('make discover() reject a lazy module as a whole', async () => {
    @Injectable()
    class Late {
      @OnRunFailed({ id: 'good' })
      good(): void {}

      @OnRunFailed({ source: 'dtb' })
      bad(): void {}
    }
    const host = await startHandlers({});
    await host.app.get(LazyModuleLoader).load(() => ({ module: class LateModule {}, providers: [Late] }));
    expect(() => host.app.get(Webhooks).discover()).toThrow(
      'Late.bad.source: expected the name of a configured source (dbt, paradime), got "dtb"',
    );
    await host.dbt({ event: 'failed' });
    expect(await host.outcomes()).toEqual([]);
  });
});

describe('default handler ids when a bundler renamed the classes', () => {
  const minified = (...providers: Type[]) => ({ module: class t {}, providers });
  const pagerClass = () => {
    @Injectable()
    class e {
      @OnRunFailed()
      page(): void {}

      @OnRunCanceled({ id: 'cancel' })
      cancel(): void {}
    }
    return e;
  };

  it('are listed in one warning, without ids that were set', async () => {
    const host = await startHandlers({ imports: [minified(pagerClass())] });
    expect(host.log.containing('Default handler ids')).toEqual([
      'warn Default handler ids may change with the next build: a bundler renamed the classes they are made of (e.page). ' +
        'Deliveries waiting for a retry would then have no handler. Set `id` in each of these decorators, or keep ' +
        'class names in the bundle (esbuild keepNames, terser keep_classnames, swc mangle.keep_classnames) [RUNHOOKS_CLASS_RENAMED]',
    ]);
  });

  it('are listed before the startup fails because two classes have one name', async () => {
    const lines: string[] = [];
    const logger = { log: () => {}, error: () => {}, warn: (line: string) => lines.push(line) };
    const override = (builder: TestingModuleBuilder) => builder.setLogger(logger);
    const error = await startupError({ imports: [minified(pagerClass()), minified(pagerClass())], override });
    expect(error.message).toMatch(/"e\.page": expected a unique id, got one of both/);
    expect(lines).toEqual([expect.stringContaining('(e.page, e.page)')]);
  });

  it('cause no warning when the class only has a short name', async () => {
    const host = await startHandlers({ providers: [pagerClass()] });
    expect(host.log.containing('Default handler ids')).toEqual([]);
  });
});

it('logs the filters of each handler at startup and when it is found later', async () => {
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
    'log Handler "Handlers.page" (Handlers.page in AppModule): run.failed where job a or b*, trigger schedule, when(…)',
    'log Handler "Handlers.errored" (Handlers.errored in AppModule): dbt-cloud message job.run.errored',
  ]);
  await host.app.get(LazyModuleLoader).load(() => ({ module: class LateModule {}, providers: [Late] }));
  host.app.get(Webhooks).discover();
  expect(host.log.containing('Handler ').slice(2)).toEqual([
    'log Handler "Late.page" (Late.page in LateModule): run.failed where source dbt',
  ]);
});

it('logs one line per accepted message, parsed message and attempt, with names and ids but no payloads', async () => {
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
    payload: { accountId: 1, data: { runId: '7', runReason: 'by somebody@example.com', jobName: 'nightly' } },
  });
  const before = host.log.lines.length;
  await host.send('dbt', webhook);
  await host.send('dbt', webhook);
  await host.later();
  const lines = host.log.lines.slice(before).map((line) => line.replace(/(msg|dlv)_\w+/g, '$1_…'));
  expect(lines).toEqual([
    'log Message msg_… from source "dbt" was accepted',
    'log Message msg_… from source "dbt": run 7 of "nightly" failed → run.failed for page',
    expect.stringMatching(
      /^warn Delivery dlv_… failed \(handler "page", run\.failed:dbt\/1\/7, attempt 1 of 2\): Error: no\. Retrying in \d+ m?s \[RUNHOOKS_ATTEMPT_FAILED\]$/,
    ),
    'debug Message msg_… from source "dbt" is a duplicate; ignored',
    'error Delivery dlv_… is now a dead letter (handler "page", run.failed:dbt/1/7, attempt 2 of 2): Error: no. ' +
      "Retry it with Inbox.redrive({ deliveryIds: ['dlv_…'] }) [RUNHOOKS_DEAD_LETTER]",
  ]);
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type DynamicModule, type Type } from '@nestjs/common';
import {
  ConfigurationError,
  OnMessage,
  OnRun,
  OnRunCanceled,
  OnRunCompleted,
  OnRunFailed,
  type RunCanceled,
  type RunEvent,
  type RunFailed,
} from 'nestjs-runhooks';
import { startupError, closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

describe('handler id', () => {
  it('is class and method unless the decorator sets it', async () => {
    @Injectable()
    class OnCall {
      @OnRunFailed()
      page(): void {}

      @OnRunFailed({ id: 'on-call.wake-up:v2' })
      wakeUp(): void {}
    }
    const host = await startHandlers({ providers: [OnCall] });
    await host.dbt({ event: 'failed' });
    expect(await host.outcomes()).toEqual(['OnCall.page 1 succeeded', 'on-call.wake-up:v2 1 succeeded']);
  });

  it('fails the startup with both names when two handlers share it', async () => {
    @Injectable()
    class OnCall {
      @OnRunFailed({ id: 'page' })
      page(): void {}
    }
    @Injectable()
    class Support {
      @OnRunCanceled({ id: 'page' })
      tell(): void {}
    }
    const feature: DynamicModule = { module: class SupportModule {}, providers: [Support] };
    const error = await startupError({ providers: [OnCall], imports: [feature] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toBe(
      'handler id "page": expected a unique id, got one of both OnCall.page in AppModule and Support.tell in ' +
        'SupportModule. Change one of them',
    );
  });

  it('fails the startup with both names when two classes have the same name', async () => {
    const classOf = (): Type => {
      @Injectable()
      class OnCall {
        @OnRunFailed()
        page(): void {}
      }
      return OnCall;
    };
    const feature: DynamicModule = { module: class FeatureModule {}, providers: [classOf()] };
    const { message } = await startupError({ providers: [classOf()], imports: [feature] });
    expect(message).toContain('of both OnCall.page in AppModule and OnCall.page in FeatureModule');
  });
});

describe('stacked decorators', () => {
  it('create one handler that receives one delivery per event when several of them match', async () => {
    const seen: string[] = [];
    @Injectable()
    class OnCall {
      @OnRun('run.failed', 'run.canceled')
      @OnRunFailed({ job: '*' })
      @OnRunFailed({ provider: 'dbt-cloud' })
      @OnRunCompleted({ source: 'paradime' })
      page(event: RunEvent): void {
        seen.push(event.type);
      }
    }
    const host = await startHandlers({ providers: [OnCall] });
    await host.dbt({ event: 'failed' });
    await host.dbt({ event: 'canceled' });
    expect(seen).toEqual(['run.failed', 'run.canceled']);
    expect(await host.outcomes()).toEqual(['OnCall.page 1 succeeded', 'OnCall.page 1 succeeded']);
  });

  it('share the id and the options that one of them sets', async () => {
    @Injectable()
    class OnCall {
      @OnRunFailed({ id: 'on-call', retry: { attemptsMax: 2 } })
      @OnRunCanceled()
      page(): void {
        throw new Error('no');
      }
    }
    const host = await startHandlers({ providers: [OnCall] });
    await host.dbt({ event: 'canceled' });
    await host.later();
    expect(await host.outcomes()).toEqual(['on-call 2 dead']);
  });

  it('create two handlers with their own deliveries and options when they set two ids', async () => {
    const seen: string[] = [];
    @Injectable()
    class OnCall {
      @OnRunFailed({ id: 'a', retry: false })
      @OnRun('run.failed', 'run.canceled', { id: 'b' })
      page({ type }: RunFailed | RunCanceled): void {
        seen.push(type);
        throw new Error('no');
      }
    }
    const host = await startHandlers({ providers: [OnCall] });
    await host.dbt({ event: 'failed' });
    expect(seen).toEqual(['run.failed', 'run.failed']);
    expect(await host.outcomes()).toEqual(['a 1 dead', 'b 1 pending']);
  });

  it('fail the startup when they set different values of one option', async () => {
    @Injectable()
    class OnCall {
      @OnRunFailed({ timeoutMs: 1_000 })
      @OnRunCanceled({ timeoutMs: 2_000 })
      page(): void {}
    }
    const error = await startupError({ providers: [OnCall] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(
      /^OnCall\.page\.timeoutMs: expected one value, got different ones from two decorators of one handler/,
    );
  });
});

describe('startup errors that name handler and option', () => {
  const options: [string, object, RegExp][] = [
    ['no time', { timeoutMs: 0 }, /^OnCall\.page\.timeoutMs: expected an integer from 1 to \d+, got 0$/],
    ['half a millisecond', { timeoutMs: 0.5 }, /^OnCall\.page\.timeoutMs: expected .*, got 0\.5/],
    [
      'a time that is a string',
      { timeoutMs: '5s' },
      /^OnCall\.page\.timeoutMs: expected an integer from 1 to \d+, got 5s/,
    ],
    ['more time than a timer holds', { timeoutMs: 2 ** 31 }, /^OnCall\.page\.timeoutMs: expected .*, got 2147483648/],
    ['no attempts', { retry: { attemptsMax: 0 } }, /^OnCall\.page\.retry\.attemptsMax: expected .*, got 0/],
    [
      'endless attempts',
      { retry: { attemptsMax: Infinity } },
      /^OnCall\.page\.retry\.attemptsMax: expected .*, got Infinity/,
    ],
    ['a negative delay', { retry: { delayMs: -1 } }, /^OnCall\.page\.retry\.delayMs: expected .*, got -1/],
    [
      'a delay of years',
      { retry: { delayMsMax: 1e12 } },
      /^OnCall\.page\.retry\.delayMsMax: expected .*, got 1000000000000/,
    ],
    ['no concurrency', { concurrency: 0 }, /^OnCall\.page\.concurrency: expected .*, got 0/],
    ['an unrecognized serialize value', { serialize: 'source' }, /^OnCall\.page\.serialize: expected .*, got "source"/],
    ['an id with spaces', { id: 'on call' }, /^OnCall\.page\.id: expected 1 to 200 letters.*, got "on call"$/],
    ['an empty id', { id: '' }, /^OnCall\.page\.id: expected .*, got ""/],
    ['an id too long', { id: 'x'.repeat(201) }, /^OnCall\.page\.id: expected .*, got "x+"/],
    ['a misspelled option', { jobs: 'nightly' }, /^OnCall\.page\.jobs: unknown option.*\. Valid options: id, /],
    ['a name every object has', { toString: 'x' }, /^OnCall\.page\.toString: unknown option/],
    [
      'a job from an unset variable',
      { job: undefined },
      /^OnCall\.page\.job: expected a non-empty string or an array of them, got undefined\. Omit the option/,
    ],
    [
      'an empty job',
      { job: '' },
      /^OnCall\.page\.job: expected a non-empty string or an array of them, got an empty string/,
    ],
    [
      'an empty job among others',
      { job: ['a', ''] },
      /^OnCall\.page\.job: expected a non-empty string or an array of them, got an array with an empty string/,
    ],
    ['no jobs', { job: [] }, /^OnCall\.page\.job: expected a non-empty string or an array of them, got an empty array/],
    [
      'a job id that is a number',
      { job: 512049 },
      /^OnCall\.page\.job: expected a non-empty string or an array of them, got a number/,
    ],
    [
      'no providers',
      { provider: [] },
      /^OnCall\.page\.provider: expected a non-empty string or an array of them, got an empty array/,
    ],
    [
      'a predicate that is none',
      { when: true },
      /^OnCall\.page\.when: expected a function that returns true or false, got true/,
    ],
  ];

  it.each(options)('are thrown for %s', async (_name, wrong, message) => {
    @Injectable()
    class OnCall {
      @OnRunFailed(wrong)
      page(): void {}
    }
    const error = await startupError({ providers: [OnCall] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(message);
  });

  it('are thrown for a misspelled option of @OnMessage', async () => {
    @Injectable()
    class OnCall {
      @OnMessage('dbt-cloud', 'job.run.errored', { jobs: 'nightly' } as object)
      page(): void {}
    }
    expect((await startupError({ providers: [OnCall] })).message).toMatch(/^OnCall\.page\.jobs: unknown option/);
  });

  it('are thrown for a symbol without an id', async () => {
    @Injectable()
    class OnCall {
      @OnRunFailed()
      [Symbol('page')](): void {}
    }
    const { message } = await startupError({ providers: [OnCall] });
    expect(message).toMatch(/^OnCall\[Symbol\(page\)\]\.id: expected .*, got "OnCall\[Symbol\(page\)\]"/);
  });
});

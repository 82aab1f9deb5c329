import { UseGuards } from '@nestjs/common';
import {
  OnRun,
  OnRunCanceled,
  OnRunCompleted,
  OnRunFailed,
  OnRunStarted,
  OnRunSucceeded,
  type DeliveryContext,
  type HandlerDecorator,
  type Run,
  type RunCanceled,
  type RunCompleted,
  type RunEvent,
  type RunFailed,
  type RunStarted,
  type RunSucceeded,
} from 'nestjs-runhooks';
import type {} from 'nestjs-runhooks/dbt-cloud';
import type {} from 'nestjs-runhooks/paradime';
import { expectSame } from './expect-type.js';

/** Methods of every shape that a handler may have. */
export class Accepted {
  @OnRunStarted()
  both(_event: RunStarted, _delivery: DeliveryContext): void {}

  @OnRunSucceeded()
  async eventOnly(_event: RunSucceeded): Promise<void> {}

  @OnRunCanceled()
  nothing(): void {}

  @OnRunFailed()
  async answersSomething(_event: RunFailed): Promise<number> {
    return 1;
  }

  @OnRunCompleted()
  wider(_event: RunEvent): void {}

  @OnRunCompleted()
  onlyWhatItNeeds({ run }: { readonly run: Pick<Run, 'id'> }): string {
    return run.id;
  }

  @OnRunCompleted()
  optional(_event?: RunCompleted, _delivery?: DeliveryContext, _more?: string): void {}

  @OnRunCompleted()
  rest(..._all: unknown[]): void {}

  @OnRunCompleted()
  bound(this: Accepted, _event: RunCompleted): void {}

  @OnRunFailed()
  [Symbol.for('of a symbol')](_event: RunFailed): void {}

  @OnRunFailed({ provider: 'dbt-cloud' })
  oneProvider(_event: RunFailed<'dbt-cloud'>): void {}

  @OnRunFailed({ provider: ['dbt-cloud', 'paradime'] })
  twoProviders(_event: RunFailed<'dbt-cloud' | 'paradime'>): void {}

  @OnRunFailed({
    provider: 'dbt-cloud',
    source: ['dbt'],
    account: '1',
    project: 'p',
    environment: '*',
    job: ['a', 'b*'],
  })
  filtered(_event: RunFailed): void {}

  @OnRunFailed({ id: 'x', retry: { attemptsMax: 3, delayMs: 1, delayMsMax: 2 }, timeoutMs: 1, concurrency: 1 })
  withOptions(_event: RunFailed): void {}

  @OnRunFailed({ retry: false })
  withoutRetry(_event: RunFailed): void {}

  @OnRun('run.failed', 'run.canceled')
  severalTypes(_event: RunFailed | RunCanceled): void {}

  @OnRun('run.failed', 'run.canceled', { provider: 'paradime', job: 'nightly-*' })
  severalTypesWithOptions(_event: RunEvent<'run.failed' | 'run.canceled', 'paradime'>): void {}

  @OnRunFailed({ id: 'stacked' })
  @OnRunCanceled()
  @UseGuards()
  stacked(_event: RunFailed | RunCanceled): void {}

  @OnRunFailed()
  protected hidden(_event: RunFailed): void {}

  // No call is visible to the compiler, so `noUnusedLocals` reports the method unless something else names it.
  @OnRunFailed()
  private secret(_event: RunFailed): void {}

  readonly named = (event: RunFailed): void => this.secret(event);
}

/** A custom decorator composed of Runhooks decorators, with the same type checks. */
export function OnNightlyFailure(): HandlerDecorator<RunFailed> {
  return (target, key, descriptor) => {
    OnRunFailed({ job: 'nightly-*' })(target, key, descriptor);
    UseGuards()(target, key, descriptor);
  };
}

export class WrongParameters {
  // @ts-expect-error -- a failed run is not a started one
  @OnRunFailed()
  otherType(_event: RunStarted): void {}

  // @ts-expect-error -- some of the events named are not failed runs
  @OnRun('run.failed', 'run.canceled')
  oneOfTheTypes(_event: RunFailed): void {}

  // @ts-expect-error -- some of the events named are not failed runs
  @OnRun('run.failed', 'run.canceled', { job: 'nightly' })
  oneOfTheTypesWithOptions(_event: RunFailed): void {}

  // @ts-expect-error -- without a provider filter, runs of other providers arrive here, too
  @OnRunFailed()
  oneOfTheProviders(_event: RunFailed<'dbt-cloud'>): void {}

  // @ts-expect-error -- filtered by the other provider
  @OnRunFailed({ provider: 'paradime' })
  otherProvider(_event: RunFailed<'dbt-cloud'>): void {}

  // @ts-expect-error -- one of the two providers
  @OnRunFailed({ provider: ['dbt-cloud', 'paradime'] })
  oneOfTwoProviders(_event: RunFailed<'dbt-cloud'>): void {}

  // @ts-expect-error -- no provider sends such a payload
  @OnRunFailed({ provider: 'dbt-cloud' })
  otherPayload(_event: { readonly payload: { readonly result: string } }): void {}

  // @ts-expect-error -- not an event
  @OnRunFailed()
  noEvent(_event: string): void {}

  // @ts-expect-error -- the second parameter is the delivery
  @OnRunFailed()
  otherDelivery(_event: RunFailed, _delivery: AbortSignal): void {}

  // @ts-expect-error -- there is no third parameter
  @OnRunFailed()
  third(_event: RunFailed, _delivery: DeliveryContext, _third: string): void {}

  // @ts-expect-error -- stacked: each decorator checks
  @OnRunFailed()
  @OnRunCanceled()
  stacked(_event: RunCanceled): void {}

  // @ts-expect-error -- a custom decorator checks, too
  @OnNightlyFailure()
  composed(_event: RunStarted): void {}
}

export class WrongPlaces {
  // @ts-expect-error -- a static method is never called
  @OnRunFailed()
  static onTheClass(_event: RunFailed): void {}

  // @ts-expect-error -- a property is not a method
  @OnRunFailed()
  property = (_event: RunFailed): void => {};

  // @ts-expect-error -- decorators cannot see #private methods
  @OnRunFailed()
  #hidden(_event: RunFailed): void {}

  readonly named = (event: RunFailed): void => this.#hidden(event);
}

// @ts-expect-error -- not on a class
@OnRunFailed()
export class WrongPlace {}

export class WrongOptions {
  // @ts-expect-error -- misspelled: 'job'
  @OnRunFailed({ jobs: 'nightly' })
  misspelled(): void {}

  // @ts-expect-error -- misspelled: 'job'
  @OnRun('run.failed', { jobs: 'nightly' })
  misspelledAfterTypes(): void {}

  // @ts-expect-error -- no loaded provider has this name
  @OnRunFailed({ provider: 'dbt' })
  unknownProvider(): void {}

  // @ts-expect-error -- an empty array matches nothing
  @OnRunFailed({ provider: [] })
  noProvider(): void {}

  // @ts-expect-error -- at least one event type
  @OnRun()
  noTypes(): void {}

  // @ts-expect-error -- at least one event type
  @OnRun({ job: 'nightly' })
  onlyOptions(): void {}

  // @ts-expect-error -- no such event type
  @OnRun('run.errored')
  unknownType(): void {}

  // @ts-expect-error -- no such event type
  @OnRun('run.failed', 'run.errored')
  unknownSecondType(): void {}

  // @ts-expect-error -- options come last
  @OnRun('run.failed', { job: 'nightly' }, 'run.canceled')
  optionsInTheMiddle(): void {}

  // @ts-expect-error -- ids are strings for every provider
  @OnRunFailed({ job: 512049 })
  numericId(): void {}

  // @ts-expect-error -- true is not a policy; leave it out for the default
  @OnRunFailed({ retry: true })
  retry(): void {}

  // @ts-expect-error -- misspelled: 'attemptsMax'
  @OnRunFailed({ retry: { attempts: 3 } })
  misspelledRetry(): void {}

  // @ts-expect-error -- a number of milliseconds
  @OnRunFailed({ timeoutMs: '5s' })
  timeout(): void {}
}

export class When {
  @OnRunFailed({
    when: (event) => {
      expectSame<typeof event, RunFailed>();
      return event.run.id !== '';
    },
  })
  sync(): void {}

  @OnRunFailed({
    provider: 'dbt-cloud',
    when: async (event) => {
      expectSame<typeof event, RunFailed<'dbt-cloud'>>();
      return await Promise.resolve(event.payload.data.runId !== '');
    },
  })
  async(): void {}

  @OnRun('run.failed', 'run.canceled', {
    when: (event) => event.type === 'run.canceled' || (event.provider === 'paradime' && !event.payload.commands),
    provider: ['dbt-cloud', 'paradime'],
  })
  union(): void {}

  // @ts-expect-error -- decides by true or false
  @OnRunFailed({ when: (event) => event.run.id })
  noBoolean(): void {}

  // @ts-expect-error -- no such field
  @OnRunFailed({ when: ({ run }) => run.name === 'nightly' })
  noField(): void {}

  // @ts-expect-error -- a parameter type does not filter: set `provider`
  @OnRunFailed({ when: (event: RunFailed<'dbt-cloud'>) => event.payload.data.runId !== '' })
  narrow(): void {}
}

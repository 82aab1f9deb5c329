import { OnDeadLetter, type DeadLetterEvent, type DeliveryContext, type Run, type RunFailed } from 'nestjs-runhooks';
import type {} from 'nestjs-runhooks/dbt-cloud';
import type {} from 'nestjs-runhooks/paradime';
import { expectSame } from './expect-type.js';

export class Accepted {
  @OnDeadLetter()
  typed(event: DeadLetterEvent, _delivery: DeliveryContext): void {
    expectSame<typeof event.deadLetter.attempts, number>();
    expectSame<typeof event.run, Run | undefined>();
  }

  @OnDeadLetter({ job: 'nightly-*', when: ({ deadLetter }) => deadLetter.handlerId === 'on-call.page' })
  async withOptions(_event: DeadLetterEvent): Promise<void> {}

  @OnDeadLetter({ provider: 'dbt-cloud' })
  oneProvider(_event: DeadLetterEvent<'dbt-cloud'>): void {}
}

export class Rejected {
  // @ts-expect-error -- a dead letter is not the event it is about
  @OnDeadLetter()
  otherEvent(_event: RunFailed): void {}

  // @ts-expect-error -- without a provider filter, dead letters of other providers arrive here, too
  @OnDeadLetter()
  oneOfTheProviders(_event: DeadLetterEvent<'dbt-cloud'>): void {}
}

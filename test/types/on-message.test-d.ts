import { OnMessage, type DeliveryContext, type MessageEvent } from 'nestjs-runhooks';
import type { DbtCloudPayload } from 'nestjs-runhooks/dbt-cloud';
import type { ParadimePayload } from 'nestjs-runhooks/paradime';
import { expectSame } from './expect-type.js';

export class Accepted {
  @OnMessage('dbt-cloud', 'job.run.errored')
  typed(event: MessageEvent<'dbt-cloud', 'job.run.errored'>, _delivery: DeliveryContext): void {
    expectSame<typeof event.payload, DbtCloudPayload>();
    expectSame<typeof event.messageType, 'job.run.errored'>();
  }

  @OnMessage('dbt-cloud', 'job.run.errored')
  @OnMessage('dbt-cloud', 'job.run.completed')
  stacked({ payload }: MessageEvent<'dbt-cloud'>): string | null | undefined {
    return payload.data.runStatus;
  }

  @OnMessage('paradime', 'bolt.run.completed', {
    source: 'paradime',
    job: 'nightly-*',
    when: (event) => {
      expectSame<typeof event.payload, ParadimePayload>();
      return event.messageType === 'bolt.run.completed';
    },
  })
  async withOptions(_event: MessageEvent<'paradime'>): Promise<void> {}

  @OnMessage('dbt-cloud', 'job.run.warned')
  newType(event: MessageEvent<'dbt-cloud', 'job.run.warned'>): void {
    expectSame<typeof event.payload, DbtCloudPayload>();
  }
}

export class Rejected {
  // @ts-expect-error -- no loaded provider has this name
  @OnMessage('dbt', 'job.run.errored')
  unknownProvider(): void {}

  // @ts-expect-error -- not a message type of this provider
  @OnMessage('dbt-cloud', 'job.run.failed')
  unknownType(): void {}

  // @ts-expect-error -- added to another provider only
  @OnMessage('paradime', 'job.run.warned')
  newTypeOfAnother(): void {}

  // @ts-expect-error -- a message type of another provider
  @OnMessage('paradime', 'job.run.errored')
  typeOfAnother(): void {}

  // @ts-expect-error -- the message type is required
  @OnMessage('dbt-cloud')
  noType(): void {}

  // @ts-expect-error -- another message type
  @OnMessage('dbt-cloud', 'job.run.errored')
  otherType(_event: MessageEvent<'dbt-cloud', 'job.run.completed'>): void {}

  // @ts-expect-error -- another provider's payload
  @OnMessage('dbt-cloud', 'job.run.errored')
  otherPayload(_event: MessageEvent<'paradime'>): void {}

  // @ts-expect-error -- the provider was named already
  @OnMessage('dbt-cloud', 'job.run.errored', { provider: 'dbt-cloud' })
  providerTwice(): void {}
}

import type { Run, RunCompleted, RunEvent, RunEventType, RunFailed, WebhookEvent } from 'nestjs-runhooks';
import type { DbtCloudPayload } from 'nestjs-runhooks/dbt-cloud';
import type { ParadimeCommand, ParadimePayload } from 'nestjs-runhooks/paradime';
import { expectSame } from './expect-type.js';
import type { WeaverPayload } from './augmented.js';

export function byProvider(event: RunFailed): void {
  expectSame<typeof event.run, Run>();
  switch (event.provider) {
    case 'dbt-cloud':
      expectSame<typeof event.payload, DbtCloudPayload>();
      expectSame<typeof event.payload.data.runId, string>();
      break;
    case 'paradime':
      expectSame<typeof event.payload, ParadimePayload>();
      expectSame<typeof event.payload.commands, readonly ParadimeCommand[] | null | undefined>();
      break;
    case 'weaver':
      expectSame<typeof event.payload, WeaverPayload>();
      break;
    default:
      expectSame<typeof event, never>();
  }
}

export function byType(event: WebhookEvent): void {
  if (event.type === 'run.failed') expectSame<typeof event, RunFailed>();
  if (event.type === 'message.received') expectSame<string extends typeof event.messageType ? 1 : 0, 0>();
  if (event.type === 'run.completed' && event.provider === 'dbt-cloud') {
    expectSame<typeof event, RunCompleted<'dbt-cloud'>>();
  }
  // @ts-expect-error -- a message that is not about a run has no run
  void event.run.id;
}

export function withoutNarrowing(event: RunEvent, run: Run): void {
  // @ts-expect-error -- the payload type depends on the provider
  void event.payload.data;
  // @ts-expect-error -- events are read-only
  event.run = run;
}

export function ofProviders(): void {
  expectSame<RunEvent<'dbt-cloud'>, RunEvent<RunEventType, 'dbt-cloud'>>();
  expectSame<RunEvent<'dbt-cloud'>['payload'], DbtCloudPayload>();
  expectSame<RunEvent<'dbt-cloud' | 'weaver'>['provider'], 'dbt-cloud' | 'weaver'>();
  expectSame<RunEvent<'dbt-cloud'>['type'], RunEventType>();
  expectSame<RunEvent<'run.failed'>, RunFailed>();
  // @ts-expect-error -- neither a type of events nor a provider
  expectSame<RunEvent<'dbt'>, never>();
}

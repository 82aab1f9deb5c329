import {
  OnMessage,
  OnRun,
  OnRunFailed,
  type MessageEvent,
  type ProviderName,
  type RunEvent,
  type RunFailed,
} from 'nestjs-runhooks';
import { expectSame } from '../expect-type.js';

/** A library of handlers that leaves the choice of sources to the app. The built-in providers still have types. */
export class Handlers {
  @OnRunFailed({ id: 'failed', provider: 'paradime', job: 'nightly', when: ({ firstFailure }) => firstFailure })
  failed({ run, payload }: RunFailed<'paradime'>): unknown {
    expectSame<ProviderName, 'dbt-cloud' | 'paradime'>();
    return [run.id, payload.commands?.length];
  }

  @OnRunFailed()
  narrowed(event: RunFailed): string | null | undefined {
    return event.provider === 'dbt-cloud' ? event.payload.data.dbtVersion : event.payload.schedule?.name;
  }

  @OnRun('run.started', 'run.canceled')
  several(event: RunEvent<'run.started' | 'run.canceled'>): string | boolean {
    return event.type === 'run.started' ? event.late : event.run.id;
  }

  @OnRun('run.started', 'run.failed', { provider: 'dbt-cloud' })
  ofOneProvider(event: RunEvent<'dbt-cloud'>): string {
    return event.payload.data.runId;
  }

  @OnMessage('dbt-cloud', 'job.run.errored')
  messages(event: MessageEvent<'dbt-cloud', 'job.run.errored'>): string {
    return event.payload.data.runId;
  }

  // @ts-expect-error -- another event
  @OnRunFailed()
  wrong(event: RunEvent<'run.started'>): unknown {
    return event;
  }

  // @ts-expect-error -- a provider of the app's own: the lib must import its types, too
  @OnRunFailed({ provider: 'weaver' })
  ofAThirdParty(event: RunFailed): unknown {
    return event;
  }

  // @ts-expect-error -- Paradime sends these, too
  @OnRunFailed()
  tooNarrow(event: RunEvent<'dbt-cloud'>): unknown {
    return event;
  }
}

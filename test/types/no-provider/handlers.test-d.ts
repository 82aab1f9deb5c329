import { OnMessage, OnRun, OnRunFailed, type MessageEvent, type RunEvent, type RunFailed } from 'nestjs-runhooks';

/** As in a lib of handlers that leaves it to the app which providers there are. */
export class Handlers {
  @OnRunFailed({ id: 'failed', provider: 'weaver', job: 'nightly', when: ({ firstFailure }) => firstFailure })
  failed({ run, provider, payload }: RunFailed): unknown {
    const texts: readonly string[] = [run.id, provider];
    return [texts, payload];
  }

  @OnRun('run.started', 'run.canceled')
  several(event: RunEvent<'run.started' | 'run.canceled'>): string | boolean {
    return event.type === 'run.started' ? event.late : event.run.id;
  }

  @OnMessage('weaver', 'pipeline.done')
  messages({ messageType }: MessageEvent): string {
    return messageType;
  }

  // @ts-expect-error -- another event
  @OnRunFailed()
  wrong(event: RunEvent<'run.started'>): unknown {
    return event;
  }
}

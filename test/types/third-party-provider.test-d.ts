import { OnMessage, OnRunFailed, WebhooksModule, type MessageEvent, type RunFailed } from 'nestjs-runhooks';
import type { Provider, Source } from 'nestjs-runhooks/core';
import { memoryInbox } from 'nestjs-runhooks/testing';
import { expectSame } from './expect-type.js';
import type { WeaverPayload } from './augmented.js';

declare const provider: Provider;
const source: Source = { name: 'weaver', provider: 'weaver', open: () => provider };

export const module = WebhooksModule.forRoot({ sources: [source], inbox: memoryInbox() });

export class Handlers {
  @OnRunFailed({ provider: 'weaver' })
  runs(event: RunFailed<'weaver'>): void {
    expectSame<typeof event.payload, WeaverPayload>();
  }

  @OnMessage('weaver', 'pipeline.done', { when: ({ payload }) => payload.pipeline === 'nightly' })
  messages(event: MessageEvent<'weaver', 'pipeline.done'>): void {
    expectSame<typeof event.payload, WeaverPayload>();
  }

  // @ts-expect-error -- not one of its message types
  @OnMessage('weaver', 'pipeline.started')
  unknownType(): void {}
}

import { Injectable, Module, type Type } from '@nestjs/common';
import { Inbox, OnRunSucceeded, WebhooksModule, type RunSucceeded, type WebhooksOptions } from 'nestjs-runhooks';
import type { StoreFactory } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { monotonicMs } from '../monotonic.js';
import { SECRETS } from '../secrets.js';
import { listen, nestApp, type AdapterName } from './nest-app.js';
import type { Running } from './running.js';

let handled = 0;
const startedAtMs: Record<string, number> = {};

@Injectable()
class OneHandler {
  @OnRunSucceeded({ id: 'bench.one' })
  one(_event: RunSucceeded): void {
    handled += 1;
  }
}

@Injectable()
class TenHandlers {
  @OnRunSucceeded({ id: 'bench.one' })
  @OnRunSucceeded({ id: 'bench.two' })
  @OnRunSucceeded({ id: 'bench.three' })
  @OnRunSucceeded({ id: 'bench.four' })
  @OnRunSucceeded({ id: 'bench.five' })
  @OnRunSucceeded({ id: 'bench.six' })
  @OnRunSucceeded({ id: 'bench.seven' })
  @OnRunSucceeded({ id: 'bench.eight' })
  @OnRunSucceeded({ id: 'bench.nine' })
  @OnRunSucceeded({ id: 'bench.ten' })
  each(_event: RunSucceeded): void {
    handled += 1;
  }
}

@Injectable()
class StampingHandler {
  @OnRunSucceeded({ id: 'bench.stamp' })
  stamp({ run }: RunSucceeded): void {
    startedAtMs[run.id] = monotonicMs();
    handled += 1;
  }
}

const HANDLERS = { one: OneHandler, ten: TenHandlers, stamping: StampingHandler } satisfies Record<string, Type>;

export interface OursOptions {
  readonly inbox: StoreFactory;
  readonly handlers?: keyof typeof HANDLERS;
  readonly role?: NonNullable<WebhooksOptions['role']>;
  /** With `manual`, nothing is parsed and no handler runs. */
  readonly dispatch?: NonNullable<WebhooksOptions['dispatch']>;
}

/** Starts (f) or (g), Runhooks as in its README. */
export async function ours(adapter: AdapterName, options: OursOptions): Promise<Running> {
  const app = await nestApp(oursModule(options), adapter);
  const port = await listen(app);
  const stored = async (): Promise<number> => {
    const { messages } = await app.get(Inbox).counts();
    return Object.values(messages).reduce((sum, count) => sum + count, 0);
  };
  return { port, handled: handledByOurs, stored, startedAtMs: () => startedAtMs, close: () => app.close() };
}

/** Returns a module with Runhooks, its handlers, and the sources of the load. */
export function oursModule({ handlers = 'one', ...options }: OursOptions): Type {
  @Module({
    imports: [
      WebhooksModule.forRoot({
        sources: [
          dbtCloud({ name: 'dbt', secrets: [SECRETS.dbt] }),
          paradime({ name: 'paradime', secrets: [SECRETS.paradime] }),
        ],
        ...options,
      }),
    ],
    providers: [HANDLERS[handlers]],
  })
  class OursModule {}
  return OursModule;
}

/** Returns the number of handlers that have finished in this process. */
export function handledByOurs(): number {
  return handled;
}

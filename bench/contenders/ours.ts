import { Injectable, Module, type Type } from '@nestjs/common';
import { Inbox, OnRunSucceeded, WebhooksModule, type RunSucceeded } from 'nestjs-runhooks';
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
  readonly adapter: AdapterName;
  readonly inbox: StoreFactory;
  readonly handlers?: keyof typeof HANDLERS;
  /** With `manual`, nothing is parsed and no handler runs. */
  readonly dispatch?: 'auto' | 'manual';
}

/** Starts (f) or (g), Runhooks as in its README. */
export async function ours({ adapter, inbox, handlers = 'one', dispatch = 'auto' }: OursOptions): Promise<Running> {
  @Module({
    imports: [
      WebhooksModule.forRoot({
        sources: [
          dbtCloud({ name: 'dbt', secrets: [SECRETS.dbt] }),
          paradime({ name: 'paradime', secrets: [SECRETS.paradime] }),
        ],
        inbox,
        dispatch,
      }),
    ],
    providers: [HANDLERS[handlers]],
  })
  class OursModule {}
  const app = await nestApp(OursModule, adapter);
  const port = await listen(app);
  const counts = () => app.get(Inbox).counts();
  return { port, handled: () => handled, counts, startedAtMs: () => startedAtMs, close: () => app.close() };
}

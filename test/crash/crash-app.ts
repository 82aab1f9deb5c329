import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Inject, Injectable, Module, type DynamicModule, type Type } from '@nestjs/common';
import {
  Inbox,
  OnMessage,
  OnRun,
  OnRunCompleted,
  OnRunFailed,
  WebhooksModule,
  type DeliveryContext,
  type InboxCounts,
  type MessageEvent,
  type RunCompleted,
  type RunEvent,
  type RunFailed,
  type WebhooksOptions,
} from 'nestjs-runhooks';
import type { StoreFactory } from 'nestjs-runhooks/core';
import type { Clock, RunEventType } from 'nestjs-runhooks/internal';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { TEST_SECRETS } from 'nestjs-runhooks/testing';
import { Ledger } from './ledger.js';

/** Maximum number of handlers that run at the same time in one process. */
export const CONCURRENCY = 10;

/** A killed handler is retried soon, however often it is killed. */
export const retry = { attemptsMax: 1_000_000, delayMs: 100, delayMsMax: 1_000 };

/** Writes the effects of this process to the ledger. */
export class ProcessLedger {
  constructor(
    readonly ledger: Ledger,
    readonly processNumber: number,
  ) {}

  append({ handlerId, id, attempt }: DeliveryContext): void {
    this.ledger.append({ processNumber: this.processNumber, handlerId, deliveryId: id, attempt });
  }
}

/** The event types that each of {@link Handlers} must receive. */
export const WANTED: Readonly<Record<string, (type: RunEventType) => boolean>> = {
  every: () => true,
  slow: (type) => type === 'run.completed',
  flaky: (type) => type === 'run.failed',
};

@Injectable()
export class Handlers {
  constructor(@Inject(ProcessLedger) private readonly ledger: ProcessLedger) {}

  @OnRun('run.started', 'run.succeeded', 'run.failed', 'run.canceled', 'run.completed', {
    id: 'every',
    // A kill can delay the message of a start until after its run has ended.
    includeLate: true,
    serialize: 'run',
    retry,
  })
  every(_event: RunEvent, delivery: DeliveryContext): void {
    this.ledger.append(delivery);
  }

  /** Has its effect first and then takes a while, so most kills that hit it come in between. */
  @OnRunCompleted({ id: 'slow', retry })
  async slow(_event: RunCompleted, delivery: DeliveryContext): Promise<void> {
    this.ledger.append(delivery);
    await sleep(20 + Math.random() * 40);
  }

  @OnRunFailed({ id: 'flaky', retry })
  async flaky(_event: RunFailed, delivery: DeliveryContext): Promise<void> {
    await sleep(Math.random() * 5);
    if (Math.random() < 0.3) throw new Error('fails sometimes');
    this.ledger.append(delivery);
  }

  @OnMessage('dbt-cloud', 'job.run.completed', { id: 'message', retry })
  message(_event: MessageEvent<'dbt-cloud', 'job.run.completed'>, delivery: DeliveryContext): void {
    this.ledger.append(delivery);
  }
}

/** A route of the host beside the webhooks. */
@Controller()
export class CountsController {
  constructor(@Inject(Inbox) private readonly inbox: Inbox) {}

  @Get('counts')
  async counts(): Promise<InboxCounts> {
    return await this.inbox.counts();
  }
}

export interface CrashAppOptions {
  readonly inbox: StoreFactory;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly processNumber: number;
  /** Settings that differ from those of one process with all roles. */
  readonly webhooks?: Pick<WebhooksOptions, 'role' | 'dispatch'>;
  /** Classes with more handlers. */
  readonly handlers?: readonly Type[];
}

@Module({})
export class CrashApp {
  static with({ inbox, clock, ledger, processNumber, webhooks, handlers = [] }: CrashAppOptions): DynamicModule {
    return {
      module: CrashApp,
      imports: [
        WebhooksModule.forRoot({
          sources: [
            dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] }),
            paradime({ name: 'paradime', secrets: [TEST_SECRETS.paradime] }),
          ],
          inbox,
          clock,
          concurrency: CONCURRENCY,
          ...webhooks,
        }),
      ],
      controllers: [CountsController],
      providers: [
        Handlers,
        ...handlers,
        { provide: ProcessLedger, useValue: new ProcessLedger(ledger, processNumber) },
      ],
    };
  }
}

import { Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import {
  OnRun,
  OnRunCompleted,
  OnRunFailed,
  OnRunStarted,
  WebhooksModule,
  type DeliveryContext,
  type RunCompleted,
  type RunEvent,
  type RunFailed,
  type RunStarted,
} from 'nestjs-runhooks';
import type { Source, StoreFactory } from 'nestjs-runhooks/core';
import type { Clock } from 'nestjs-runhooks/internal';
import type { Ledger } from './ledger.js';

type Outcome = RunEvent<'run.succeeded' | 'run.failed' | 'run.canceled'>;

/** Ledger of one process, which takes no entries after the process was killed. */
export class ProcessLedger {
  constructor(
    private readonly ledger: Ledger,
    private readonly processNumber: number,
    private readonly isDead: () => boolean,
  ) {}

  add(event: RunEvent, { handlerId, id: deliveryId }: DeliveryContext): void {
    if (this.isDead()) throw new Error('this process was killed');
    const { type, source, run } = event;
    this.ledger.add({ handlerId, deliveryId, type, source, runId: run.id, processNumber: this.processNumber });
  }
}

/** Handlers with one kind of filter each. `verify.ts` states independently which runs each must receive. */
@Injectable()
export class Handlers {
  constructor(@Inject(ProcessLedger) private readonly ledger: ProcessLedger) {}

  @OnRun('run.succeeded', 'run.failed', 'run.canceled', { id: 'outcome' })
  outcome(event: Outcome, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnRun('run.succeeded', 'run.failed', 'run.canceled', { id: 'project', project: 'sales' })
  project(event: Outcome, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnRun('run.succeeded', 'run.failed', 'run.canceled', { id: 'environment', environment: 'Prod*' })
  environment(event: Outcome, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnRun('run.succeeded', 'run.failed', 'run.canceled', { id: 'job-name', job: 'nightly-*' })
  jobName(event: Outcome, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnRun('run.succeeded', 'run.failed', 'run.canceled', { id: 'job-id', job: ['700003', '700011'] })
  jobId(event: Outcome, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnRun('run.succeeded', 'run.failed', 'run.canceled', { id: 'trigger', trigger: ['schedule', 'ci'] })
  trigger(event: Outcome, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnRun('run.succeeded', 'run.failed', 'run.canceled', {
    id: 'several',
    account: '43786',
    project: ['marketing', 'sales'],
    environment: 'Staging',
  })
  several(event: Outcome, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnRunCompleted({ id: 'completed' })
  completed(event: RunCompleted, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnRunStarted({ id: 'started', includeLate: true })
  started(event: RunStarted, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnRunFailed({ id: 'pager' })
  pager(event: RunFailed, delivery: DeliveryContext): void {
    if (event.firstFailure) this.ledger.add(event, delivery);
  }
}

export interface UnheardAppOptions {
  readonly sources: readonly Source[];
  readonly inbox: StoreFactory;
  readonly clock: Clock;
  readonly ledger: ProcessLedger;
}

/** An app as a host would write it. */
@Module({})
export class UnheardApp {
  static with({ sources, inbox, clock, ledger }: UnheardAppOptions): DynamicModule {
    return {
      module: UnheardApp,
      imports: [WebhooksModule.forRoot({ sources, inbox, clock, dispatch: 'manual', drainMs: 0 })],
      providers: [Handlers, { provide: ProcessLedger, useValue: ledger }],
    };
  }
}

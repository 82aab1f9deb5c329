import { Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import {
  OnNodeFailed,
  OnNodeRecovered,
  OnRunResults,
  WebhooksModule,
  type DeliveryContext,
  type NodeFailed,
  type NodeRecovered,
  type RunResultsEvent,
} from 'nestjs-runhooks';
import type { Source, StoreFactory } from 'nestjs-runhooks/core';
import type { Clock } from 'nestjs-runhooks/internal';
import { ProcessLedger } from './ledger.js';

/** Handlers of all that results tell. `verify.ts` states independently what each must receive. */
@Injectable()
export class Handlers {
  constructor(@Inject(ProcessLedger) private readonly ledger: ProcessLedger) {}

  @OnRunResults({ id: 'results', job: 'nightly-*' })
  results(event: RunResultsEvent, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnNodeFailed({ id: 'failures', includeIsolated: true })
  failures(event: NodeFailed, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnNodeFailed({ id: 'models', kind: ['model', 'snapshot'], node: ['m1*', 'h*'], package: 'shop' })
  models(event: NodeFailed, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }

  @OnNodeRecovered({ id: 'recoveries' })
  recoveries(event: NodeRecovered, delivery: DeliveryContext): void {
    this.ledger.add(event, delivery);
  }
}

const YEAR_MS = 365 * 24 * 60 * 60_000;

export interface ResultsAppOptions {
  readonly sources: readonly Source[];
  readonly inbox: StoreFactory;
  readonly clock: Clock;
  readonly ledger: ProcessLedger;
}

/** An app as a host would write it. */
@Module({})
export class ResultsApp {
  static with({ sources, inbox, clock, ledger }: ResultsAppOptions): DynamicModule {
    const redact = (text: string): string => text.replaceAll(/card \d+/g, 'card ***');
    // The verifier looks at everything, also at what is older than an inbox would keep.
    const retention = { finishedMs: YEAR_MS, deadMs: YEAR_MS };
    return {
      module: ResultsApp,
      imports: [WebhooksModule.forRoot({ sources, inbox, clock, redact, retention, dispatch: 'manual', drainMs: 0 })],
      providers: [Handlers, { provide: ProcessLedger, useValue: ledger }],
    };
  }
}

import { Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import {
  InjectProviderApi,
  isActionRefusedError,
  OnRun,
  OnRunFailed,
  OnRunStuck,
  WebhooksModule,
  type ActionAnswer,
  type ActionOptions,
  type ActionRun,
  type DeliveryContext,
  type RetryRunOptions,
  type RunEvent,
  type RunFailed,
  type RunStuck,
} from 'nestjs-runhooks';
import type { Source, StoreFactory } from 'nestjs-runhooks/core';
import type { DbtCloudApi } from 'nestjs-runhooks/dbt-cloud';
import type { Clock } from 'nestjs-runhooks/internal';
import type { ParadimeApi } from 'nestjs-runhooks/paradime';
import { ProcessLedger, type AboutRun, type Told } from './ledger.js';

/** Jobs to start, by the source and the id or name of the job that starts them. */
export class Downstream extends Map<string, string> {}

/** What the clients of both providers have. */
interface Client {
  retry(run: ActionRun, options: RetryRunOptions): Promise<ActionAnswer>;
  cancel(run: ActionRun, options: ActionOptions): Promise<ActionAnswer>;
  trigger(job: string, options: ActionOptions & { readonly cause: string }): Promise<ActionAnswer>;
}

type Act = (client: Client, options: ActionOptions) => Promise<ActionAnswer>;

/** Time after which a run is canceled. */
const STUCK_MS = 10 * 60_000;
/** A call that was refused for a while is soon made again. */
const retry = { delayMsMax: 60_000 };

/** Handlers of a job each. `verify.ts` states independently what each must do. */
@Injectable()
export class Handlers {
  constructor(
    @InjectProviderApi('dbt') private readonly dbt: DbtCloudApi,
    @InjectProviderApi('bolt') private readonly bolt: ParadimeApi,
    @Inject(ProcessLedger) private readonly ledger: ProcessLedger,
    @Inject(Downstream) private readonly downstream: Downstream,
  ) {}

  @OnRunFailed({ id: 'once', job: 'once-*', retry })
  async once(event: RunFailed, delivery: DeliveryContext): Promise<void> {
    await this.#act(event, delivery, (client, options) => client.retry(event.run, options));
  }

  @OnRunFailed({ id: 'twice', job: 'twice-*', retry })
  async twice(event: RunFailed, delivery: DeliveryContext): Promise<void> {
    await this.#act(event, delivery, (client, options) => client.retry(event.run, { ...options, retriesMax: 2 }));
  }

  @OnRunFailed({ id: 'again-retry', job: 'again-retry-*', retry })
  async retryAgain(event: RunFailed, delivery: DeliveryContext): Promise<void> {
    await this.#act(event, delivery, (client, options) => client.retry(event.run, { ...options, onUnknown: 'again' }));
  }

  @OnRun('run.succeeded', { id: 'start', job: 'start-*', retry })
  async start(event: RunEvent<'run.succeeded'>, delivery: DeliveryContext): Promise<void> {
    await this.#act(event, delivery, (client, options) => this.#start(event, client, options));
  }

  @OnRun('run.succeeded', { id: 'again-start', job: 'again-start-*', retry })
  async startAgain(event: RunEvent<'run.succeeded'>, delivery: DeliveryContext): Promise<void> {
    await this.#act(event, delivery, (client, options) =>
      this.#start(event, client, { ...options, onUnknown: 'again' }),
    );
  }

  @OnRunStuck({ id: 'stuck', afterMs: STUCK_MS, job: 'stuck-*', retry })
  async stuck(event: RunStuck, delivery: DeliveryContext): Promise<void> {
    await this.#act(event, delivery, (client, options) => client.cancel(event.run, options));
  }

  #start({ source, run }: AboutRun, client: Client, options: ActionOptions): Promise<ActionAnswer> {
    const jobOf = (job = ''): string | undefined => this.downstream.get(`${source} ${job}`);
    const job = jobOf(run.job.id) ?? jobOf(run.job.name) ?? '';
    return client.trigger(job, { ...options, cause: `after run ${run.id}` });
  }

  /** Tells the ledger what came of an action. Other errors are those of the delivery. */
  async #act(event: AboutRun, delivery: DeliveryContext, act: Act): Promise<void> {
    const client = event.source === 'dbt' ? this.dbt : this.bolt;
    let told: Told;
    try {
      const { runId } = await act(client, { key: delivery.id, signal: delivery.signal });
      told = { outcome: 'answered', answer: runId };
    } catch (error) {
      if (!isActionRefusedError(error) || error.reason === 'busy') throw error;
      told = { outcome: 'refused', reason: error.reason };
    }
    this.ledger.add(event, delivery, told);
  }
}

const YEAR_MS = 365 * 24 * 60 * 60_000;

export interface ActionsAppOptions {
  readonly sources: readonly Source[];
  readonly inbox: StoreFactory;
  readonly clock: Clock;
  readonly ledger: ProcessLedger;
  readonly downstream: Downstream;
}

/** An app as a host would write it. */
@Module({})
export class ActionsApp {
  static with({ sources, inbox, clock, ledger, downstream }: ActionsAppOptions): DynamicModule {
    // The verifier looks at everything, also at what is older than an inbox would keep.
    const retention = { finishedMs: YEAR_MS, deadMs: YEAR_MS };
    return {
      module: ActionsApp,
      imports: [WebhooksModule.forRoot({ sources, inbox, clock, retention, dispatch: 'manual', drainMs: 0 })],
      providers: [
        Handlers,
        { provide: ProcessLedger, useValue: ledger },
        { provide: Downstream, useValue: downstream },
      ],
    };
  }
}

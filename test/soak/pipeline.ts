import {
  AbandonedCalls,
  ClockWatch,
  Dispatcher,
  HandlerSet,
  IdSequence,
  openSources,
  Presence,
  Purger,
  Receiver,
  Refusals,
  resolveHandlerOptions,
  Router,
  StoreGuard,
  type Handler,
  type Logger,
  type OpenSource,
  type Receipt,
  type Store,
} from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { ManualClock, TEST_SECRETS, type SignedWebhook } from 'nestjs-runhooks/testing';

const CONCURRENCY = 50;
const ABORT_GRACE_MS = 1_000;
const DRAIN_MS = 10_000;

export interface PipelineOptions {
  readonly path: string;
  /** Settled messages are kept this long, on the pipeline's clock. */
  readonly settledMs: number;
  /** Duplicate keys and runs are. */
  readonly keysMs: number;
  /** Called when a message was handled. */
  readonly onHandled: () => void;
  readonly logger: Logger;
}

/** The core without Nest and HTTP: receives signed webhooks, reads them, runs a handler for each, and purges. */
export class Pipeline {
  readonly clock = new ManualClock(new Date('2026-01-01T00:00:00Z'));
  readonly #store: Store;
  readonly #source: OpenSource;
  readonly #receiver: Receiver;
  readonly #dispatcher: Dispatcher;
  readonly #purger: Purger;

  constructor({ path, settledMs, keysMs, onHandled, logger }: PipelineOptions) {
    const { clock } = this;
    const ids = new IdSequence();
    const handlers = new HandlerSet();
    handlers.add(handlerOf(onHandled));
    const router = new Router(handlers, ids);
    const guard = new StoreGuard(logger);
    const abandoned = new AbandonedCalls(logger);
    const store = sqliteInbox({ path }).createStore(logger);
    const sources = openSources([dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] })]);
    const shared = { store, clock, logger };
    const watch = new ClockWatch({ ...shared, guard });
    this.#store = store;
    this.#source = sources[0] as OpenSource;
    this.#dispatcher = new Dispatcher({
      ...shared,
      sources,
      handlers,
      router,
      guard,
      presence: new Presence({ store, handlers, clock, guard, watch, role: 'both', abandoned }),
      abandoned,
      concurrency: CONCURRENCY,
      abortGraceMs: ABORT_GRACE_MS,
    });
    this.#receiver = new Receiver({
      ...shared,
      refusals: new Refusals({ ...shared, guard }),
      ids,
      onAccepted: () => this.#dispatcher.wake(),
    });
    this.#purger = new Purger({ store, clock, guard, logger, retention: { settledMs, deadMs: settledMs, keysMs } });
  }

  async open(): Promise<void> {
    await this.#store.open();
    this.#dispatcher.start();
  }

  receive({ body, headers }: SignedWebhook): Promise<Receipt> {
    return this.#receiver.receive(this.#source, body, headers);
  }

  purge(): Promise<number> {
    return this.#purger.purge();
  }

  async close(): Promise<void> {
    await this.#dispatcher.stop(DRAIN_MS);
    await this.#store.close();
  }
}

/** Wants one event of each message that is sent. */
function handlerOf(onHandled: () => void): Handler {
  return {
    ...resolveHandlerOptions('soak', {}),
    label: 'soak',
    subscriptions: [{ on: { types: ['run.started', 'run.completed'] }, filter: {} }],
    invoke: async () => onHandled(),
  };
}

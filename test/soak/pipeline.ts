import type { Logger } from 'nestjs-runhooks/core';
import { Engine, resolveHandlerOptions, type Handler, type OpenSource, type Receipt } from 'nestjs-runhooks/internal';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { ManualClock, TEST_SECRETS, type SignedWebhook } from 'nestjs-runhooks/testing';

const CONCURRENCY = 50;
const ABORT_GRACE_MS = 1_000;
const DRAIN_MS = 10_000;

export interface PipelineOptions {
  readonly path: string;
  /** Retention of finished messages, by the pipeline's clock. */
  readonly finishedMs: number;
  /** Retention of deduplication keys and runs. */
  readonly deduplicationMs: number;
  /** Called when a message was handled. */
  readonly onHandled: () => void;
  readonly logger: Logger;
}

/** The core without Nest and HTTP: receives signed webhooks, parses them, runs a handler for each, and purges. */
export class Pipeline {
  readonly clock = new ManualClock(new Date('2026-01-01T00:00:00Z'));
  readonly #engine: Engine;

  constructor({ path, finishedMs, deduplicationMs, onHandled, logger }: PipelineOptions) {
    this.#engine = new Engine({
      sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] })],
      store: sqliteInbox({ path }).createStore(logger),
      clock: this.clock,
      logger,
      concurrency: CONCURRENCY,
      abortGraceMs: ABORT_GRACE_MS,
      retention: { finishedMs, deadMs: finishedMs, deduplicationMs },
    });
    this.#engine.handlers.add(handlerOf(onHandled));
  }

  async open(): Promise<void> {
    await this.#engine.store.open();
    this.#engine.dispatcher.start();
  }

  receive({ body, headers }: SignedWebhook): Promise<Receipt> {
    const { receiver, sources } = this.#engine;
    return receiver.receive(sources[0] as OpenSource, body, headers);
  }

  purge(): Promise<number> {
    return this.#engine.purger.purge();
  }

  async close(): Promise<void> {
    await this.#engine.dispatcher.stop(DRAIN_MS);
    await this.#engine.store.close();
  }
}

/** Returns a handler of one event per sent message. */
function handlerOf(onHandled: () => void): Handler {
  return {
    ...resolveHandlerOptions('soak', {}),
    label: 'soak',
    subscriptions: [{ on: { types: ['run.started', 'run.completed'] }, filter: {} }],
    invoke: async () => onHandled(),
  };
}

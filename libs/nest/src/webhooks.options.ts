import type { Role, Source, StoreFactory, DispatchTransportFactory } from 'nestjs-runhooks/core';
import type { Clock, LogArguments, Redact, RetentionOptions } from 'nestjs-runhooks/internal';

/**
 * Options for `WebhooksModule.forRoot`.
 *
 * ```ts
 * WebhooksModule.forRoot({
 *   sources: [dbtCloud({ name: 'dbt', secrets: [process.env.DBT_CLOUD_WEBHOOK_SECRET] })],
 *   inbox: sqliteInbox({ path: 'runhooks.db' }),
 * });
 * ```
 */
export interface WebhooksOptions {
  /** Senders of webhooks, at least one: `dbtCloud(…)`, `paradime(…)`, or a source of your own provider. */
  readonly sources: readonly Source[];
  /** The database for messages, events and deliveries, for example `sqliteInbox({ path: 'runhooks.db' })`. */
  readonly inbox: StoreFactory;
  /**
   * Role of this process. A `receiver` has routes and stores webhooks; it knows its handlers but runs none. A `worker`
   * has no routes; it parses stored messages and runs handlers. Both need the same inbox and sources.
   * @default 'both'
   */
  readonly role?: Role;
  /**
   * The way due deliveries reach a worker. `auto` claims them from the inbox; a dispatch backend such as `bullmq(…)`
   * brings their ids. With `manual`, nothing is parsed and no handler runs until you call `Webhooks.runUntilIdle()`.
   * @default 'auto'
   */
  readonly dispatch?: 'auto' | 'manual' | DispatchTransportFactory;
  /**
   * Maximum number of attempts that run at the same time in this process.
   * @default 10
   */
  readonly concurrency?: number;
  /**
   * Milliseconds that the next attempt waits for a handler to return or throw after its signal was aborted.
   * @default 30000
   */
  readonly abortGraceMs?: number;
  /**
   * Milliseconds that running handlers get at shutdown before their signal is aborted.
   * @default 10000
   */
  readonly drainMs?: number;
  /**
   * Whether the app's global guards, interceptors, pipes and exception filters also run for handlers, with the context
   * type `webhook`. Each of them must support this type, but many expect an HTTP request (see `isWebhookContext`).
   * @default false
   */
  readonly globalEnhancers?: boolean;
  /** Times after which the inbox deletes finished work. */
  readonly retention?: RetentionOptions;
  /**
   * Returns the text to store instead of a message of dbt about a node. Such a message can quote data, for example a value
   * that violates a constraint. It runs before the text is stored, logged nowhere, and passed to handlers. If it throws, the
   * message is left out.
   * @default the text unchanged
   */
  readonly redact?: Redact;
  /**
   * Returns the arguments for the app's logger for a line with ids. Set it for loggers that take objects, for example
   * `(message, fields) => [fields, message]` for nestjs-pino. The text stays the same.
   * @default (message) => [message]
   */
  readonly logArguments?: LogArguments;
  /**
   * Clock for tests.
   * @default the clock of the Postgres server, or on SQLite the system clock
   */
  readonly clock?: Clock;
}

/** Options that Nest needs before it creates the others. */
export interface WebhooksModuleExtras {
  /**
   * Whether every module of the app can inject the exports of `WebhooksModule`. Handlers are found in every module anyway.
   * @default false
   */
  readonly isGlobal?: boolean;
}

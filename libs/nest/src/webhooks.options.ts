import type {
  Clock,
  LogArguments,
  RetentionOptions,
  Role,
  Source,
  StoreFactory,
  DispatchTransportFactory,
} from 'nestjs-runhooks/core';

/** What `WebhooksModule.forRoot` takes. */
export interface WebhooksOptions {
  /** Who sends webhooks: `dbtCloud(…)`, `paradime(…)`, or a provider of your own. At least one. */
  readonly sources: readonly Source[];
  /** Where messages, events and deliveries are kept, for example `sqliteInbox({ path: 'runhooks.db' })`. */
  readonly inbox: StoreFactory;
  /**
   * What this process does. A `receiver` has the routes and stores what arrives; it knows its handlers and runs none. A
   * `worker` has no routes; it reads what was stored and runs handlers. Both need the same inbox and sources.
   * @default 'both'
   */
  readonly role?: Role;
  /**
   * How due deliveries come to the process that runs them: `auto` claims them from the inbox; a transport such as
   * `bullmq(…)` brings their ids. `manual` holds the dispatcher: nothing is read and no handler runs until
   * `Webhooks.runUntilIdle()` is called.
   * @default 'auto'
   */
  readonly dispatch?: 'auto' | 'manual' | DispatchTransportFactory;
  /**
   * Attempts that may run at the same time in this process.
   * @default 10
   */
  readonly concurrency?: number;
  /**
   * After a handler's signal was aborted, how many milliseconds its next attempt waits for it to settle.
   * @default 30000
   */
  readonly abortGraceMs?: number;
  /**
   * At shutdown, how many milliseconds running handlers may take before they are aborted.
   * @default 10000
   */
  readonly drainMs?: number;
  /**
   * Whether the app's global guards, interceptors, pipes and exception filters run for handlers, too, with the context
   * type `webhook`. All of them must know it: many expect an HTTP request (see `isWebhookContext`).
   * @default false
   */
  readonly globalEnhancers?: boolean;
  /** How long the inbox keeps things. */
  readonly retention?: RetentionOptions;
  /**
   * Returns what the app's logger is called with for a line that has ids, for loggers that take objects: for nestjs-pino
   * `(message, fields) => [fields, message]`. The text stays the same.
   * @default (message) => [message]
   */
  readonly logArguments?: LogArguments;
  /**
   * Where the time comes from; for tests.
   * @default the Postgres server's, or on SQLite the system's
   */
  readonly clock?: Clock;
}

/** What must be known before the options are. */
export interface WebhooksModuleExtras {
  /**
   * Whether every module of the app can inject what `WebhooksModule` exports. Handlers are found everywhere anyway.
   * @default false
   */
  readonly isGlobal?: boolean;
}

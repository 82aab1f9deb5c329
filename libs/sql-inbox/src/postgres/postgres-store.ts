import {
  ConfigurationError,
  StoreUnavailableError,
  type Appended,
  type InboxTransaction,
  type Logger,
  type NewMessage,
  type Settlement,
} from 'nestjs-runhooks/core';
import { within } from 'nestjs-runhooks/internal';
import { refuseHalfMoved } from './move-record.js';
import { appendMessages } from '../accept/append-messages.js';
import { SQL_LIMITS } from '../limits.js';
import { PostgresAppender } from './postgres-appender.js';
import { PostgresCompletions } from './postgres-completions.js';
import { PostgresConnections } from '../postgres-connection/postgres-connections.js';
import { postgresDialect } from './postgres-dialect.js';
import { PostgresListener } from '../postgres-connection/postgres-listener.js';
import { migratePostgres } from './postgres-migration.js';
import { postgresOpenFailure } from './postgres-open-failure.js';
import { resolvePostgresOptions, type PostgresInboxOptions, type ResolvedPostgresOptions } from './postgres-options.js';
import { openPostgresPool } from '../postgres-connection/postgres-pool.js';
import { checkServer, serverTime, type ServerFacts } from '../postgres-connection/postgres-server.js';
import { PostgresTransactions } from './postgres-transactions.js';
import { entriesInSets } from './entries-in-sets.js';
import { SqlStore } from '../sql-store.js';
import type { Transaction } from '../schema/statement.js';

/** Parts of an open store. */
interface Open {
  readonly connections: PostgresConnections;
  readonly transactions: PostgresTransactions;
  readonly appender: PostgresAppender;
  readonly completions: PostgresCompletions;
  readonly listener?: PostgresListener;
  endPool(): Promise<unknown>;
}

/** Inbox in a schema of a Postgres database, shared by any number of processes. */
export class PostgresStore extends SqlStore {
  readonly #options: ResolvedPostgresOptions;
  readonly #logger: Logger;
  readonly #appendMessages: (messages: readonly NewMessage[]) => Transaction<Appended[]>;
  #description: string;
  #open: Open | undefined;
  #wake: (() => void) | undefined;

  constructor(options: PostgresInboxOptions, logger: Logger) {
    const resolved = resolvePostgresOptions(options);
    const dialect = postgresDialect(resolved.schema);
    super(dialect, entriesInSets(dialect, resolved.schema));
    this.#options = resolved;
    this.#logger = logger;
    this.#appendMessages = appendMessages(dialect);
    this.#description = `PostgreSQL, schema ${resolved.schema}`;
  }

  get description(): string {
    return this.#description;
  }

  async open(): Promise<void> {
    const { schema, notify } = this.#options;
    const option = 'pool' in this.#options ? 'postgresInbox.pool' : 'postgresInbox.connectionString';
    const { pool, endPool } = await poolOf(this.#options);
    const connections = new PostgresConnections(pool);
    let facts: ServerFacts;
    let listener: PostgresListener | undefined;
    try {
      facts = await connections.with(async (connection) => {
        const found = await checkServer(connection, option, this.#logger);
        await migratePostgres(connection, schema);
        await refuseHalfMoved(connection, schema);
        return found;
      });
      if (notify) listener = await this.#listen(connections);
    } catch (cause) {
      connections.close();
      // A pool whose options allow no connection never ends.
      await within(endPool(), SQL_LIMITS.postgresConnectMs);
      throw postgresOpenFailure(cause, option, schema);
    }
    this.#description = `${facts.description}, schema ${schema}`;
    const transactions = new PostgresTransactions(connections, this.#description);
    this.#open = {
      connections,
      transactions,
      appender: new PostgresAppender(
        (messages) => transactions.run('write', () => this.#appendMessages(messages)),
        (message) => this.appendBy((begin) => transactions.run('write', begin), message, this.appendOne),
      ),
      completions: new PostgresCompletions(connections, pool.options?.max ?? SQL_LIMITS.postgresConnections, facts),
      ...(listener && { listener }),
      endPool,
    };
  }

  /** Calls `wake` when another process stored work, or when a notification of it may have been lost. */
  onWork(wake: () => void): void {
    this.#wake = wake;
  }

  override async append(message: NewMessage): Promise<Appended> {
    const { appender, listener } = this.#opened();
    const appended = await appender.append(message);
    if (appended.status === 'accepted' && !message.claim) listener?.ring();
    return appended;
  }

  /** Returns the time of the server, which decides for all hosts. */
  async now(): Promise<Date> {
    const { connections, transactions } = this.#opened();
    return await transactions.watch(() => connections.with(serverTime));
  }

  /**
   * Runs `work` and settles the delivery in one transaction. Returns `false` and writes nothing if the claim has been
   * lost.
   */
  async settleWith(
    work: (tx: InboxTransaction) => Promise<unknown>,
    settlement: () => Settlement,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { transactions, completions } = this.#opened();
    const recordAll = this.recordAll;
    const settle = function* (): Transaction<boolean> {
      const settled = settlement();
      const [result] = yield* recordAll([settled], settled.attempt.finishedAt);
      return result?.recorded ?? false;
    };
    return await transactions.watch(() => completions.run(work, settle, signal));
  }

  async close(): Promise<void> {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    const { appender, transactions, listener, connections, endPool } = open;
    await within(
      appender.settled().then(() => transactions.settled()),
      SQL_LIMITS.postgresCloseMs,
    );
    listener?.close();
    connections.close();
    await within(endPool(), SQL_LIMITS.postgresConnectMs);
  }

  protected async write<T>(begin: () => Transaction<T>): Promise<T> {
    return await this.#opened().transactions.run('write', begin);
  }

  protected override async writeWork<T>(begin: () => Transaction<T>): Promise<T> {
    const { transactions, listener } = this.#opened();
    const result = await transactions.run('write', begin);
    listener?.ring();
    return result;
  }

  protected async read<T>(begin: () => Transaction<T>): Promise<T> {
    return await this.#opened().transactions.run('read', begin);
  }

  async #listen(connections: PostgresConnections): Promise<PostgresListener> {
    const { schema } = this.#options;
    const listener = new PostgresListener({
      connections,
      schema,
      logger: this.#logger,
      onWork: () => this.#wake?.(),
    });
    try {
      if (await listener.open()) return listener;
    } catch (cause) {
      listener.close();
      throw cause;
    }
    listener.close();
    throw new ConfigurationError(
      'postgresInbox.notify',
      'LISTEN/NOTIFY does not work on this connection, as with PgBouncer in transaction mode. Connect directly or in ' +
        'session mode, or set notify: false to poll once a second',
    );
  }

  #opened(): Open {
    if (!this.#open) throw new StoreUnavailableError(`the inbox ${this.#description} is not open`);
    return this.#open;
  }
}

async function poolOf(options: ResolvedPostgresOptions) {
  if ('pool' in options) return { pool: options.pool, endPool: () => Promise.resolve() };
  const { connectionString, connectionsMax, notify } = options;
  const pool = await openPostgresPool(connectionString, connectionsMax + (notify ? 1 : 0));
  return { pool, endPool: () => pool.end() };
}

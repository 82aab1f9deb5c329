import {
  ConfigurationError,
  isStoreUnavailableError,
  StoreUnavailableError,
  type Appended,
  type InboxTransaction,
  type Logger,
  type NewMessage,
  type Recorded,
  type Recording,
  type Settlement,
} from 'nestjs-runhooks/core';
import { within } from 'nestjs-runhooks/internal';
import { atMost } from './at-most.js';
import { refuseHalfMoved } from './move-record.js';
import { appendMessages } from '../accept/append-messages.js';
import { SQL_LIMITS } from '../limits.js';
import { lockOf } from '../parsing/record-parsed.js';
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
import { SqlStore } from '../sql-store.js';
import type { Transaction } from '../schema/statement.js';

/** What an open store works with. */
interface Open {
  readonly connections: PostgresConnections;
  readonly transactions: PostgresTransactions;
  readonly appender: PostgresAppender;
  readonly completions: PostgresCompletions;
  readonly listener?: PostgresListener;
  endPool(): Promise<unknown>;
}

/** An inbox in a schema of a Postgres database, shared by any number of processes. */
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
    super(dialect);
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
      // A pool whose options no connection can be made from never ends.
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
        (message) => this.appendBy((begin) => transactions.run('write', begin), message),
      ),
      completions: new PostgresCompletions(connections, pool.options?.max ?? SQL_LIMITS.postgresConnections, facts),
      ...(listener && { listener }),
      endPool,
    };
  }

  /** `wake` is called when another process stored something, or may have done so unheard. */
  onWork(wake: () => void): void {
    this.#wake = wake;
  }

  override async append(message: NewMessage): Promise<Appended> {
    const { appender, listener } = this.#opened();
    const appended = await appender.append(message);
    if (appended.status === 'accepted') listener?.ring();
    return appended;
  }

  /** Those of one job in one transaction, in the order given; those of different jobs beside them. */
  override async record(recordings: readonly Recording[], now: Date): Promise<Recorded[]> {
    const groups = new Map<string, number[]>();
    recordings.forEach((recording, index) => {
      const key = lockOf(recording) ?? recording.messageId;
      groups.set(key, [...(groups.get(key) ?? []), index]);
    });
    const recorded: Recorded[] = [];
    const failures: unknown[] = [];
    await atMost(groups.values(), SQL_LIMITS.recordingsMax, async (indices) => {
      try {
        const group = await this.#recordGroup(
          indices.map((index) => recordings[index] as Recording),
          now,
        );
        indices.forEach((index, place) => (recorded[index] = group[place] as Recorded));
      } catch (error) {
        failures.push(error);
      }
    });
    if (failures.length > 0) throw failures[0];
    return recorded;
  }

  /** Of the server, which decides for all hosts. */
  async now(): Promise<Date> {
    const { connections, transactions } = this.#opened();
    return await transactions.watch(() => connections.with(serverTime));
  }

  /** What a handler writes with `tx`, and the success of its delivery, in one transaction. False: the claim was lost, and nothing was written. */
  async settleWith(
    work: (tx: InboxTransaction) => Promise<unknown>,
    settlement: () => Settlement,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { transactions, completions } = this.#opened();
    const settle = (): Transaction<boolean> => {
      const settled = settlement();
      return this.settleOne(settled, settled.attempt.finishedAt);
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

  /** One that cannot be recorded fails alone; where the store failed, none may overtake the one that was first. */
  async #recordGroup(group: readonly Recording[], now: Date): Promise<Recorded[]> {
    const record = this.recordOne;
    try {
      return await this.writeWork(function* () {
        const recorded: Recorded[] = [];
        for (const recording of group) recorded.push(yield* record(recording, now));
        return recorded;
      });
    } catch (error) {
      if (group.length === 1 || isStoreUnavailableError(error)) throw error;
    }
    const alone: Recorded[] = [];
    const failures: unknown[] = [];
    for (const recording of group) {
      try {
        alone.push(await this.writeWork(() => record(recording, now)));
      } catch (error) {
        if (isStoreUnavailableError(error)) throw error;
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return alone;
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
      'notifications do not arrive, as behind pgbouncer in transaction mode; connect to the server itself or to a pool ' +
        'in session mode, or set notify: false: then processes look for work once a second',
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

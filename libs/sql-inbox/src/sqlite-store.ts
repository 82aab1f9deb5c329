import {
  ConfigurationError,
  LIMITS,
  StoreUnavailableError,
  type Appended,
  type ClaimedDelivery,
  type ClaimedMessage,
  type DeliveryClaim,
  type Held,
  type InboxCounts,
  type Logger,
  type MessageClaim,
  type NewMessage,
  type Recorded,
  type Recording,
  type Settlement,
  type Store,
} from 'nestjs-runhooks/core';
import { SQLITE_DIALECT } from './dialect.js';
import { GroupCommit } from './group-commit.js';
import { inboxOperations } from './operations.js';
import type { SqliteInboxOptions } from './sqlite.js';
import { connectSqlite, type SqliteConnection } from './sqlite-connection.js';
import { remedyFor } from './sqlite-failure.js';
import { prepareSqliteFile } from './sqlite-file.js';
import { migrateSqlite, NewerSchemaError } from './sqlite-migration.js';
import type { Transaction } from './statement.js';

/** An inbox in one SQLite file: write-ahead log, `synchronous=FULL`, one connection. */
export class SqliteStore implements Store {
  readonly #options: SqliteInboxOptions;
  readonly #logger: Logger;
  readonly #operations = inboxOperations(SQLITE_DIALECT);
  #file: string;
  #connection: SqliteConnection | undefined;
  #commits: GroupCommit | undefined;

  constructor(options: SqliteInboxOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#file = options.path;
  }

  get description(): string {
    return `SQLite ${this.#file}${this.#connection ? ` (${this.#connection.driver})` : ''}`;
  }

  async open(): Promise<void> {
    this.#file = prepareSqliteFile(this.#options.path, this.#logger);
    try {
      this.#connection = await connectSqlite(this.#file, this.#options.driver);
      configure(this.#connection);
      await migrateSqlite(this.#connection);
    } catch (cause) {
      this.#connection?.close();
      this.#connection = undefined;
      throw openFailure(this.#file, cause);
    }
    this.#commits = new GroupCommit(this.#connection, this.#file);
  }

  append(message: NewMessage): Promise<Appended> {
    return this.#run(() => this.#operations.append(message));
  }

  claimMessages(claim: MessageClaim): Promise<ClaimedMessage[]> {
    return this.#run(() => this.#operations.claimMessages(claim));
  }

  record(recordings: readonly Recording[], now: Date): Promise<Recorded[]> {
    return Promise.all(recordings.map((recording) => this.#run(() => this.#operations.record(recording, now))));
  }

  claimDeliveries(claim: DeliveryClaim): Promise<ClaimedDelivery[]> {
    return this.#run(() => this.#operations.claimDeliveries(claim));
  }

  renew(held: readonly Held[], claim: { now: Date; leaseMs: number }): Promise<string[]> {
    return this.#run(() => this.#operations.renew(held, claim));
  }

  settle(settlement: Settlement): Promise<boolean> {
    return this.#run(() => this.#operations.settle(settlement));
  }

  counts(): Promise<InboxCounts> {
    return this.#run(() => this.#operations.counts());
  }

  async close(): Promise<void> {
    this.#commits?.close();
    this.#connection?.close();
    this.#commits = undefined;
    this.#connection = undefined;
  }

  #run<T>(begin: () => Transaction<T>): Promise<T> {
    return (
      this.#commits?.run(begin) ?? Promise.reject(new StoreUnavailableError(`the inbox ${this.#file} is not open`))
    );
  }
}

/** FULL: a commit has survived a power cut when it returns (https://sqlite.org/pragma.html#pragma_synchronous). */
function configure(connection: SqliteConnection): void {
  connection.exec(`pragma busy_timeout = ${LIMITS.sqliteBusyMs}`);
  connection.exec('pragma journal_mode = wal');
  connection.exec('pragma synchronous = full');
}

function openFailure(file: string, cause: unknown): unknown {
  if (cause instanceof ConfigurationError) return cause;
  if (cause instanceof NewerSchemaError) {
    return new ConfigurationError(
      'sqliteInbox.path',
      `${file}: ${cause.message}; install that version, or choose another path`,
      { cause },
    );
  }
  const remedy = remedyFor(cause);
  return remedy === undefined
    ? cause
    : new ConfigurationError('sqliteInbox.path', `${file} cannot be opened: ${remedy}`, { cause });
}

import { ConfigurationError, LIMITS, StoreUnavailableError, type Logger } from 'nestjs-runhooks/core';
import { SQLITE_DIALECT } from './sqlite-dialect.js';
import { GroupCommit, runToEnd } from './group-commit.js';
import { NewerSchemaError } from './newer-schema.js';
import { SqlStore } from './sql-store.js';
import { connectSqlite, type SqliteConnection, type SqliteDriver } from './sqlite-connection.js';
import { remedyFor, storeFailure } from './sqlite-failure.js';
import { prepareSqliteFile } from './sqlite-file.js';
import { onceUnlocked } from './sqlite-lock.js';
import { migrateSqlite } from './sqlite-migration.js';
import type { Transaction } from './statement.js';

export interface SqliteInboxOptions {
  /** The file, made if it is not there; `:memory:` for tests. Several processes of one host may share it. */
  readonly path: string;
  /** @default `node:sqlite` where Node has it (22.13 and newer), else `better-sqlite3` */
  readonly driver?: SqliteDriver;
}

/** An inbox in one SQLite file: write-ahead log, `synchronous=FULL`, one connection. */
export class SqliteStore extends SqlStore {
  readonly #options: SqliteInboxOptions;
  readonly #logger: Logger;
  readonly #connect: typeof connectSqlite;
  #file: string;
  #connection: SqliteConnection | undefined;
  #commits: GroupCommit | undefined;

  /** @param connect opens the file; tests hand in one whose connections fail */
  constructor(options: SqliteInboxOptions, logger: Logger, connect: typeof connectSqlite = connectSqlite) {
    super(SQLITE_DIALECT);
    this.#options = options;
    this.#logger = logger;
    this.#connect = connect;
    this.#file = options.path;
  }

  get description(): string {
    return `SQLite ${this.#file}${this.#connection ? ` (${this.#connection.driver})` : ''}`;
  }

  async open(): Promise<void> {
    this.#file = prepareSqliteFile(this.#options.path, this.#logger);
    try {
      this.#connection = await this.#connect(this.#file, this.#options.driver);
      await configure(this.#connection);
      await migrateSqlite(this.#connection);
    } catch (cause) {
      this.#connection?.close();
      this.#connection = undefined;
      throw openFailure(this.#file, cause);
    }
    this.#commits = new GroupCommit(this.#connection, this.#file);
  }

  async close(): Promise<void> {
    this.#commits?.close();
    this.#connection?.close();
    this.#commits = undefined;
    this.#connection = undefined;
  }

  protected write<T>(begin: () => Transaction<T>): Promise<T> {
    return this.#commits?.run(begin) ?? Promise.reject(this.#notOpen());
  }

  /** Between two commits the connection sees what is committed, and nothing else. */
  protected async read<T>(begin: () => Transaction<T>): Promise<T> {
    if (!this.#connection) throw this.#notOpen();
    try {
      return runToEnd(this.#connection, begin());
    } catch (error) {
      throw storeFailure(error, this.#file);
    }
  }

  #notOpen(): StoreUnavailableError {
    return new StoreUnavailableError(`the inbox ${this.#file} is not open`);
  }
}

/** FULL: a commit has survived a power cut when it returns (https://sqlite.org/pragma.html#pragma_synchronous). */
async function configure(connection: SqliteConnection): Promise<void> {
  connection.exec(`pragma busy_timeout = ${LIMITS.sqliteTryMs}`);
  await onceUnlocked(() => connection.exec('pragma journal_mode = wal'));
  connection.exec('pragma synchronous = full');
}

function openFailure(file: string, cause: unknown): unknown {
  if (cause instanceof ConfigurationError) return cause;
  const option = 'sqliteInbox.path';
  if (cause instanceof NewerSchemaError) {
    return new ConfigurationError(option, `${file}: ${cause.message}; install that version, or choose another path`, {
      cause,
    });
  }
  const found = remedyFor(cause) ?? `${String(cause)}; if it belongs to something else, choose another path`;
  return new ConfigurationError(option, `${file} cannot be opened: ${found}`, { cause });
}

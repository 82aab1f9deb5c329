import { isConfigurationError, ConfigurationError, StoreUnavailableError, type Logger } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import { entriesRowByRow } from '../recording/row-by-row.js';
import { SQLITE_DIALECT } from './sqlite-dialect.js';
import { GroupCommit, runToEnd } from './group-commit.js';
import { NewerSchemaError } from '../schema/newer-schema.js';
import { SqlStore } from '../sql-store.js';
import { connectSqlite, type SqliteConnection } from '../sqlite-connection/sqlite-connection.js';
import { remedyFor, storeFailure } from '../sqlite-connection/sqlite-failure.js';
import {
  IN_MEMORY,
  makeSqliteFile,
  prepareSqliteFile,
  resolveFileMode,
  warnOfOpenFiles,
} from '../sqlite-file/sqlite-file.js';
import { FileGuard } from '../sqlite-file/sqlite-file-guard.js';
import { onceUnlocked } from '../sqlite-connection/sqlite-lock.js';
import { migrateSqlite } from './sqlite-migration.js';
import { OpenFiles } from '../sqlite-file/sqlite-open-files.js';
import type { SqliteInboxOptions } from './sqlite-options.js';
import { checkSqliteFile } from '../sqlite-file/sqlite-startup-check.js';
import { SqliteWal } from '../sqlite-file/sqlite-wal.js';
import type { Transaction } from '../schema/statement.js';

/** An inbox in one SQLite file: write-ahead log, `synchronous=FULL`, one connection. */
export class SqliteStore extends SqlStore {
  readonly #options: SqliteInboxOptions;
  readonly #logger: Logger;
  readonly #connect: typeof connectSqlite;
  #file: string;
  #connection: SqliteConnection | undefined;
  #commits: GroupCommit | undefined;
  #wal: SqliteWal | undefined;
  #guard: FileGuard | undefined;

  /** @param connect opens the file; tests pass one whose connections fail */
  constructor(options: SqliteInboxOptions, logger: Logger, connect: typeof connectSqlite = connectSqlite) {
    super(SQLITE_DIALECT, entriesRowByRow(SQLITE_DIALECT));
    this.#options = options;
    this.#logger = logger;
    this.#connect = connect;
    this.#file = options.path;
  }

  get description(): string {
    return `SQLite ${this.#file}${this.#connection ? ` (${this.#connection.driver})` : ''}`;
  }

  async open(): Promise<void> {
    const mode = resolveFileMode(this.#options.fileMode);
    this.#file = prepareSqliteFile(this.#options.path, this.#logger);
    const isFile = this.#file !== IN_MEMORY;
    try {
      if (isFile) {
        await checkSqliteFile(this.#file, this.#options.driver, this.#connect, this.#logger);
        makeSqliteFile(this.#file, mode);
      }
      this.#connection = await this.#connect(this.#file, this.#options.driver);
      await configure(this.#connection);
      await migrateSqlite(this.#connection);
      if (isFile) this.#keep(this.#connection);
    } catch (cause) {
      this.#connection?.close();
      this.#connection = undefined;
      throw openFailure(this.#file, cause);
    }
    if (isFile) warnOfOpenFiles(this.#file, mode, this.#logger);
    this.#commits = new GroupCommit(this.#connection, this.#file, this.#guard);
  }

  async close(): Promise<void> {
    this.#commits?.close();
    this.#connection?.close();
    this.#commits = undefined;
    this.#connection = undefined;
    this.#wal = undefined;
    this.#guard = undefined;
  }

  protected write<T>(begin: () => Transaction<T>): Promise<T> {
    return this.#commits?.run(begin) ?? Promise.reject(this.#notOpen());
  }

  /** Empties the write-ahead log: it still contains what `secure_delete` has overwritten in the file. */
  protected override forgetRemoved(): void {
    this.#wal?.empty();
  }

  /** Runs between two commits, when the connection sees only committed rows. */
  protected async read<T>(begin: () => Transaction<T>): Promise<T> {
    if (!this.#connection) throw this.#notOpen();
    this.#guard?.requireInPlace();
    try {
      return runToEnd(this.#connection, begin());
    } catch (error) {
      throw storeFailure(error, this.#file);
    }
  }

  #keep(connection: SqliteConnection): void {
    this.#wal = new SqliteWal(connection, this.#file, this.#logger);
    this.#guard = new FileGuard(OpenFiles.record(this.#file), this.#wal, this.#file);
  }

  #notOpen(): StoreUnavailableError {
    return new StoreUnavailableError(`the inbox ${this.#file} is not open`);
  }
}

/**
 * Sets `synchronous = full`, so that a commit that has returned survives a power cut
 * (https://sqlite.org/pragma.html#pragma_synchronous), and `secure_delete`, which overwrites removed content with
 * zeros.
 */
async function configure(connection: SqliteConnection): Promise<void> {
  connection.exec(`pragma busy_timeout = ${SQL_LIMITS.sqliteTryMs}`);
  await onceUnlocked(() => connection.exec('pragma journal_mode = wal'));
  connection.exec('pragma synchronous = full');
  connection.exec('pragma secure_delete = on');
  connection.exec(`pragma journal_size_limit = ${SQL_LIMITS.walBytesMax}`);
}

function openFailure(file: string, cause: unknown): unknown {
  if (isConfigurationError(cause)) return cause;
  const option = 'sqliteInbox.path';
  if (cause instanceof NewerSchemaError) {
    return new ConfigurationError(option, `${file}: ${cause.message}. Install that version, or choose another path`, {
      cause,
    });
  }
  const found = remedyFor(cause) ?? `${String(cause)}. If the file belongs to another program, choose another path`;
  return new ConfigurationError(option, `${file} cannot be opened: ${found}`, { cause });
}

import {
  ConfigurationError,
  LIMITS,
  StoreUnavailableError,
  type Appended,
  type AttemptSummary,
  type ClaimedDelivery,
  type ClaimedMessage,
  type ClaimedTask,
  type DeliverySummary,
  type DueDelivery,
  type EventSummary,
  type InboxCounts,
  type JobState,
  type Logger,
  type MessageDetail,
  type MessageSummary,
  type NewMessage,
  type Page,
  type ProcessSummary,
  type Recorded,
  type RunSummary,
  type Store,
  type Unattended,
} from 'nestjs-runhooks/core';
import { SQLITE_DIALECT } from './dialect.js';
import { GroupCommit, runToEnd } from './group-commit.js';
import { inboxOperations } from './operations.js';
import { connectSqlite, type SqliteConnection, type SqliteDriver } from './sqlite-connection.js';
import { remedyFor, storeFailure } from './sqlite-failure.js';
import { prepareSqliteFile } from './sqlite-file.js';
import { onceUnlocked } from './sqlite-lock.js';
import { migrateSqlite, NewerSchemaError } from './sqlite-migration.js';
import type { Transaction } from './statement.js';

export interface SqliteInboxOptions {
  /** The file, made if it is not there; `:memory:` for tests. Several processes of one host may share it. */
  readonly path: string;
  /** @default `node:sqlite` where Node has it (22.13 and newer), else `better-sqlite3` */
  readonly driver?: SqliteDriver;
}

type Arguments<Verb extends keyof Store> = Store[Verb] extends (...args: infer A) => unknown ? A : never;

/** An inbox in one SQLite file: write-ahead log, `synchronous=FULL`, one connection. */
export class SqliteStore implements Store {
  readonly #options: SqliteInboxOptions;
  readonly #logger: Logger;
  readonly #connect: typeof connectSqlite;
  readonly #operations = inboxOperations(SQLITE_DIALECT);
  #file: string;
  #connection: SqliteConnection | undefined;
  #commits: GroupCommit | undefined;

  /** @param connect opens the file; tests hand in one whose connections fail */
  constructor(options: SqliteInboxOptions, logger: Logger, connect: typeof connectSqlite = connectSqlite) {
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

  register(...args: Arguments<'register'>): Promise<Date | undefined> {
    return this.#write(() => this.#operations.register(...args));
  }

  async deregister(...args: Arguments<'deregister'>): Promise<void> {
    await this.#write(() => this.#operations.deregister(...args));
  }

  async append(message: NewMessage): Promise<Appended> {
    try {
      return await this.#write(() => this.#operations.append(message, { state: 'stored' }));
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error;
      // Something in this row; what is certain to fit are its bytes.
      const reason = 'the inbox could not store the headers or the id of this message, only its body';
      const bytes = { ...message, headers: {}, messageKey: '' };
      return await this.#write(() => this.#operations.append(bytes, { state: 'quarantined', reason }));
    }
  }

  nextDueAt(...args: Arguments<'nextDueAt'>): Promise<Date | undefined> {
    return this.#read(() => this.#operations.nextDueAt(...args));
  }

  claimMessages(...args: Arguments<'claimMessages'>): Promise<ClaimedMessage[]> {
    return this.#write(() => this.#operations.claimMessages(...args));
  }

  async record(...[recordings, now]: Arguments<'record'>): Promise<Recorded[]> {
    const writes = recordings.map((recording) => this.#write(() => this.#operations.record(recording, now)));
    // Even where one fails, none is still under way when the answer is given.
    await Promise.allSettled(writes);
    return Promise.all(writes);
  }

  claimDeliveries(...args: Arguments<'claimDeliveries'>): Promise<ClaimedDelivery[]> {
    return this.#write(() => this.#operations.claimDeliveries(...args));
  }

  dueDeliveries(...args: Arguments<'dueDeliveries'>): Promise<DueDelivery[]> {
    return this.#read(() => this.#operations.dueDeliveries(...args));
  }

  renew(...args: Arguments<'renew'>): Promise<string[]> {
    return this.#write(() => this.#operations.renew(...args));
  }

  settle(...args: Arguments<'settle'>): Promise<boolean> {
    return this.#write(() => this.#operations.settle(...args));
  }

  claimTasks(...args: Arguments<'claimTasks'>): Promise<ClaimedTask[]> {
    return this.#write(() => this.#operations.claimTasks(...args));
  }

  evaluate(...args: Arguments<'evaluate'>): Promise<boolean> {
    return this.#write(() => this.#operations.evaluate(...args));
  }

  redrive(...args: Arguments<'redrive'>): Promise<number> {
    return this.#write(() => this.#operations.redrive(...args));
  }

  dismiss(...args: Arguments<'dismiss'>): Promise<number> {
    return this.#write(() => this.#operations.dismiss(...args));
  }

  replay(...args: Arguments<'replay'>): Promise<number> {
    return this.#write(() => this.#operations.replay(...args));
  }

  reread(...args: Arguments<'reread'>): Promise<number> {
    return this.#write(() => this.#operations.reread(...args));
  }

  purge(...args: Arguments<'purge'>): Promise<number> {
    return this.#write(() => this.#operations.purge(...args));
  }

  messages(...args: Arguments<'messages'>): Promise<Page<MessageSummary>> {
    return this.#read(() => this.#operations.messages(...args));
  }

  message(...args: Arguments<'message'>): Promise<MessageDetail | undefined> {
    return this.#read(() => this.#operations.message(...args));
  }

  events(...args: Arguments<'events'>): Promise<Page<EventSummary>> {
    return this.#read(() => this.#operations.events(...args));
  }

  deliveries(...args: Arguments<'deliveries'>): Promise<Page<DeliverySummary>> {
    return this.#read(() => this.#operations.deliveries(...args));
  }

  attempts(...args: Arguments<'attempts'>): Promise<AttemptSummary[]> {
    return this.#read(() => this.#operations.attempts(...args));
  }

  runs(...args: Arguments<'runs'>): Promise<Page<RunSummary>> {
    return this.#read(() => this.#operations.runs(...args));
  }

  run(...args: Arguments<'run'>): Promise<RunSummary | undefined> {
    return this.#read(() => this.#operations.run(...args));
  }

  job(...args: Arguments<'job'>): Promise<JobState | undefined> {
    return this.#read(() => this.#operations.job(...args));
  }

  counts(): Promise<InboxCounts> {
    return this.#read(() => this.#operations.counts());
  }

  processes(...args: Arguments<'processes'>): Promise<ProcessSummary[]> {
    return this.#read(() => this.#operations.processes(...args));
  }

  unattended(...args: Arguments<'unattended'>): Promise<Unattended[]> {
    return this.#read(() => this.#operations.unattended(...args));
  }

  async close(): Promise<void> {
    this.#commits?.close();
    this.#connection?.close();
    this.#commits = undefined;
    this.#connection = undefined;
  }

  #write<T>(begin: () => Transaction<T>): Promise<T> {
    return this.#commits?.run(begin) ?? Promise.reject(this.#notOpen());
  }

  /** Between two commits the connection sees what is committed, and nothing else. */
  async #read<T>(begin: () => Transaction<T>): Promise<T> {
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

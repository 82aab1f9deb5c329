import type { Logger } from 'nestjs-runhooks/core';
import { timers } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import type { SqliteConnection } from '../sqlite-connection/sqlite-connection.js';

/** https://sqlite.org/pragma.html#pragma_wal_checkpoint */
interface CheckpointRow {
  /** 1 where readers or a writer kept it from being completed. */
  readonly busy: number;
  /** Pages in the log, and those of them that are in the database by now. */
  readonly log: number;
  readonly checkpointed: number;
}

/** The write-ahead log of an open inbox: emptied where what was removed must not stay in it, and kept from growing unseen. */
export class SqliteWal {
  readonly #connection: SqliteConnection;
  readonly #file: string;
  readonly #logger: Logger;
  #emptyAgainAt = 0;
  #lookAgainAt = 0;
  #isWarned = false;

  constructor(connection: SqliteConnection, file: string, logger: Logger) {
    this.#connection = connection;
    this.#file = file;
    this.#logger = logger;
  }

  /**
   * Brings all of the log into the database and cuts it off, if no other process reads. After a try that failed the
   * next {@link SQL_LIMITS.walRetryMs} pass without one, because each may wait {@link SQL_LIMITS.sqliteTryMs}. Returns whether the log is empty.
   */
  empty(): boolean {
    if (timers.monotonicMs() < this.#emptyAgainAt) return false;
    const isEmpty = this.#checkpoint('truncate')?.busy === 0;
    this.#emptyAgainAt = isEmpty ? 0 : timers.monotonicMs() + SQL_LIMITS.walRetryMs;
    return isEmpty;
  }

  /** To be told its size after commits. Warns once of a log that cannot shrink, and again only after it was small. */
  watch(bytes: number): void {
    if (bytes <= SQL_LIMITS.walBytesMax) {
      this.#isWarned = false;
      return;
    }
    if (this.#isWarned || timers.monotonicMs() < this.#lookAgainAt) return;
    this.#lookAgainAt = timers.monotonicMs() + SQL_LIMITS.walRetryMs;
    const row = this.#checkpoint('passive');
    // One that is all in the database begins anew with the next commit.
    if (!row || row.checkpointed >= row.log) return;
    this.#isWarned = true;
    this.#logger.warn(
      `Inbox ${this.#file}: its write-ahead log has grown to ${Math.round(bytes / MIB)} MiB and cannot shrink, because ` +
        `another process keeps a read transaction open. Find it with \`fuser ${this.#file}\` (a backup, an SQL console) ` +
        'and end it, or the disk fills up',
      { code: 'RUNHOOKS_WAL_CANNOT_SHRINK' },
    );
  }

  /** Undefined where it failed: what is wrong with the disk, the next commit reports. */
  #checkpoint(mode: 'truncate' | 'passive'): CheckpointRow | undefined {
    try {
      return this.#connection.all(`pragma wal_checkpoint(${mode})`, [])[0] as CheckpointRow | undefined;
    } catch {
      return undefined;
    }
  }
}

const MIB = 1024 * 1024;

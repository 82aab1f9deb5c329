import type { Logger } from 'nestjs-runhooks/core';
import { timers } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import type { SqliteConnection } from '../sqlite-connection/sqlite-connection.js';

/** https://sqlite.org/pragma.html#pragma_wal_checkpoint */
interface CheckpointRow {
  /** 1 if readers or a writer prevented it from completing. */
  readonly busy: number;
  /** Pages in the log, and pages that have been copied to the database. */
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * Write-ahead log of an open inbox: is emptied so that removed content does not stay in it, and is watched for its
 * size.
 */
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
   * Copies the log to the database and truncates it, if no other process reads. Returns whether the log is empty. After
   * a failure it does nothing for {@link SQL_LIMITS.walRetryMs}, because each try may wait {@link SQL_LIMITS.sqliteTryMs}.
   */
  empty(): boolean {
    if (timers.monotonicMs() < this.#emptyAgainAt) return false;
    const isEmpty = this.#checkpoint('truncate')?.busy === 0;
    this.#emptyAgainAt = isEmpty ? 0 : timers.monotonicMs() + SQL_LIMITS.walRetryMs;
    return isEmpty;
  }

  /**
   * Checks the size of the log after a commit. Warns once about a log that cannot shrink, and again only after it was
   * small.
   */
  watch(bytes: number): void {
    if (bytes <= SQL_LIMITS.walBytesMax) {
      this.#isWarned = false;
      return;
    }
    if (this.#isWarned || timers.monotonicMs() < this.#lookAgainAt) return;
    this.#lookAgainAt = timers.monotonicMs() + SQL_LIMITS.walRetryMs;
    const row = this.#checkpoint('passive');
    // If all of the log is in the database, the next commit starts it again.
    if (!row || row.checkpointed >= row.log) return;
    this.#isWarned = true;
    this.#logger.warn(
      `Inbox ${this.#file}: its write-ahead log has grown to ${Math.round(bytes / MIB)} MiB and cannot shrink, because ` +
        `another process keeps a read transaction open. Find it with \`fuser ${this.#file}\` (a backup, an SQL console) ` +
        'and end it, or the disk fills up',
      { code: 'RUNHOOKS_WAL_CANNOT_SHRINK' },
    );
  }

  /** Returns `undefined` if it fails: the next commit reports a problem of the disk. */
  #checkpoint(mode: 'truncate' | 'passive'): CheckpointRow | undefined {
    try {
      return this.#connection.all(`pragma wal_checkpoint(${mode})`, [])[0] as CheckpointRow | undefined;
    } catch {
      return undefined;
    }
  }
}

const MIB = 1024 * 1024;

import { isStoreUnavailableError, StoreUnavailableError } from 'nestjs-runhooks/core';
import { timers } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import { rollBack, type SqliteConnection } from '../sqlite-connection/sqlite-connection.js';
import type { FileGuard } from '../sqlite-file/sqlite-file-guard.js';
import { isLocked, storeFailure } from '../sqlite-connection/sqlite-failure.js';
import type { Transaction } from '../schema/statement.js';

interface Waiting {
  readonly begin: () => Transaction<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs transactions on the only writing connection. All waiting transactions share one commit, and so one fsync; none
 * resolves before it. A commit is one synchronous step: with an `await` inside, other work of this process would wait
 * for the write lock it holds and block the event loop for the whole busy timeout. While another process holds the
 * lock, the commit is retried every {@link SQL_LIMITS.sqliteTryMs}, and the event loop is free in between.
 */
export class GroupCommit {
  readonly #connection: SqliteConnection;
  readonly #file: string;
  readonly #guard: FileGuard | undefined;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #triesLeft = TRIES;
  #batchMax: number = SQL_LIMITS.commitBatchMax;
  #lastFailed = false;
  #closed = false;

  /** @param guard checks the file; an inbox in memory has none */
  constructor(connection: SqliteConnection, file: string, guard?: FileGuard) {
    this.#connection = connection;
    this.#file = file;
    this.#guard = guard;
  }

  /**
   * Runs a transaction. Rejects with {@link StoreUnavailableError} if the engine failed: its effect is then unknown.
   */
  run<T>(begin: () => Transaction<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreUnavailableError(`the inbox ${this.#file} is closed`));
    if (this.#waiting.length >= SQL_LIMITS.writeQueueMax) {
      return Promise.reject(
        new StoreUnavailableError(
          `${SQL_LIMITS.writeQueueMax} operations are already waiting for the inbox ${this.#file}`,
        ),
      );
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ begin, resolve: resolve as (value: unknown) => void, reject });
      if (!this.#scheduled) this.#schedule(0);
    });
  }

  /** Commits waiting transactions if the lock is free, and rejects all further ones. */
  close(): void {
    this.#closed = true;
    this.#triesLeft = 0;
    while (this.#waiting.length > 0) this.#commitWaiting();
  }

  #schedule(delayMs: number): void {
    this.#scheduled = true;
    if (delayMs === 0) timers.setImmediate(() => this.#commitWaiting());
    else timers.setTimeout(() => this.#commitWaiting(), delayMs);
  }

  #commitWaiting(): void {
    this.#scheduled = false;
    const batch = this.#waiting.splice(0, this.#batchMax);
    if (batch.length === 0) return;
    try {
      const results = this.#commit(batch);
      this.#triesLeft = this.#closed ? 0 : TRIES;
      this.#batchMax = Math.min(2 * this.#batchMax, SQL_LIMITS.commitBatchMax);
      batch.forEach(({ resolve }, index) => resolve(results[index]));
    } catch (error) {
      this.#failed(batch, error);
    }
    if (this.#waiting.length > 0 && !this.#scheduled) this.#schedule(0);
  }

  #failed(batch: readonly Waiting[], error: unknown): void {
    if (isLocked(error) && this.#triesLeft > 0) {
      this.#triesLeft -= 1;
      this.#waiting.unshift(...batch);
      this.#schedule(SQL_LIMITS.sqliteTryMs);
      return;
    }
    this.#triesLeft = this.#closed ? 0 : TRIES;
    const failure = storeFailure(error, this.#file);
    if (batch.length > 1 && !isStoreUnavailableError(failure)) {
      // One operation must not fail the others: smaller and smaller batches isolate it, so that it fails alone.
      this.#batchMax = Math.ceil(batch.length / 2);
      this.#waiting.unshift(...batch);
    } else {
      // A lock that was held for all that time also blocks the other waiting operations.
      const others = isLocked(error) ? this.#waiting.splice(0) : [];
      for (const { reject } of [...batch, ...others]) reject(failure);
    }
  }

  #commit(batch: readonly Waiting[]): unknown[] {
    // While the disk fails, a rollback may fail, too. A transaction that is still open would block all others.
    if (this.#lastFailed) rollBack(this.#connection);
    this.#lastFailed = true;
    this.#guard?.requireInPlace();
    this.#connection.exec('begin immediate');
    try {
      const results = batch.map(({ begin }) => runToEnd(this.#connection, begin()));
      this.#connection.exec('commit');
      this.#lastFailed = false;
      this.#guard?.requireCommitted();
      return results;
    } catch (error) {
      rollBack(this.#connection);
      throw error;
    }
  }
}

/** A try and the pause after it take {@link SQL_LIMITS.sqliteTryMs} each. */
const TRIES = Math.ceil(SQL_LIMITS.sqliteBusyMs / (2 * SQL_LIMITS.sqliteTryMs));

/** Runs the statements of a transaction synchronously until it returns. */
export function runToEnd<T>(connection: SqliteConnection, transaction: Transaction<T>): T {
  let step = transaction.next();
  while (!step.done) {
    const { sql, parameters, isCounted } = step.value;
    step = transaction.next(isCounted ? connection.change(sql, parameters) : connection.all(sql, parameters));
  }
  return step.value;
}

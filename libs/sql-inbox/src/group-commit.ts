import { LIMITS, StoreUnavailableError } from 'nestjs-runhooks/core';
import type { SqliteConnection } from './sqlite-connection.js';
import { storeFailure } from './sqlite-failure.js';
import type { Transaction } from './statement.js';

interface Waiting {
  readonly begin: () => Transaction<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs transactions on the one writing connection. All that are waiting share one commit, and so one fsync; none is
 * answered before that. A commit is one synchronous step: with an `await` inside, other work of this process would
 * run into the write lock it holds and freeze the event loop for the whole busy timeout.
 */
export class GroupCommit {
  readonly #connection: SqliteConnection;
  readonly #file: string;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #closed = false;

  constructor(connection: SqliteConnection, file: string) {
    this.#connection = connection;
    this.#file = file;
  }

  /** Rejects with {@link StoreUnavailableError} if the engine failed: then the effect is unknown. */
  run<T>(begin: () => Transaction<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreUnavailableError(`the inbox ${this.#file} is closed`));
    if (this.#waiting.length >= LIMITS.writeQueueMax) {
      return Promise.reject(
        new StoreUnavailableError(`${LIMITS.writeQueueMax} operations wait for the inbox ${this.#file} already`),
      );
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ begin, resolve: resolve as (value: unknown) => void, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#commitWaiting());
    });
  }

  /** Commits what waits, then refuses everything. */
  close(): void {
    while (this.#waiting.length > 0) this.#commitWaiting();
    this.#closed = true;
  }

  #commitWaiting(): void {
    const batch = this.#waiting.splice(0, LIMITS.commitBatchMax);
    this.#scheduled = this.#waiting.length > 0;
    if (this.#scheduled) setImmediate(() => this.#commitWaiting());
    try {
      const results = this.#commit(batch);
      batch.forEach(({ resolve }, index) => resolve(results[index]));
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(storeFailure(error, this.#file));
      else this.#commitEachAlone(batch);
    }
  }

  /** One operation must not fail its neighbours: without the shared commit each stands for itself. */
  #commitEachAlone(batch: readonly Waiting[]): void {
    for (const one of batch) {
      try {
        one.resolve(this.#commit([one])[0]);
      } catch (error) {
        one.reject(storeFailure(error, this.#file));
      }
    }
  }

  #commit(batch: readonly Waiting[]): unknown[] {
    this.#connection.exec('begin immediate');
    try {
      const results = batch.map(({ begin }) => runToEnd(this.#connection, begin()));
      this.#connection.exec('commit');
      return results;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** SQLite has rolled back by itself after some errors (disk full, I/O), and then says that there is nothing to roll back. */
  #rollBack(): void {
    try {
      this.#connection.exec('rollback');
    } catch {
      // The transaction is over either way; the error that led here is the one to report.
    }
  }
}

/** Gives each statement its rows, synchronously, until the transaction returns. */
export function runToEnd<T>(connection: SqliteConnection, transaction: Transaction<T>): T {
  let step = transaction.next();
  while (!step.done) {
    const { sql, parameters } = step.value;
    step = transaction.next(connection.all(sql, parameters));
  }
  return step.value;
}

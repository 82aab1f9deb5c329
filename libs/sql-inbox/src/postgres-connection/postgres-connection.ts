import { within } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import { cut, type PostgresClient, type PostgresQuery } from './postgres-client.js';
import { DriverError, sqlState } from './postgres-failure.js';
import { toParameter, VALUE_TYPES } from './postgres-values.js';
import type { Transaction } from '../schema/statement.js';

/** A connection while it is lent. One that does not answer in time is broken, as is one that reported an error. */
export class PostgresConnection {
  readonly #client: PostgresClient;
  readonly #onReleased: (isSuspect: boolean) => void;
  #isBroken = false;
  #isAbandoned = false;
  #isReleased = false;
  /** Without a listener an error would end the process. */
  readonly #noteBroken = (): void => {
    this.#isBroken = true;
  };

  /** `onReleased` is told whether it broke by itself: then others may be broken, too. */
  constructor(client: PostgresClient, onReleased: (isSuspect: boolean) => void) {
    this.#client = client;
    this.#onReleased = onReleased;
    client.on('error', this.#noteBroken);
  }

  get client(): PostgresClient {
    return this.#client;
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Runs statements without values, several at once if need be. */
  async exec(text: string, waitMs?: number): Promise<void> {
    await this.ask({ text }, waitMs);
  }

  /** Runs one statement as the operations of an inbox are written, and answers its rows. */
  async all(sql: string, parameters: readonly unknown[]): Promise<unknown[]> {
    return (await this.#run(sql, parameters)).rows;
  }

  /** Gives each statement its answer until the transaction returns. */
  async runToEnd<T>(transaction: Transaction<T>): Promise<T> {
    let step = transaction.next();
    while (!step.done) {
      const { sql, parameters, isCounted } = step.value;
      const { rows, rowCount } = await this.#run(sql, parameters);
      step = transaction.next(isCounted ? (rowCount ?? 0) : rows);
    }
    return step.value;
  }

  /** Rejects with a {@link DriverError}. `waitMs`: how long the answer may take, 0 for any time. */
  async ask(query: PostgresQuery, waitMs: number = SQL_LIMITS.postgresResponseMs) {
    const timedOut = (): never => {
      this.break();
      throw new Error(`no response within ${waitMs} ms`);
    };
    try {
      const result = this.#client.query(query);
      return await (waitMs === 0 ? result : within(result, waitMs, timedOut));
    } catch (error) {
      // The driver, not the server: what this connection was about to do is unknown.
      if (sqlState(error) === undefined) this.#isBroken = true;
      throw new DriverError(error);
    }
  }

  /** Cuts it: whatever waits for an answer fails at once, and the server rolls back. */
  break(): void {
    this.#isBroken = true;
    cut(this.#client);
  }

  /** The same where nothing is wrong with it: what it does is no longer wanted. */
  abandon(): void {
    if (!this.#isBroken) this.#isAbandoned = true;
    this.break();
  }

  /** Gives it back, or closes it if it is broken. Calling it again changes nothing. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#onReleased(this.#isBroken && !this.#isAbandoned);
    this.#client.release(this.#isBroken);
    // The pool listens from here on.
    this.#client.removeListener('error', this.#noteBroken);
  }

  #run(sql: string, parameters: readonly unknown[]) {
    return this.ask({ text: sql, values: parameters.map(toParameter), types: VALUE_TYPES });
  }
}

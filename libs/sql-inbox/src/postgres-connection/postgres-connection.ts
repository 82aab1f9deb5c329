import { within } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import { cut, type PostgresClient, type PostgresQuery } from './postgres-client.js';
import { DriverError, sqlState } from './postgres-failure.js';
import { toParameter, VALUE_TYPES } from './postgres-values.js';
import type { Transaction } from '../schema/statement.js';

/** Connection on loan from a pool. It is broken after an error, or if the server does not respond in time. */
export class PostgresConnection {
  readonly #client: PostgresClient;
  readonly #onReleased: (isSuspect: boolean) => void;
  #isBroken = false;
  #isAbandoned = false;
  #isReleased = false;
  readonly #noteBroken = (): void => {
    this.#isBroken = true;
  };

  /** @param onReleased is called with whether the connection broke by itself: others may then be broken, too */
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

  /** Runs one or more statements without values. */
  async exec(text: string, waitMs?: number): Promise<void> {
    await this.ask({ text }, waitMs);
  }

  /** Runs one statement of an operation, and returns its rows. */
  async all(sql: string, parameters: readonly unknown[]): Promise<unknown[]> {
    return (await this.#run(sql, parameters)).rows;
  }

  /** Runs the statements of a transaction until it returns. */
  async runToEnd<T>(transaction: Transaction<T>): Promise<T> {
    let step = transaction.next();
    while (!step.done) {
      const { sql, parameters, isCounted } = step.value;
      const { rows, rowCount } = await this.#run(sql, parameters);
      step = transaction.next(isCounted ? (rowCount ?? 0) : rows);
    }
    return step.value;
  }

  /** Runs a query for up to `waitMs`, or without a limit if that is 0. Rejects with a {@link DriverError}. */
  async ask(query: PostgresQuery, waitMs: number = SQL_LIMITS.postgresResponseMs) {
    const timedOut = (): never => {
      this.break();
      throw new Error(`no response within ${waitMs} ms`);
    };
    try {
      const result = this.#client.query(query);
      return await (waitMs === 0 ? result : within(result, waitMs, timedOut));
    } catch (error) {
      // The error is from the driver, so the state of the connection is unknown.
      if (sqlState(error) === undefined) this.#isBroken = true;
      throw new DriverError(error);
    }
  }

  /** Closes the socket: running queries fail at once, and the server rolls back. */
  break(): void {
    this.#isBroken = true;
    cut(this.#client);
  }

  /** Closes the socket of a working connection whose queries are no longer wanted. */
  abandon(): void {
    if (!this.#isBroken) this.#isAbandoned = true;
    this.break();
  }

  /** Returns the connection to the pool, or closes it if it is broken. Further calls do nothing. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#onReleased(this.#isBroken && !this.#isAbandoned);
    this.#client.release(this.#isBroken);
    this.#client.removeListener('error', this.#noteBroken);
  }

  #run(sql: string, parameters: readonly unknown[]) {
    return this.ask({ text: sql, values: parameters.map(toParameter), types: VALUE_TYPES });
  }
}

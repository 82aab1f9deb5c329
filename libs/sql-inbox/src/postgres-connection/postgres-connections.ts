import { isStoreUnavailableError, StoreUnavailableError } from 'nestjs-runhooks/core';
import { within } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import { cut, type PostgresClient, type PostgresPool } from './postgres-client.js';
import { PostgresConnection } from './postgres-connection.js';
import { DriverError } from './postgres-failure.js';

/**
 * Lends connections of a pool. Once one of them broke, all that were opened before are closed instead of lent: after a
 * restart or a partition they are as dead, and each would be waited for in turn.
 */
export class PostgresConnections {
  readonly #pool: PostgresPool;
  readonly #lent = new Set<PostgresClient>();
  /** Who waits for a connection, to be told if there will be none. */
  readonly #waiting = new Set<(reason: Error) => void>();
  #closed = false;
  /** Opened since a connection last broke; undefined as long as none did. */
  #fresh: WeakSet<object> | undefined;
  readonly #noteOpened = (client: object): void => void this.#fresh?.add(client);
  /** An idle connection that breaks is said here, and would end the process if nobody listened. */
  readonly #noteBroken = (): void => this.#distrust();

  constructor(pool: PostgresPool) {
    this.#pool = pool;
    pool.on('connect', this.#noteOpened);
    pool.on('error', this.#noteBroken);
  }

  /** Rejects with a {@link DriverError}, or with {@link StoreUnavailableError} once it is closed. */
  async take(): Promise<PostgresConnection> {
    for (;;) {
      if (this.#closed) throw new StoreUnavailableError('the inbox is closed');
      const client = await this.#connect();
      if (!this.#closed && (this.#fresh?.has(client) ?? true)) return this.#lend(client);
      cut(client);
      client.release(true);
    }
  }

  /** Gives a connection for as long as `use` takes. */
  async with<T>(use: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const connection = await this.take();
    try {
      return await use(connection);
    } finally {
      connection.release();
    }
  }

  /** Lends no more, and cuts what is still lent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const client of this.#lent) cut(client);
    for (const refuse of this.#waiting) refuse(new StoreUnavailableError('the inbox is closed'));
    this.#pool.removeListener('connect', this.#noteOpened);
    // The listener for errors stays: what was cut may yet report one.
  }

  #lend(client: PostgresClient): PostgresConnection {
    this.#lent.add(client);
    return new PostgresConnection(client, (isSuspect) => {
      this.#lent.delete(client);
      if (isSuspect) this.#distrust();
    });
  }

  #distrust(): void {
    this.#fresh = new WeakSet();
  }

  /** A pool of the app may have no limit of its own, and a server that is gone may never refuse. */
  async #connect(): Promise<PostgresClient> {
    // A pool throws, and does not reject, for options that no connection can be made from.
    const connecting = Promise.resolve().then(() => this.#pool.connect());
    const { promise: refused, refuse } = refusal();
    this.#waiting.add(refuse);
    try {
      return await within(Promise.race([connecting, refused]), SQL_LIMITS.postgresConnectMs, () => {
        throw new Error(`no connection within ${SQL_LIMITS.postgresConnectMs} ms`);
      });
    } catch (error) {
      // One that comes after all goes back.
      connecting.then(
        (client) => client.release(),
        () => undefined,
      );
      throw isStoreUnavailableError(error) ? error : new DriverError(error);
    } finally {
      this.#waiting.delete(refuse);
    }
  }
}

function refusal() {
  let refuse: (reason: Error) => void = () => undefined;
  const promise = new Promise<never>((_, reject) => {
    refuse = reject;
  });
  return { promise, refuse };
}

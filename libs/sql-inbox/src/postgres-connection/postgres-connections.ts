import { isStoreUnavailableError, StoreUnavailableError } from 'nestjs-runhooks/core';
import { within } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import { cut, type PostgresClient, type PostgresPool } from './postgres-client.js';
import { PostgresConnection } from './postgres-connection.js';
import { DriverError } from './postgres-failure.js';

/**
 * Lends connections of a pool. After one broke, all connections that were opened before are closed instead of lent:
 * after a restart or a partition they are broken, too, and each would have to time out.
 */
export class PostgresConnections {
  readonly #pool: PostgresPool;
  readonly #lent = new Set<PostgresClient>();
  /** Callbacks that reject the waits for a connection. */
  readonly #waiting = new Set<(reason: Error) => void>();
  #closed = false;
  /** Connections opened since one last broke; undefined as long as none did. */
  #fresh: WeakSet<object> | undefined;
  readonly #noteOpened = (client: object): void => void this.#fresh?.add(client);
  /** Clients that have a listener for errors. */
  readonly #heard = new WeakSet<PostgresClient>();
  /**
   * Adds a listener for errors that stays. Without a listener, an error would end the process. Between the listeners of the
   * pool and of a {@link PostgresConnection} is a moment without one, in which the server can end the connection.
   */
  readonly #hearErrors = (client: PostgresClient): void => {
    if (this.#heard.has(client)) return;
    this.#heard.add(client);
    client.on('error', () => undefined);
  };
  /** Without a listener, an idle connection that breaks would end the process. */
  readonly #noteBroken = (): void => this.#distrust();

  constructor(pool: PostgresPool) {
    this.#pool = pool;
    pool.on('connect', this.#noteOpened);
    pool.on('acquire', this.#hearErrors);
    pool.on('error', this.#noteBroken);
  }

  /**
   * Takes a connection. Rejects with a {@link DriverError}, or with {@link StoreUnavailableError} once this is closed.
   */
  async take(): Promise<PostgresConnection> {
    for (;;) {
      if (this.#closed) throw new StoreUnavailableError('the inbox is closed');
      const client = await this.#connect();
      if (!this.#closed && (this.#fresh?.has(client) ?? true)) return this.#lend(client);
      cut(client);
      client.release(true);
    }
  }

  /** Lends a connection to `use` until it ends. */
  async with<T>(use: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const connection = await this.take();
    try {
      return await use(connection);
    } finally {
      connection.release();
    }
  }

  /** Stops lending, and closes connections on loan. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const client of this.#lent) cut(client);
    for (const refuse of this.#waiting) refuse(new StoreUnavailableError('the inbox is closed'));
    this.#pool.removeListener('connect', this.#noteOpened);
    // The listeners for errors stay, because closed connections may still report one.
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

  /** Connects within a time limit: a pool of the app may have none, and an unreachable server may never reject. */
  async #connect(): Promise<PostgresClient> {
    // A pool throws instead of rejecting if its options allow no connection.
    const connecting = Promise.resolve().then(() => this.#pool.connect());
    const { promise: refused, refuse } = refusal();
    this.#waiting.add(refuse);
    try {
      return await within(Promise.race([connecting, refused]), SQL_LIMITS.postgresConnectMs, () => {
        throw new Error(`no connection within ${SQL_LIMITS.postgresConnectMs} ms`);
      });
    } catch (error) {
      // Returns a connection that arrives too late.
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

import { randomUUID } from 'node:crypto';
import type { Logger } from 'nestjs-runhooks/core';
import { timers, within } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import type { PostgresNotification } from './postgres-client.js';
import type { PostgresConnection } from './postgres-connection.js';
import type { PostgresConnections } from './postgres-connections.js';

/** Options for a {@link PostgresListener}. */
export interface PostgresListenerOptions {
  readonly connections: PostgresConnections;
  readonly schema: string;
  readonly logger: Logger;
  /** Called when another process notified of work, or when a notification may have been lost. */
  readonly onWork: () => void;
}

/**
 * Notifies other processes of work, and receives their notifications, by NOTIFY and LISTEN. Notifications are hints:
 * work whose notification is lost is found by polling once a second.
 */
export class PostgresListener {
  readonly #options: PostgresListenerOptions;
  /** Payload of this process's notifications, which do not wake it. */
  readonly #self = randomUUID();
  readonly #channel: string;
  #connection: PostgresConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pause: NodeJS.Timeout | undefined;
  #isRingPending = false;
  #isClosed = false;
  #onPayload: ((payload: string) => void) | undefined;

  constructor(options: PostgresListenerOptions) {
    this.#options = options;
    this.#channel = `${options.schema}_work`;
  }

  /** Listens. Returns `false` if a pooler prevents notifications from arriving. */
  async open(): Promise<boolean> {
    await this.#listen();
    return await this.#receivesItself();
  }

  /** Notifies other processes of work, at most every {@link SQL_LIMITS.notifyEveryMs}. Never fails. */
  ring(): void {
    this.#isRingPending = this.#pause !== undefined;
    if (this.#isRingPending || this.#isClosed) return;
    this.#pause = timers
      .setTimeout(() => {
        this.#pause = undefined;
        if (this.#isRingPending) this.ring();
      }, SQL_LIMITS.notifyEveryMs)
      .unref();
    this.#notify(this.#self).catch(() => undefined);
  }

  close(): void {
    this.#isClosed = true;
    timers.clearTimeout(this.#timer);
    timers.clearTimeout(this.#pause);
    this.#connection?.abandon();
    this.#connection?.release();
    this.#connection = undefined;
  }

  async #listen(): Promise<void> {
    const connection = await this.#options.connections.take();
    connection.client.on('notification', this.#onNotification);
    connection.client.on('error', () => this.#checkLater(0));
    this.#connection = connection;
    await connection.exec(`listen "${this.#channel}"`);
    this.#checkLater(SQL_LIMITS.listenCheckMs);
  }

  readonly #onNotification = ({ channel, payload = '' }: PostgresNotification): void => {
    if (channel !== this.#channel) return;
    this.#onPayload?.(payload);
    if (payload !== this.#self) this.#options.onWork();
  };

  #checkLater(afterMs: number): void {
    timers.clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = timers.setTimeout(() => void this.#check(), afterMs).unref();
  }

  /** A connection that only listens would never detect that its server is gone. */
  async #check(): Promise<void> {
    try {
      if (this.#connection) {
        await this.#connection.exec('select 1');
        this.#checkLater(SQL_LIMITS.listenCheckMs);
      } else {
        await this.#listen();
        this.#options.logger.debug('Postgres notifications arrive again');
        this.#options.onWork();
      }
    } catch {
      if (this.#connection) this.#options.logger.debug('Postgres notifications are interrupted; polling once a second');
      this.#connection?.break();
      this.#connection?.release();
      this.#connection = undefined;
      this.#checkLater(SQL_LIMITS.listenRetryMs);
    }
  }

  async #receivesItself(): Promise<boolean> {
    const token = randomUUID();
    const received = new Promise<boolean>((resolve) => {
      this.#onPayload = (payload) => payload === token && resolve(true);
    });
    try {
      await this.#notify(token);
      return await within(received, SQL_LIMITS.postgresConnectMs, () => false);
    } finally {
      this.#onPayload = undefined;
    }
  }

  /** Notifies from another connection: through a pooler, the listening one could receive only its own notifications. */
  async #notify(payload: string): Promise<void> {
    const values = [this.#channel, payload];
    await this.#options.connections.with((connection) => connection.ask({ text: 'select pg_notify($1, $2)', values }));
  }
}

import { randomUUID } from 'node:crypto';
import type { Logger } from 'nestjs-runhooks/core';
import { timers, within } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import type { PostgresNotification } from './postgres-client.js';
import type { PostgresConnection } from './postgres-connection.js';
import type { PostgresConnections } from './postgres-connections.js';

export interface PostgresListenerOptions {
  readonly connections: PostgresConnections;
  readonly schema: string;
  readonly logger: Logger;
  /** Called when another process said that there is work, and when it may have said so unheard. */
  readonly onWork: () => void;
}

/**
 * Tells other processes of work, and hears of theirs, by NOTIFY and LISTEN on a connection that is kept. All of it are
 * hints: whatever is lost is found by looking once a second.
 */
export class PostgresListener {
  readonly #options: PostgresListenerOptions;
  /** What we say ourselves needs no waking. */
  readonly #self = randomUUID();
  readonly #channel: string;
  #connection: PostgresConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #quiet: NodeJS.Timeout | undefined;
  #isRungAgain = false;
  #isClosed = false;
  #heard: ((payload: string) => void) | undefined;

  constructor(options: PostgresListenerOptions) {
    this.#options = options;
    this.#channel = `${options.schema}_work`;
  }

  /** Listens, and finds out whether it hears: answers false where a pooler keeps notifications from their listeners. */
  async open(): Promise<boolean> {
    await this.#listen();
    return await this.#hearsItself();
  }

  /** Says that there is work, not more often than every {@link SQL_LIMITS.notifyEveryMs}. Never fails. */
  ring(): void {
    this.#isRungAgain = this.#quiet !== undefined;
    if (this.#isRungAgain || this.#isClosed) return;
    this.#quiet = timers
      .setTimeout(() => {
        this.#quiet = undefined;
        if (this.#isRungAgain) this.ring();
      }, SQL_LIMITS.notifyEveryMs)
      .unref();
    this.#notify(this.#self).catch(() => undefined);
  }

  close(): void {
    this.#isClosed = true;
    timers.clearTimeout(this.#timer);
    timers.clearTimeout(this.#quiet);
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
    this.#heard?.(payload);
    if (payload !== this.#self) this.#options.onWork();
  };

  #checkLater(afterMs: number): void {
    timers.clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = timers.setTimeout(() => void this.#check(), afterMs).unref();
  }

  /** A connection that only listens would never notice that its other end is gone. */
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

  async #hearsItself(): Promise<boolean> {
    const question = randomUUID();
    const heard = new Promise<boolean>((resolve) => {
      this.#heard = (payload) => payload === question && resolve(true);
    });
    try {
      await this.#notify(question);
      return await within(heard, SQL_LIMITS.postgresConnectMs, () => false);
    } finally {
      this.#heard = undefined;
    }
  }

  /** From another connection: through a pooler, the one that listens would hear itself where it hears nobody else. */
  async #notify(payload: string): Promise<void> {
    const values = [this.#channel, payload];
    await this.#options.connections.with((connection) => connection.ask({ text: 'select pg_notify($1, $2)', values }));
  }
}

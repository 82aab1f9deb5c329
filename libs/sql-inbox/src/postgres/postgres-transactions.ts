import { StoreUnavailableError } from 'nestjs-runhooks/core';
import { timers } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import type { PostgresConnection } from '../postgres-connection/postgres-connection.js';
import type { PostgresConnections } from '../postgres-connection/postgres-connections.js';
import { isConflict, isStandby, postgresFailure } from '../postgres-connection/postgres-failure.js';
import type { Transaction } from '../schema/statement.js';

/** Time limits, so that neither a held lock nor a paused process blocks others for long. */
export const BOUNDS =
  `set local statement_timeout = ${SQL_LIMITS.postgresStatementMs}; ` +
  `set local idle_in_transaction_session_timeout = ${SQL_LIMITS.postgresResponseMs}`;

/** Sets everything for which a database, a role or a pooler may have other defaults. */
const BEGIN = {
  write: `begin isolation level read committed read write; set local synchronous_commit = on; ${BOUNDS}`,
  read: `begin isolation level repeatable read read only; ${BOUNDS}`,
} as const;

/** Begins a transaction with statements of a handler, which have no time limit. */
export const BEGIN_OPEN_ENDED = 'begin isolation level read committed read write; set local synchronous_commit = on';

/** Runs transactions, each on its own connection, and retries one that conflicted with another. */
export class PostgresTransactions {
  readonly #connections: PostgresConnections;
  readonly #inbox: string;
  readonly #running = new Set<Promise<unknown>>();

  constructor(connections: PostgresConnections, inbox: string) {
    this.#connections = connections;
    this.#inbox = inbox;
  }

  /**
   * Runs a transaction. Rejects with {@link StoreUnavailableError} if the server or the connection failed: its effect
   * is then unknown.
   */
  run<T>(mode: keyof typeof BEGIN, begin: () => Transaction<T>): Promise<T> {
    return this.watch(() => this.#retried(mode, begin));
  }

  /** Runs a step, limits the number of running steps, and separates failures of the server from those of a row. */
  async watch<T>(step: () => Promise<T>): Promise<T> {
    if (this.#running.size >= SQL_LIMITS.writeQueueMax) {
      throw new StoreUnavailableError(
        `${SQL_LIMITS.writeQueueMax} operations are already waiting for the inbox ${this.#inbox}`,
      );
    }
    const running = step();
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw postgresFailure(error, this.#inbox);
    } finally {
      this.#running.delete(running);
    }
  }

  /** Resolves when no step is running. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #retried<T>(mode: keyof typeof BEGIN, begin: () => Transaction<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#connections.with((connection) =>
          transact(connection, BEGIN[mode], () => connection.runToEnd(begin())),
        );
      } catch (error) {
        if (!isConflict(error) || tries >= SQL_LIMITS.postgresTriesMax) throw error;
      }
      await timers.pause(Math.random() * tries * SQL_LIMITS.postgresTryMs);
    }
  }
}

/** Runs a step in a transaction. Commits it, or rolls it back if anything fails. */
export async function transact<T>(connection: PostgresConnection, begin: string, step: () => Promise<T>): Promise<T> {
  try {
    await connection.exec(begin).catch((error: unknown) => {
      // After a failover the address may lead to the new primary, but only for a new connection.
      if (isStandby(error)) connection.break();
      throw error;
    });
    const result = await step();
    await connection.exec('commit');
    return result;
  } catch (error) {
    if (!connection.isBroken) await connection.exec('rollback').catch(() => connection.break());
    throw error;
  }
}

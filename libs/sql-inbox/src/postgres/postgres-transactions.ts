import { StoreUnavailableError } from 'nestjs-runhooks/core';
import { timers } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import type { PostgresConnection } from '../postgres-connection/postgres-connection.js';
import type { PostgresConnections } from '../postgres-connection/postgres-connections.js';
import { isConflict, isStandby, postgresFailure } from '../postgres-connection/postgres-failure.js';
import type { Transaction } from '../schema/statement.js';

/** So that neither a lock that is not to be had nor a process that is paused holds up others for long. */
export const BOUNDS =
  `set local statement_timeout = ${SQL_LIMITS.postgresStatementMs}; ` +
  `set local idle_in_transaction_session_timeout = ${SQL_LIMITS.postgresResponseMs}`;

/** All that a database, a role or a pooler may have other defaults for. */
const BEGIN = {
  write: `begin isolation level read committed read write; set local synchronous_commit = on; ${BOUNDS}`,
  read: `begin isolation level repeatable read read only; ${BOUNDS}`,
} as const;

/** Begins a transaction that somebody else has statements in: they may take as long as they like. */
export const BEGIN_OPEN_ENDED = 'begin isolation level read committed read write; set local synchronous_commit = on';

/** Runs transactions, each on a connection of its own, and again if it was in conflict with another. */
export class PostgresTransactions {
  readonly #connections: PostgresConnections;
  readonly #inbox: string;
  readonly #running = new Set<Promise<unknown>>();

  constructor(connections: PostgresConnections, inbox: string) {
    this.#connections = connections;
    this.#inbox = inbox;
  }

  /** Rejects with {@link StoreUnavailableError} if the server or the connection failed: then the effect is unknown. */
  run<T>(mode: keyof typeof BEGIN, begin: () => Transaction<T>): Promise<T> {
    return this.watch(() => this.#tried(mode, begin));
  }

  /** Counts and bounds what is under way, and tells failures of the server from those of a row. */
  async watch<T>(step: () => Promise<T>): Promise<T> {
    if (this.#running.size >= SQL_LIMITS.writeQueueMax) {
      throw new StoreUnavailableError(
        `${SQL_LIMITS.writeQueueMax} operations wait for the inbox ${this.#inbox} already`,
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

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #tried<T>(mode: keyof typeof BEGIN, begin: () => Transaction<T>): Promise<T> {
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

/** Begins, does it, and commits; rolls back if it failed, for whatever reason. */
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

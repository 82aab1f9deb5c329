import type { InboxTransaction } from 'nestjs-runhooks/core';
import type { PostgresQuery } from '../postgres-connection/postgres-client.js';
import type { PostgresConnection } from '../postgres-connection/postgres-connection.js';
import type { PostgresConnections } from '../postgres-connection/postgres-connections.js';
import { DriverError } from '../postgres-connection/postgres-failure.js';
import { NOTICE_LOST_CLIENT, type ServerFacts } from '../postgres-connection/postgres-server.js';
import { BEGIN_OPEN_ENDED, BOUNDS, transact } from './postgres-transactions.js';
import type { Transaction } from '../schema/statement.js';

/** The claim was lost: nothing of the transaction may stay. */
class ClaimLostError extends Error {}

/**
 * Runs transactions that a handler writes in. They may take as long as the handler, so no more than half of the
 * connections are theirs: the others go on storing messages.
 */
export class PostgresCompletions {
  readonly #connections: PostgresConnections;
  readonly #begin: string;
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(connections: PostgresConnections, connectionsMax: number, { noticesLostClients }: ServerFacts) {
    this.#connections = connections;
    this.#begin = noticesLostClients ? `${BEGIN_OPEN_ENDED}; ${NOTICE_LOST_CLIENT}` : BEGIN_OPEN_ENDED;
    this.#free = Math.max(1, Math.floor(connectionsMax / 2));
  }

  /** `settle` comes last, and is what fences: if the claim is another's by then, all is rolled back and the answer is false. */
  async run(
    work: (tx: InboxTransaction) => Promise<unknown>,
    settle: () => Transaction<boolean>,
    signal: AbortSignal,
  ): Promise<boolean> {
    await this.#place();
    try {
      signal.throwIfAborted();
      return await this.#connections.with((connection) => completeOn(connection, this.#begin, work, settle, signal));
    } catch (error) {
      if (error instanceof ClaimLostError) return false;
      throw error;
    } finally {
      this.#free += 1;
      this.#waiting.shift()?.();
    }
  }

  async #place(): Promise<void> {
    while (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#free -= 1;
  }
}

async function completeOn(
  connection: PostgresConnection,
  begin: string,
  work: (tx: InboxTransaction) => Promise<unknown>,
  settle: () => Transaction<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  const cutOff = (): void => connection.abandon();
  signal.addEventListener('abort', cutOff);
  try {
    return await transact(connection, begin, async () => {
      const tx = new HandlerTransaction(connection);
      try {
        await work(tx);
      } finally {
        tx.end();
      }
      await connection.exec(BOUNDS);
      if (!(await connection.runToEnd(settle()))) throw new ClaimLostError();
      return true;
    });
  } catch (error) {
    // Why it was cut off says more than that it was.
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', cutOff);
  }
}

/** What would end the transaction that is ours to end. `rollback to` a savepoint does not. */
const ENDS =
  /^(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:work\s+|transaction\s+)?to\b))\b/i;

/** What a handler is given. It is of no use once its transaction is over: another's statements may run on the connection. */
class HandlerTransaction implements InboxTransaction {
  readonly #connection: PostgresConnection;
  #isOver = false;

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
  }

  end(): void {
    this.#isOver = true;
  }

  async query<Row>(text: string, values: readonly unknown[] = []): Promise<{ rows: Row[]; rowCount: number }> {
    if (this.#isOver) {
      throw new Error(
        'the transaction of delivery.completeWith is over; await every query before its function returns',
      );
    }
    if (ENDS.test(afterComments(text))) {
      throw new Error('delivery.completeWith begins and ends its transaction itself; throw to roll it back');
    }
    try {
      // In this mode the server refuses several statements in one text, of which one could end the transaction.
      const query: PostgresQuery = { text, values: [...values], queryMode: 'extended' };
      const { rows, rowCount } = await this.#connection.ask(query, 0);
      return { rows: rows as Row[], rowCount: rowCount ?? 0 };
    } catch (error) {
      throw error instanceof DriverError ? error.cause : error;
    }
  }
}

/** A statement without what may stand before it and says nothing. Comments may hold others. */
function afterComments(text: string): string {
  const rest = text.replace(/^(?:[\s;]|--.*)+/, '');
  if (!rest.startsWith('/*')) return rest;
  let depth = 0;
  for (const { 0: mark, index } of rest.matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1;
    if (depth === 0) return afterComments(rest.slice(index + mark.length));
  }
  return '';
}

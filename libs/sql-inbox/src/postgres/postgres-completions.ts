import type { InboxTransaction } from 'nestjs-runhooks/core';
import type { PostgresQuery } from '../postgres-connection/postgres-client.js';
import type { PostgresConnection } from '../postgres-connection/postgres-connection.js';
import type { PostgresConnections } from '../postgres-connection/postgres-connections.js';
import { DriverError } from '../postgres-connection/postgres-failure.js';
import { NOTICE_LOST_CLIENT, type ServerFacts } from '../postgres-connection/postgres-server.js';
import { BEGIN_OPEN_ENDED, BOUNDS, transact } from './postgres-transactions.js';
import type { Transaction } from '../schema/statement.js';

/** Thrown to roll back a transaction whose claim was lost. */
class ClaimLostError extends Error {
  override readonly name = 'ClaimLostError';
}

/**
 * Runs transactions in which a handler writes. They may take as long as the handler, so they use at most half of the
 * connections: the others continue to store messages.
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

  /** Runs `work`, then `settle`. Rolls both back and returns `false` if the claim has been lost by then. */
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
    // The reason of the abort says more than the broken connection.
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', cutOff);
  }
}

/** Statements that would end the transaction. `rollback to` a savepoint does not. */
const ENDS =
  /^(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:work\s+|transaction\s+)?to\b))\b/i;

/** Transaction that a handler receives. It rejects queries once it has ended, because the connection is reused. */
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
        'the transaction of delivery.completeWith has ended. Await every query before its function returns',
      );
    }
    if (ENDS.test(afterComments(text))) {
      throw new Error('delivery.completeWith begins and ends its transaction itself. Throw to roll it back');
    }
    try {
      // In this mode the server rejects several statements in one string, one of which could end the transaction.
      const query: PostgresQuery = { text, values: [...values], queryMode: 'extended' };
      const { rows, rowCount } = await this.#connection.ask(query, 0);
      return { rows: rows as Row[], rowCount: rowCount ?? 0 };
    } catch (error) {
      throw error instanceof DriverError ? error.cause : error;
    }
  }
}

/** Returns a statement without leading space, semicolons and comments, which can be nested. */
function afterComments(text: string): string {
  const rest = text.replace(/^(?:[\s;]|--.*)+/, '');
  if (!rest.startsWith('/*')) return rest;
  let depth = 0;
  for (const { 0: token, index } of rest.matchAll(/\/\*|\*\//g)) {
    depth += token === '/*' ? 1 : -1;
    if (depth === 0) return afterComments(rest.slice(index + token.length));
  }
  return '';
}

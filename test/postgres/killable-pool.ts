import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { POSTGRES_URL } from './server.js';

/** A client and the socket below it. */
export interface Wired {
  readonly connection: { readonly stream: { destroy(): void } };
}

/** A pool that can lose its connections like a killed process, without notifying the server. */
export class KillablePool extends pg.Pool {
  readonly #name: string;
  readonly #clients = new Set<pg.PoolClient>();
  #isKilled = false;
  /**
   * Called before each query on any client. Returns what the query must wait for, or whether the connection is lost
   * before the query or after its result.
   */
  onQuery: ((text: string) => 'before' | 'after' | Promise<void> | undefined) | undefined;

  constructor() {
    const name = `test-${randomUUID()}`;
    super({ connectionString: POSTGRES_URL, max: 4, application_name: name });
    this.#name = name;
    this.on('connect', (client) => this.#watch(client));
    this.on('remove', (client) => this.#clients.delete(client));
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Parameters<pg.Pool['connect']>[0]): void;
  override connect(callback?: Parameters<pg.Pool['connect']>[0]): Promise<pg.PoolClient> | void {
    if (this.#isKilled) return Promise.reject(new Error('this process was killed'));
    return callback ? super.connect(callback) : super.connect();
  }

  /** Resolves when the server has noticed the loss, so that pending work is finally committed or not. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    for (const client of this.#clients) {
      (client as unknown as Wired).connection.stream.destroy();
    }
    await this.connectionsClosed(0);
  }

  /** Resolves when the server has closed the lost connections and their transactions hold no locks. */
  async connectionsClosed(left = this.totalCount): Promise<void> {
    const client = new pg.Client({ connectionString: POSTGRES_URL });
    await client.connect();
    const find = 'select 1 from pg_stat_activity where application_name = $1';
    while ((await client.query(find, [this.#name])).rows.length > left) await client.query('select pg_sleep(0.002)');
    await client.end();
  }

  #watch(client: pg.PoolClient): void {
    this.#clients.add(client);
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    const lose = (): void => (client as unknown as Wired).connection.stream.destroy();
    client.query = ((...args: unknown[]) => {
      const [request] = args as [{ text?: string } | string];
      const lost = this.onQuery?.(typeof request === 'string' ? request : (request.text ?? ''));
      if (lost instanceof Promise) return lost.then(() => query(...args));
      if (lost === 'before') lose();
      const result = query(...args);
      if (lost !== 'after') return result;
      return (result as Promise<unknown>).then(() => {
        lose();
        throw new Error('the result was lost');
      });
    }) as typeof client.query;
  }
}

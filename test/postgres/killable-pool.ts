import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { POSTGRES_URL } from './server.js';

/** A client with the socket below it. */
export interface Wired {
  readonly connection: { readonly stream: { destroy(): void } };
}

/** A pool that can be lost as a process is lost that is killed: without a word to the server. */
export class KillablePool extends pg.Pool {
  readonly #name: string;
  readonly #clients = new Set<pg.PoolClient>();
  #isKilled = false;
  /** Told before each query, on whatever client. */
  onQuery: ((client: Wired) => void) | undefined;

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

  /** Resolves when the server has noticed: what was under way is then committed or not, for good. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    for (const client of this.#clients) {
      (client as unknown as Wired).connection.stream.destroy();
    }
    const client = new pg.Client({ connectionString: POSTGRES_URL });
    await client.connect();
    const find = 'select 1 from pg_stat_activity where application_name = $1';
    while ((await client.query(find, [this.#name])).rows.length > 0) await client.query('select pg_sleep(0.002)');
    await client.end();
  }

  #watch(client: pg.PoolClient): void {
    this.#clients.add(client);
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      this.onQuery?.(client as unknown as Wired);
      return query(...args);
    }) as typeof client.query;
  }
}

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
  /**
   * Told before each query, on whatever client; says what the query has to wait for, or whether the connection is lost
   * before it or after its answer.
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

  /** Resolves when the server has noticed: what was under way is then committed or not, for good. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    for (const client of this.#clients) {
      (client as unknown as Wired).connection.stream.destroy();
    }
    await this.forgotten(0);
  }

  /** Resolves when the server has noticed which connections were lost: their transactions hold nothing any more. */
  async forgotten(left = this.totalCount): Promise<void> {
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
      const [asked] = args as [{ text?: string } | string];
      const lost = this.onQuery?.(typeof asked === 'string' ? asked : (asked.text ?? ''));
      if (lost instanceof Promise) return lost.then(() => query(...args));
      if (lost === 'before') lose();
      const answer = query(...args);
      if (lost !== 'after') return answer;
      return (answer as Promise<unknown>).then(() => {
        lose();
        throw new Error('the answer was lost');
      });
    }) as typeof client.query;
  }
}

import pg from 'pg';
import { parentOf, ProcessCpu, programOf } from './process-cpu.js';
import type { Server } from './server.js';

/** The server at POSTGRES_URL. Its CPU time is known only if it runs on this machine. */
export class GivenPostgres implements Server {
  readonly url: string;
  readonly #cpu: ProcessCpu | undefined;

  private constructor(url: string, backend: number) {
    this.url = url;
    // The parent of each backend is the main process, and the other backends are its children.
    const main = programOf(backend) === 'postgres' ? parentOf(backend) : undefined;
    this.#cpu = main === undefined ? undefined : new ProcessCpu(main);
  }

  static async connect(url: string): Promise<GivenPostgres> {
    return await connected(url, async (client) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      return new GivenPostgres(url, rows[0]?.pid ?? 0);
    });
  }

  cpuMs(): number {
    return this.#cpu?.totalMs() ?? Number.NaN;
  }

  /** Deletes what the contenders of this run left in it. */
  async stop(): Promise<void> {
    await connected(this.url, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `select nspname as name from pg_namespace where starts_with(nspname, $1)`,
        [schemaName('')],
      );
      for (const { name } of rows) await client.query(`drop schema "${name}" cascade`);
    });
  }
}

/** Returns the name of a schema of this run. */
export function schemaName(number: number | ''): string {
  return `bench_${process.pid}_${number}`;
}

async function connected<Result>(url: string, act: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

import { GivenPostgres } from './given-postgres.js';
import { absenceOfPostgres, startPostgres } from './own-postgres.js';
import { absenceOfRedis, startRedis } from './own-redis.js';
import type { Server, ServerName } from './server.js';

const POSTGRES_URL = process.env['POSTGRES_URL'];

/** The servers of a run. Each is started when the first contender needs it. */
export class Servers {
  readonly #directory: string;
  readonly #started = new Map<ServerName, Promise<Server>>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Returns why a server is not available, or undefined if it is. */
  static absenceOf(name: ServerName): string | undefined {
    if (name !== 'postgres') return absenceOfRedis();
    return POSTGRES_URL === undefined ? absenceOfPostgres() : undefined;
  }

  async get(name: ServerName): Promise<Server> {
    const started = this.#started.get(name) ?? this.#start(name);
    this.#started.set(name, started);
    return await started;
  }

  async stop(): Promise<void> {
    const started = await Promise.allSettled(this.#started.values());
    this.#started.clear();
    for (const one of started) if (one.status === 'fulfilled') await one.value.stop();
  }

  async #start(name: ServerName): Promise<Server> {
    if (name === 'redis-always') return await startRedis(this.#directory, 'always');
    if (name === 'redis-everysec') return await startRedis(this.#directory, 'everysec');
    return POSTGRES_URL === undefined
      ? await startPostgres(this.#directory)
      : await GivenPostgres.connect(POSTGRES_URL);
  }
}

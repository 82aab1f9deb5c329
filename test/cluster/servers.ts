import { OwnPostgres } from '../postgres/own-postgres.js';
import type { Setup } from './options.js';
import { OwnRedis } from './own-redis.js';

/** The servers of one cluster, which lose their power now and then. */
export class Servers {
  readonly postgres: OwnPostgres;
  readonly redis: OwnRedis | undefined;
  /** Of PostgreSQL and of Redis. */
  restarts = 0;
  flushes = 0;
  /** When Postgres was last away: infinite as long as it is. */
  #awayUntilMs = -1;
  #postgresRestart: Promise<unknown> = Promise.resolve();
  #redisRestart: Promise<unknown> = Promise.resolve();

  private constructor(postgres: OwnPostgres, redis: OwnRedis | undefined) {
    this.postgres = postgres;
    this.redis = redis;
  }

  static async start(setup: Setup): Promise<Servers> {
    const postgres = await OwnPostgres.start();
    try {
      return new Servers(postgres, setup === 'bullmq' ? await OwnRedis.start() : undefined);
    } catch (error) {
      await postgres.remove();
      throw error;
    }
  }

  /** Whether Postgres was away at any time since then. */
  wasPostgresAway(sinceMs: number): boolean {
    return this.#awayUntilMs >= sinceMs;
  }

  async restartPostgres(): Promise<void> {
    this.#postgresRestart = this.#postgresRestart.then(async () => {
      this.#awayUntilMs = Infinity;
      await this.postgres.stop('immediate');
      await this.postgres.start();
      this.#awayUntilMs = performance.now();
      this.restarts += 1;
    });
    await this.#postgresRestart;
  }

  async restartRedis(): Promise<void> {
    await this.#withRedis(async (redis) => {
      await redis.kill();
      await redis.start();
      this.restarts += 1;
    });
  }

  async flushRedis(): Promise<void> {
    await this.#withRedis(async (redis) => {
      await redis.flush();
      this.flushes += 1;
    });
  }

  async remove(): Promise<void> {
    await Promise.allSettled([this.#postgresRestart, this.#redisRestart]);
    await Promise.all([this.postgres.remove(), this.redis?.remove()]);
  }

  /** What befalls one server does so one after the other. */
  async #withRedis(blow: (redis: OwnRedis) => Promise<void>): Promise<void> {
    this.#redisRestart = this.#redisRestart.then(async () => {
      if (this.redis) await blow(this.redis);
    });
    await this.#redisRestart;
  }
}

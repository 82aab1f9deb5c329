import { OwnPostgres } from '../postgres/own-postgres.js';
import type { Setup } from './options.js';
import { OwnRedis } from './own-redis.js';

/** The servers of one cluster, which the test restarts. */
export class Servers {
  readonly postgres: OwnPostgres;
  readonly redis: OwnRedis | undefined;
  /** Restarts of PostgreSQL and of Redis. */
  restarts = 0;
  flushes = 0;
  /** Time when Postgres was last unavailable; infinite while it is. */
  #unavailableUntilMs = -1;
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

  /** Returns whether Postgres was unavailable at any time since then. */
  wasPostgresUnavailable(sinceMs: number): boolean {
    return this.#unavailableUntilMs >= sinceMs;
  }

  async restartPostgres(): Promise<void> {
    this.#postgresRestart = this.#postgresRestart.then(async () => {
      this.#unavailableUntilMs = Infinity;
      await this.postgres.stop('immediate');
      await this.postgres.start();
      this.#unavailableUntilMs = performance.now();
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

  /** Runs faults of one server one after the other. */
  async #withRedis(fault: (redis: OwnRedis) => Promise<void>): Promise<void> {
    this.#redisRestart = this.#redisRestart.then(async () => {
      if (this.redis) await fault(this.redis);
    });
    await this.#redisRestart;
  }
}

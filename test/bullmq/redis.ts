import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { describe, it } from '@jest/globals';
import { Redis } from 'ioredis';

export const REDIS_URL = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';

const absence = await absenceOf(REDIS_URL);

/** Adds the tests of `define` on a shared Redis; they are reported as skipped by name if none is running. */
export function onRedis(title: string, define: () => void): void {
  describe(`${title}, on Redis,`, () => {
    if (absence === undefined) define();
    else it.skip(`is not tested: ${absence}`, () => undefined);
  });
}

/** Adds the tests of `define` on a Redis server that the test may stop. */
export function onOwnRedis(title: string, define: () => void): void {
  const { error } = spawnSync('redis-server', ['--version']);
  describe(`${title}, on a server of its own,`, () => {
    if (!error) define();
    else it.skip('is not tested: there is no redis-server', () => undefined);
  });
}

export function newPrefix(): string {
  return `runhooks-test-${randomUUID()}`;
}

/** Deletes every key under a prefix. */
export async function removeKeys(prefix: string): Promise<void> {
  const redis = new Redis(REDIS_URL);
  const keys = await redis.keys(`${prefix}:*`);
  if (keys.length > 0) await redis.del(...keys);
  await redis.quit();
}

async function absenceOf(url: string): Promise<string | undefined> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.quit();
    return undefined;
  } catch (error) {
    return `${url} does not answer: ${(error as Error).message}`;
  }
}

/** A Redis of one test, on its own port and without persistence. */
export class OwnRedis {
  #server: ChildProcess | undefined;

  private constructor(readonly port: number) {}

  static async begin(): Promise<OwnRedis> {
    return new OwnRedis(await freePort());
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const args = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.#server = spawn('redis-server', args, { stdio: 'ignore' });
    while ((await absenceOf(this.url)) !== undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Kills the server like a crash, which loses its whole content. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const exited = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await exited;
  }

  async send(command: string): Promise<void> {
    const redis = new Redis(this.url);
    await redis.call(command);
    await redis.quit();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

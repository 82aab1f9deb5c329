import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../postgres/own-postgres.js';

const START_MS_MAX = 30_000;
const RESPONSE_MS_MAX = 5_000;

/** Returns why no server can be started here, or undefined if one can. */
export function absenceOfRedis(): string | undefined {
  return spawnSync('redis-server', ['--version']).error ? 'no redis-server' : undefined;
}

/** A Redis of the test, which keeps nothing across a restart. */
export class OwnRedis {
  readonly port: number;
  readonly #directory = mkdtempSync(join(tmpdir(), 'runhooks-redis-'));
  #server: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<OwnRedis> {
    const redis = new OwnRedis(await freePort());
    try {
      await redis.start();
      return redis;
    } catch (error) {
      await redis.remove();
      throw error;
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const server = spawn('redis-server', [...args, '--dir', this.#directory], { stdio: 'ignore' });
    this.#server = server;
    const deadline = performance.now() + START_MS_MAX;
    while (!(await this.#responses())) {
      if (server.exitCode !== null) throw new Error(`redis-server ended with ${server.exitCode}`);
      if (performance.now() > deadline) throw new Error(`redis-server does not answer after ${START_MS_MAX} ms`);
      await sleep(20);
    }
  }

  /** Kills the server like a crash, which loses its whole content. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server || server.exitCode !== null) return;
    const exited = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await exited;
  }

  async flush(): Promise<void> {
    const response = await this.#request('FLUSHALL');
    if (response !== '+OK') throw new Error(`FLUSHALL was answered ${response}`);
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #responses(): Promise<boolean> {
    return (await this.#request('PING').catch(() => undefined)) === '+PONG';
  }

  /** Returns the response to a command in one line. */
  #request(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(`${command}\r\n`));
      socket.setTimeout(RESPONSE_MS_MAX, () => socket.destroy(new Error(`no answer to ${command}`)));
      socket.once('error', reject).once('data', (data) => {
        resolve(String(data).trim());
        socket.destroy();
      });
    });
  }
}

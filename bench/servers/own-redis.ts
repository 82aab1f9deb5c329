import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, untilListening } from './ports.js';
import { ProcessCpu } from './process-cpu.js';
import type { Server } from './server.js';

/** Returns why Redis cannot be started here, or undefined if it can. */
export function absenceOfRedis(): string | undefined {
  return spawnSync('redis-server', ['--version']).error ? 'redis-server is not installed' : undefined;
}

/** A Redis with an append-only file, flushed before each response (`always`) or every second (`everysec`). */
export class OwnRedis implements Server {
  readonly url: string;
  readonly #directory: string;
  readonly #process: ChildProcess;
  readonly #cpu: ProcessCpu;

  private constructor(port: number, directory: string, process_: ChildProcess) {
    this.url = `redis://127.0.0.1:${port}`;
    this.#directory = directory;
    this.#process = process_;
    this.#cpu = new ProcessCpu(process_.pid ?? 0);
  }

  static async start(parent: string, appendfsync: 'always' | 'everysec'): Promise<OwnRedis> {
    const directory = mkdtempSync(join(parent, 'runhooks-redis-'));
    const port = await freePort();
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''];
    const durable = ['--appendonly', 'yes', '--appendfsync', appendfsync, '--auto-aof-rewrite-percentage', '0'];
    const redis = new OwnRedis(port, directory, spawn('redis-server', [...args, ...durable], { stdio: 'ignore' }));
    try {
      await untilListening(port);
      return redis;
    } catch (error) {
      await redis.stop();
      throw error;
    }
  }

  cpuMs(): number {
    return this.#cpu.totalMs();
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await exited;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, untilListening } from './ports.js';
import type { Server } from './server.js';
import { ServerProcess } from './server-process.js';

/** Returns why Redis cannot be started here, or undefined if it can. */
export function absenceOfRedis(): string | undefined {
  return spawnSync('redis-server', ['--version']).error ? 'redis-server is not installed' : undefined;
}

/** Starts a Redis with an append-only file, flushed before each response (`always`) or every second (`everysec`). */
export async function startRedis(parent: string, appendfsync: 'always' | 'everysec'): Promise<Server> {
  const directory = mkdtempSync(join(parent, 'runhooks-redis-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''];
  const durable = ['--appendonly', 'yes', '--appendfsync', appendfsync, '--auto-aof-rewrite-percentage', '0'];
  const child = spawn('redis-server', [...args, ...durable], { stdio: 'ignore' });
  const redis = new ServerProcess(`redis://127.0.0.1:${port}`, directory, child);
  try {
    await untilListening(port);
    return redis;
  } catch (error) {
    await redis.stop();
    throw error;
  }
}

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { ours } from './ours.js';
import type { Running } from './running.js';
import type { WorkerProgress } from './worker-process.js';

const SCRIPT = fileURLToPath(new URL('worker-process.js', import.meta.url));

/** Starts a receiver on Postgres with a number of worker processes. */
export async function withWorkers(workers: number, url: string, schema: string): Promise<Running> {
  const progress: WorkerProgress[] = [];
  for (let index = 0; index < workers; index += 1) {
    const child = fork(SCRIPT, [url, schema]);
    child.on('message', (message) => {
      progress[index] = message as WorkerProgress;
    });
    // A worker makes its first report when it has started.
    await once(child, 'message');
  }
  const receiver = await ours('fastify', {
    inbox: postgresInbox({ connectionString: url, schema }),
    role: 'receiver',
  });
  const sum = (of: (one: WorkerProgress) => number): number => progress.reduce((total, one) => total + of(one), 0);
  return { ...receiver, handled: () => sum((one) => one.handled), otherCpuMs: () => sum((one) => one.cpuMs) };
}

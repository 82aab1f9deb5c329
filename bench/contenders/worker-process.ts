import 'reflect-metadata';
import { setInterval } from 'node:timers';
import { NestFactory } from '@nestjs/core';
import { handledByOurs, oursModule } from './ours.js';
import { postgresInbox } from 'nestjs-runhooks/postgres';

/** What a worker process reports to its parent. */
export interface WorkerProgress {
  readonly handled: number;
  readonly cpuMs: number;
}

/** Time between two checks whether there is something to report. */
const CHECK_MS = 5;

const [url = '', schema = ''] = process.argv.slice(2);
const module = oursModule({ inbox: postgresInbox({ connectionString: url, schema }), role: 'worker' });
const app = await NestFactory.createApplicationContext(module, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
let reported = -1;
setInterval(() => {
  const handled = handledByOurs();
  if (handled === reported) return;
  reported = handled;
  const { user, system } = process.cpuUsage();
  process.send?.({ handled, cpuMs: (user + system) / 1_000 } satisfies WorkerProgress);
}, CHECK_MS);
// The parent was killed.
process.once('disconnect', () => process.exit());

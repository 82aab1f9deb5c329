import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Progress } from './worker.js';
import { Workers } from './workers.js';
import { storeMessages } from './store-messages.js';
import { POSTGRES_URL, REDIS_URL, type MeasuredSetup, type TransportName } from './measured-setup.js';

const MESSAGES = 2_000;
const CHECK_MS = 20;
const HANDLED_MS_MAX = 120_000;

export interface Measurement {
  readonly transport: TransportName;
  readonly handlerMs: number;
  readonly workers: number;
  /** Deliveries handled per second, from storing the first message to the end of the last handler. */
  readonly perSecond: number;
  /** CPU time of the workers per delivery. */
  readonly dispatcherCpuMs: number;
  /** CPU time of all other processes per delivery: Postgres, Redis, the kernel, and the process that stores. */
  readonly otherCpuMs: number;
  /** Share of all cores that was in use. */
  readonly busy: number;
}

export async function measure(
  wanted: Pick<Measurement, 'transport' | 'handlerMs' | 'workers'>,
  name: string,
): Promise<Measurement> {
  const setup: MeasuredSetup = { transport: wanted.transport, handlerMs: wanted.handlerMs, name };
  let workers: Workers | undefined;
  try {
    workers = await Workers.start(wanted.workers, setup);
    const [before, machineBefore, beganAtMs] = [await workers.progress(), machineTimes(), performance.now()];
    await storeMessages(name, MESSAGES);
    const after = await untilHandled(workers, MESSAGES);
    const [machineAfter, endedAtMs] = [machineTimes(), performance.now()];
    const busyMs = machineAfter.busyMs - machineBefore.busyMs;
    const cpuMs = after.cpuMs - before.cpuMs;
    return {
      ...wanted,
      perSecond: MESSAGES / ((endedAtMs - beganAtMs) / 1_000),
      dispatcherCpuMs: cpuMs / MESSAGES,
      otherCpuMs: (busyMs - cpuMs) / MESSAGES,
      busy: busyMs / (machineAfter.allMs - machineBefore.allMs),
    };
  } finally {
    await workers?.kill();
    await remove(setup);
  }
}

async function untilHandled(workers: Workers, deliveries: number): Promise<Progress> {
  const deadline = performance.now() + HANDLED_MS_MAX;
  for (;;) {
    const progress = await workers.progress();
    if (progress.handled >= deliveries) return progress;
    if (performance.now() > deadline) {
      throw new Error(`${progress.handled} of ${deliveries} deliveries were handled in ${HANDLED_MS_MAX} ms`);
    }
    await sleep(CHECK_MS);
  }
}

function machineTimes(): { readonly busyMs: number; readonly allMs: number } {
  const times = cpus().map((core) => core.times);
  const idleMs = times.reduce((sum, { idle }) => sum + idle, 0);
  const allMs = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { busyMs: allMs - idleMs, allMs };
}

/** Deletes what a measurement left in Postgres and Redis. */
export async function remove({ transport, name }: Pick<MeasuredSetup, 'transport' | 'name'>): Promise<void> {
  const client = new pg.Client({ connectionString: POSTGRES_URL });
  await client.connect();
  try {
    await client.query(`drop schema if exists "${name}" cascade`);
  } finally {
    await client.end();
  }
  if (transport !== 'bullmq') return;
  const redis = new Redis(REDIS_URL);
  const keys = await redis.keys(`${name}:*`);
  if (keys.length > 0) await redis.unlink(...keys);
  await redis.quit();
}

import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { Dispatchers } from './dispatchers.js';
import { fillInbox } from './fill.js';
import { POSTGRES_URL, REDIS_URL, type Place, type TransportName } from './place.js';

/** More than four dispatchers handle while they are watched. */
const MESSAGES = 12_000;
const WARM_UP_MS = 1_500;
const WATCHED_MS = 5_000;

export interface Measurement {
  readonly transport: TransportName;
  readonly handlerMs: number;
  readonly dispatchers: number;
  /** Deliveries handled in a second, from reading their message to the record of their success. */
  readonly perSecond: number;
  /** CPU time of the dispatchers for one delivery. */
  readonly dispatcherCpuMs: number;
  /** Of everything else on the machine: Postgres, Redis, the kernel. */
  readonly otherCpuMs: number;
  /** Of all cores, the share that was in use. */
  readonly busy: number;
}

export async function measure(
  asked: Pick<Measurement, 'transport' | 'handlerMs' | 'dispatchers'>,
  name: string,
): Promise<Measurement> {
  const place: Place = { transport: asked.transport, handlerMs: asked.handlerMs, name };
  let dispatchers: Dispatchers | undefined;
  try {
    await fillInbox(name, MESSAGES);
    dispatchers = await Dispatchers.start(asked.dispatchers, place);
    await sleep(WARM_UP_MS);
    const [before, machineBefore, beganAtMs] = [await dispatchers.progress(), machineTimes(), performance.now()];
    await sleep(WATCHED_MS);
    const [after, machineAfter, endedAtMs] = [await dispatchers.progress(), machineTimes(), performance.now()];
    if (after.handled >= MESSAGES) throw new Error(`${MESSAGES} messages were not enough to be busy with`);
    const handled = after.handled - before.handled;
    const busyMs = machineAfter.busyMs - machineBefore.busyMs;
    const cpuMs = after.cpuMs - before.cpuMs;
    return {
      ...asked,
      perSecond: handled / ((endedAtMs - beganAtMs) / 1_000),
      dispatcherCpuMs: cpuMs / handled,
      otherCpuMs: (busyMs - cpuMs) / handled,
      busy: busyMs / (machineAfter.allMs - machineBefore.allMs),
    };
  } finally {
    await dispatchers?.kill();
    await remove(place);
  }
}

function machineTimes(): { readonly busyMs: number; readonly allMs: number } {
  const times = cpus().map((core) => core.times);
  const idleMs = times.reduce((sum, { idle }) => sum + idle, 0);
  const allMs = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { busyMs: allMs - idleMs, allMs };
}

/** What is left of a measurement. */
export async function remove({ transport, name }: Pick<Place, 'transport' | 'name'>): Promise<void> {
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

import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../monotonic.js';
import { CONTENDERS, type ContenderName, type ContenderPlace } from './contenders.js';
import type { Running } from './running.js';

export interface Usage {
  readonly cpuMs: number;
  readonly handled: number;
}

/** A question of the bench to a contender's process. */
export type Question = 'usage' | 'stored' | 'startedAtMs' | Handled;

/** Resolved when that many were handled, with the time of the system's monotonic clock. */
export interface Handled {
  readonly handledAtLeast: number;
}

/** Time between two checks. */
const CHECK_MS = 2;

/** Runs a contender in its own process: reports its port, and then responds to questions. */
async function main([name = '', place = '']: readonly string[]): Promise<void> {
  const start = CONTENDERS[name as ContenderName] as (place: ContenderPlace) => Promise<Running>;
  const running = await start(JSON.parse(place) as ContenderPlace);
  process.on('message', (question: Question) => void respond(running, question));
  // The bench was killed.
  process.once('disconnect', () => process.exit());
  process.send?.({ port: running.port });
}

async function respond(running: Running, question: Question): Promise<void> {
  if (question === 'usage') process.send?.(usage(running));
  else if (typeof question === 'object') process.send?.(await handledAtMs(running, question));
  else process.send?.((await running[question]?.()) ?? null);
}

async function handledAtMs(running: Running, { handledAtLeast }: Handled): Promise<number> {
  while (running.handled() < handledAtLeast) await sleep(CHECK_MS);
  return monotonicMs();
}

function usage({ handled, otherCpuMs }: Running): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1_000 + (otherCpuMs?.() ?? 0), handled: handled() };
}

await main(process.argv.slice(2));

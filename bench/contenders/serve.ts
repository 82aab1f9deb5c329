import 'reflect-metadata';
import { CONTENDERS, type ContenderName, type Place } from './contenders.js';
import type { Running } from './running.js';

/** What the bench may ask a contender's process. */
export type Question = 'usage' | 'handled' | 'counts' | 'startedAtMs';

/** A contender in a process of its own: says its port, then answers what it is asked. */
async function main([name = '', place = '']: readonly string[]): Promise<void> {
  const start = CONTENDERS[name as ContenderName] as (place: Place) => Promise<Running>;
  const running = await start(JSON.parse(place) as Place);
  process.on('message', (question: Question) => void answer(running, question));
  process.send?.({ port: running.port });
}

async function answer(running: Running, question: Question): Promise<void> {
  process.send?.(question === 'usage' ? usage() : ((await running[question]?.()) ?? null));
}

function usage(): object {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1_000, rssMb: process.memoryUsage.rss() / 2 ** 20 };
}

await main(process.argv.slice(2));

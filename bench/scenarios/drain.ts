import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, rmSync } from 'node:fs';
import type { Bench } from '../bench.js';
import { Child } from '../child.js';
import { figure, ratio } from '../figures.js';
import type { Findings } from '../findings.js';
import { sample, sizeFor, type Entrant } from '../samples.js';

/**
 * Measures how fast an app with the defaults and no other work handles a backlog of deliveries, next to few and to many
 * finished ones, and compares that with its sustained rate.
 */
export async function drain(bench: Bench): Promise<Findings> {
  const { rounds, backlog, fewRows, manyRows, sustainedSeconds } = bench.plan.drain;
  bench.print('drain, dbt payload');
  const inboxes = [filled(bench, fewRows, backlog), filled(bench, manyRows, backlog)] as const;
  const [small, large] = await Promise.all(inboxes);
  bench.print(`  filled with ${fewRows} and with ${manyRows} finished deliveries`);
  const receiving: Entrant = { contender: await bench.start('ours-dispatching'), sender: 'dbt', deliveries: 1 };
  const requests = await sizeFor(bench, receiving, sustainedSeconds);
  const [few, many, sustained]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    const turns = [
      async () => few.push(await drainCopy(bench, small, backlog)),
      async () => many.push(await drainCopy(bench, large, backlog)),
      async () => sustained.push((await sample(bench, receiving, requests)).perSecond),
    ];
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
    bench.print(`  next to ${fewRows}: ${few.at(-1)?.toFixed(0)}/s, next to ${manyRows}: ${many.at(-1)?.toFixed(0)}/s`);
  }
  return {
    targets: {
      drain_vs_sustained: ratio(few, sustained),
      drain_flatness: ratio(many, few),
      drain_per_s: figure(few),
    },
    notes: [
      `Drain: ${backlog} due deliveries next to ${fewRows} and to ${manyRows} finished messages, each with its key, run, ` +
        `event and delivery: ${figure(few).median.toFixed(0)}/s and ${figure(many).median.toFixed(0)}/s.`,
    ],
  };
}

/** Returns the path of a new inbox with finished and due deliveries. */
async function filled(bench: Bench, settled: number, pending: number): Promise<string> {
  const path = bench.newFile();
  for (const [first, count, state] of [
    [0, settled, 'settled'],
    [settled, pending, 'pending'],
  ] as const) {
    const [child] = await Child.start('drain/fill.js', [path, `${first}`, `${count}`, state]);
    await child.stop();
  }
  return path;
}

/** Returns deliveries per second of a copy of an inbox. */
async function drainCopy(bench: Bench, path: string, count: number): Promise<number> {
  const copy = bench.newFile();
  for (const ending of ['', '-wal']) if (existsSync(path + ending)) copyDurably(path + ending, copy + ending);
  const [child, result] = await Child.start('drain/drain-app.js', [copy, `${count}`]);
  await child.stop();
  for (const ending of ['', '-wal', '-shm']) rmSync(copy + ending, { force: true });
  return (result as { perSecond: number }).perSecond;
}

/** Copies a file and flushes it, so that the first commit of the app does not wait for it. */
function copyDurably(from: string, to: string): void {
  copyFileSync(from, to);
  const file = openSync(to, 'r+');
  fsyncSync(file);
  closeSync(file);
}

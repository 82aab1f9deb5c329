import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../bench.js';
import { figure, ratio } from '../figures.js';
import type { Findings } from '../findings.js';
import { lineOf } from '../line-of.js';
import type { PacedOrder, PacedResult } from '../load/paced.js';
import { race, type Entrant, type Sample } from '../samples.js';

const SOURCE = fileURLToPath(new URL('../../../bench/preload/slow-fsync.c', import.meta.url));
const PER_SECOND = 1_000;

/** Measures on a disk whose fsync takes 2 ms longer, like that of a cloud volume. */
export async function slowDisk(bench: Bench): Promise<Findings> {
  const library = bench.newFile('so');
  const { status, error } = spawnSync('gcc', ['-shared', '-fPIC', '-O2', '-o', library, SOURCE, '-ldl']);
  if (error || status !== 0)
    return { targets: {}, notes: ['The slow disk was skipped because it needs Linux and gcc.'] };
  const slow = { LD_PRELOAD: library };
  const ours: Entrant = { contender: await bench.start('ours-fastify', slow), sender: 'dbt' };
  const perRequest: Entrant = { contender: await bench.start('sqlite-by-hand', slow), sender: 'dbt' };
  bench.print('slow disk, dbt payload');
  const samples = await race(bench, [ours, perRequest], bench.plan.slowDisk);
  const perSecond = (entrant: Entrant): number[] => (samples.get(entrant) as Sample[]).map((one) => one.perSecond);
  const dispatching = await bench.start('ours-dispatching', slow);
  const { pacedRounds, pacedSeconds } = bench.plan.slowDisk;
  const requests = PER_SECOND * pacedSeconds;
  const order = { kind: 'paced', sender: 'dbt', perSecond: PER_SECOND, requests } as const;
  await bench.load<PacedOrder>(dispatching, { ...order, requests: 2 * PER_SECOND });
  const paced: PacedResult[] = [];
  for (let round = 0; round < pacedRounds; round += 1) paced.push(await bench.load<PacedOrder>(dispatching, order));
  const p50 = figure(paced.map(({ p50Ms }) => p50Ms));
  return {
    targets: {
      slow_disk_gain: ratio(perSecond(ours), perSecond(perRequest)),
      slow_disk_p99_ms: figure(paced.map(({ p99Ms }) => p99Ms)),
    },
    lines: {
      'Burst, dbt payload, fsync + 2 ms': [...samples].map(([entrant, turns]) => lineOf(entrant, turns)),
    },
    notes: [`Slow disk, ${PER_SECOND}/s, dispatching: the median response took ${p50.median.toFixed(1)} ms.`],
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.js';
import type { Contender } from '../contender.js';
import { figure, ratio } from '../figures.js';
import type { Findings } from '../findings.js';
import type { PacedOrder } from '../load/paced.js';
import { SENDERS } from '../load/senders.js';
import { monotonicMs } from '../monotonic.js';
import { median, quantile } from '../quantile.js';
import { openDatabase } from '../sqlite-database.js';

const PER_SECOND = 500;
const WARM_UP_SECONDS = 3;

/**
 * Measures the time from sending a request to the start of its handler, both taken outside of Runhooks, and compares it
 * with a durable commit of one row on the same disk.
 */
export async function handOff(bench: Bench): Promise<Findings> {
  const { rounds, pacedSeconds } = bench.plan.handOff;
  const contender = await bench.start('ours-stamping');
  bench.print('hand-off, dbt payload');
  const [p50s, p99s, commits]: [number[], number[], number[]] = [[], [], []];
  await delays(bench, contender, WARM_UP_SECONDS);
  for (let round = 0; round < rounds; round += 1) {
    commits.push(await commitMs(bench));
    const found = await delays(bench, contender, pacedSeconds);
    p50s.push(quantile(found, 0.5));
    p99s.push(quantile(found, 0.99));
  }
  return {
    targets: {
      handoff_vs_commit: ratio(p50s, commits),
      handoff_p50_ms: figure(p50s),
      handoff_p99_ms: figure(p99s),
      commit_p50_ms: figure(commits),
    },
  };
}

/** Returns the delays in ascending order. */
async function delays(bench: Bench, contender: Contender, seconds: number): Promise<number[]> {
  const order = { kind: 'paced', sender: 'dbt', perSecond: PER_SECOND, requests: PER_SECOND * seconds } as const;
  const { sentAtMs } = await bench.load<PacedOrder>(contender, { ...order, returnsSentAt: true });
  await contender.handledAtMs(contender.sent);
  const startedAtMs = await contender.startedAtMs();
  const found = Object.entries(sentAtMs).map(([run, sentAt]) => (startedAtMs[run] ?? Infinity) - sentAt);
  return found.sort((a, b) => a - b);
}

/** Returns the median time of a transaction that inserts one body, at the rate of the load. */
async function commitMs(bench: Bench): Promise<number> {
  const database = await openDatabase(bench.newFile());
  database.exec('create table bodies (id integer primary key, body blob not null)');
  const insert = database.prepare('insert into bodies (body) values (?)');
  const body = Buffer.from(SENDERS.dbt(0).body);
  const times: number[] = [];
  for (let commit = 0; commit < bench.plan.handOff.commits; commit += 1) {
    const startedAtMs = monotonicMs();
    insert.run(body);
    times.push(monotonicMs() - startedAtMs);
    await sleep(1_000 / PER_SECOND);
  }
  database.close();
  return median(times);
}

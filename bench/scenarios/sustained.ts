import type { Bench } from '../bench.js';
import type { Contender } from '../contender.js';
import { figure } from '../figures.js';
import type { Findings } from '../findings.js';
import { lineOf } from '../line-of.js';
import type { PacedOrder } from '../load/paced.js';
import { median } from '../quantile.js';
import { absenceOfPostgres } from '../postgres.js';
import { race, type Entrant, type Sample } from '../samples.js';

/** A backlog smaller than the work of this time counts as flat. */
const FLAT_SECONDS = 0.25;
const STEP = 0.93;
const STEPS_MAX = 10;
/** Minimum share of the rate that the load must reach, because a shared machine rarely allows the full rate. */
const PACE_SHARE_MIN = 0.97;

/**
 * Measures the rate at which one process can receive, parse, run and record indefinitely, with one handler that does
 * nothing.
 */
export async function sustained(bench: Bench): Promise<Findings> {
  const reason = await absenceOfPostgres();
  const ours: Entrant = { contender: await bench.start('ours-dispatching'), sender: 'dbt', deliveries: 1 };
  const hand: Entrant = { contender: await bench.start('hand-fastify'), sender: 'dbt', deliveries: 1 };
  const stripe: Entrant = { contender: await bench.start('golevelup-express'), sender: 'stripe', deliveries: 1 };
  const others: Entrant[] = [
    { contender: await bench.start('ours-dispatching-express'), sender: 'dbt', deliveries: 1 },
    { contender: await bench.start('ours-dispatching-ten'), sender: 'dbt', deliveries: 10 },
  ];
  if (reason === undefined) {
    others.push({ contender: await bench.start('ours-dispatching-postgres'), sender: 'dbt', deliveries: 1 });
  }
  bench.print('sustained, dbt payload');
  const samples = await race(bench, [ours, hand, stripe, ...others], bench.plan.sustained);
  const perSecond = (entrant: Entrant): number[] => (samples.get(entrant) as Sample[]).map((one) => one.perSecond);
  const capacity = median(perSecond(ours));
  const flat = await flatRate(bench, ours.contender, capacity);
  return {
    targets: {
      sustained_vs_hand_fastify: figure(perSecond(hand).map((rate) => flat / rate)),
      sustained_vs_golevelup: figure(perSecond(stripe).map((rate) => flat / rate)),
    },
    lines: {
      'Sustained, dbt payload: until everything sent was handled': [...samples].map(([entrant, turns]) =>
        lineOf(entrant, turns),
      ),
    },
    notes: [
      `Sustained, Fastify: the backlog stayed flat at ${flat.toFixed(0)}/s, sent evenly for ` +
        `${bench.plan.sustained.pacedSeconds} s; the sustained ratios use that rate. Sent as fast as ` +
        `responses arrived, and handled completely, it was ${capacity.toFixed(0)}/s.`,
    ],
  };
}

/** Returns the highest rate, in steps, at which the backlog does not grow. */
async function flatRate(bench: Bench, contender: Contender, estimate: number): Promise<number> {
  let rate = estimate;
  let flat = 0;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const isFlat = await staysFlat(bench, contender, rate);
    bench.print(`  ${rate.toFixed(0)}/s: the backlog ${isFlat ? 'stays flat' : 'grows'}`);
    if (isFlat) flat = Math.max(flat, rate);
    else if (flat > 0) break;
    rate = isFlat ? rate / STEP : rate * STEP;
    if (rate <= flat) break;
  }
  return flat;
}

async function staysFlat(bench: Bench, contender: Contender, perSecond: number): Promise<boolean> {
  const { pacedSeconds } = bench.plan.sustained;
  const requests = Math.round(perSecond * pacedSeconds);
  const before = await contender.usage();
  const order = { kind: 'paced', sender: 'dbt', perSecond, requests } as const;
  const { seconds } = await bench.load<PacedOrder>(contender, order);
  const backlog = before.handled + requests - (await contender.usage()).handled;
  await contender.handledAtMs(before.handled + requests);
  return backlog <= perSecond * FLAT_SECONDS && requests / seconds >= perSecond * PACE_SHARE_MIN;
}

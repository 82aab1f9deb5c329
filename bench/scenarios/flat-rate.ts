import type { Bench } from '../bench.js';
import type { Contender } from '../contender.js';
import type { PacedOrder } from '../load/paced.js';

/** A backlog smaller than the work of this time counts as flat. */
const FLAT_SECONDS = 0.25;
const STEP = 0.93;
const STEPS_MAX = 10;
/** Minimum share of the rate that the load must reach, because a shared machine rarely allows the full rate. */
const PACE_SHARE_MIN = 0.97;

/** Returns the highest rate, in steps, at which the backlog does not grow. */
export async function flatRate(bench: Bench, contender: Contender, estimate: number): Promise<number> {
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

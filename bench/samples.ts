import { CONNECTIONS, type Bench } from './bench.js';
import type { Contender } from './contender.js';
import type { BurstOrder } from './load/burst.js';
import type { SenderName } from './load/senders.js';
import { monotonicMs } from './monotonic.js';

/** One turn of one contender. */
export interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the contender's process per request. */
  readonly cpuUs: number;
  /** CPU time of the contender and of the load, divided by the duration. */
  readonly serverShare: number;
  readonly loadShare: number;
}

const WARM_UP_STEP = 2_000;
/** Limit for slow contenders. */
const WARM_UP_MS_MAX = 4_000;

/** An entrant of a race: a contender and the messages sent to it. */
export interface Entrant {
  readonly contender: Contender;
  /** The sender; without one, the load sends GET requests to the host's own route. */
  readonly sender?: SenderName;
  /** Deliveries per message. The turn lasts until the last delivery was handled. */
  readonly deliveries?: number;
}

/** Runs the turns of all entrants one after the other, several times. Each round begins with another entrant. */
export async function race(
  bench: Bench,
  entrants: readonly Entrant[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Map<Entrant, Sample[]>> {
  const samples = new Map<Entrant, Sample[]>(entrants.map((entrant) => [entrant, []]));
  const sizes = new Map<Entrant, number>();
  for (const entrant of entrants) sizes.set(entrant, await sizeFor(bench, entrant, seconds));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < entrants.length; turn += 1) {
      const entrant = entrants[(turn + round) % entrants.length] as Entrant;
      samples.get(entrant)?.push(await sample(bench, entrant, sizes.get(entrant) ?? 0));
    }
    bench.print(`  round ${round + 1} of ${rounds}`);
  }
  return samples;
}

/** Returns the number of requests for a turn of about that many seconds, after a warm-up. */
async function sizeFor(bench: Bench, entrant: Entrant, seconds: number): Promise<number> {
  const startedAtMs = monotonicMs();
  let last: Sample;
  let requests = 0;
  do {
    last = await sample(bench, entrant, WARM_UP_STEP);
    requests += WARM_UP_STEP;
  } while (requests < bench.plan.warmUp && monotonicMs() - startedAtMs < WARM_UP_MS_MAX);
  return whole(last.perSecond * seconds);
}

function whole(requests: number): number {
  return Math.max(1, Math.round(requests / CONNECTIONS)) * CONNECTIONS;
}

async function sample(bench: Bench, entrant: Entrant, requests: number): Promise<Sample> {
  const { contender, sender, deliveries = 0 } = entrant;
  const before = await contender.usage();
  const order = { kind: 'burst', requests, ...(sender && { sender }) } as const;
  const [{ p50Ms, p99Ms, startedAtMs, ...responses }, handledAtMs] = await Promise.all([
    bench.load<BurstOrder>(contender, order),
    deliveries > 0 ? contender.handledAtMs(before.handled + requests * deliveries) : 0,
  ]);
  const seconds = deliveries > 0 ? (handledAtMs - startedAtMs) / 1_000 : responses.seconds;
  const cpuMs = (await contender.usage()).cpuMs - before.cpuMs;
  return {
    perSecond: requests / seconds,
    p50Ms,
    p99Ms,
    cpuUs: (cpuMs * 1_000) / requests,
    serverShare: cpuMs / 1_000 / seconds,
    loadShare: (responses.loadShare * responses.seconds) / seconds,
  };
}

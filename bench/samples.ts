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
  /** CPU time of the contender's processes per request. */
  readonly cpuUs: number;
  /** CPU time of Redis and Postgres per request. */
  readonly serverCpuUs: number;
  /** CPU time of the contender and of the load, divided by the duration. */
  readonly appShare: number;
  readonly loadShare: number;
}

const WARM_UP_STEP = 1_000;
/** A slow contender sends this much, however long that takes. */
const WARM_UP_MIN = 1_000;
/** Requests of the shortest turn, six on each connection. */
const TURN_MIN = 6 * CONNECTIONS;

/** An entrant of a race: a contender and the messages sent to it. */
export interface Entrant {
  readonly contender: Contender;
  /** The sender; without one, the load sends GET requests to the host's own route. */
  readonly sender?: SenderName;
  /** Deliveries per message. The turn lasts until the last delivery was handled. */
  readonly deliveries?: number;
}

/**
 * Runs the turns of all entrants one after the other, several times. Each round begins with another entrant, and every
 * other round is in reverse order, so that a slow change of the machine affects all ratios alike.
 */
export async function race(
  bench: Bench,
  entrants: readonly Entrant[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Map<Entrant, Sample[]>> {
  const samples = new Map<Entrant, Sample[]>(entrants.map((entrant) => [entrant, []]));
  const sizes = new Map<Entrant, number>();
  for (const entrant of entrants) sizes.set(entrant, await sizeFor(bench, entrant, seconds));
  for (let round = 0; round < rounds; round += 1) {
    const rotated = entrants.map((_, turn) => entrants[(turn + round) % entrants.length] as Entrant);
    for (const entrant of round % 2 === 0 ? rotated : rotated.toReversed()) {
      samples.get(entrant)?.push(await sample(bench, entrant, sizes.get(entrant) ?? 0));
    }
    bench.print(`  round ${round + 1} of ${rounds}`);
  }
  return samples;
}

/** Returns the number of requests for a turn of about that many seconds, after a warm-up. */
export async function sizeFor(bench: Bench, entrant: Entrant, seconds: number): Promise<number> {
  const { requests, msMax } = bench.plan.warmUp;
  const startedAtMs = monotonicMs();
  let sent = 0;
  for (;;) {
    const { perSecond } = await sample(bench, entrant, WARM_UP_STEP);
    sent += WARM_UP_STEP;
    const isWarm = sent >= requests || (sent >= WARM_UP_MIN && monotonicMs() - startedAtMs >= msMax);
    if (isWarm) return Math.max(TURN_MIN, whole(perSecond * seconds));
  }
}

function whole(requests: number): number {
  return Math.round(requests / CONNECTIONS) * CONNECTIONS;
}

export async function sample(bench: Bench, entrant: Entrant, requests: number): Promise<Sample> {
  const { contender, sender, deliveries = 0 } = entrant;
  const before = await contender.usage();
  const order = { kind: 'burst', requests, ...(sender && { sender }) } as const;
  const [{ p50Ms, p99Ms, startedAtMs, ...responses }, handledAtMs] = await Promise.all([
    bench.load<BurstOrder>(contender, order),
    deliveries > 0 ? contender.handledAtMs(before.handled + requests * deliveries) : 0,
  ]);
  const seconds = deliveries > 0 ? (handledAtMs - startedAtMs) / 1_000 : responses.seconds;
  const after = await contender.usage();
  const cpuMs = after.cpuMs - before.cpuMs;
  return {
    perSecond: requests / seconds,
    p50Ms,
    p99Ms,
    cpuUs: (cpuMs * 1_000) / requests,
    serverCpuUs: ((after.serverCpuMs - before.serverCpuMs) * 1_000) / requests,
    appShare: cpuMs / 1_000 / seconds,
    loadShare: (responses.loadShare * responses.seconds) / seconds,
  };
}

/** Checks that a contender that stores webhooks stores one that is sent twice only once. */
export async function proveDeduplication(bench: Bench, { contender }: Entrant): Promise<void> {
  if ((await contender.stored()) === null) return;
  const order = { kind: 'burst', sender: 'dbt', requests: CONNECTIONS } as const;
  await bench.load<BurstOrder>(contender, order);
  await bench.loadAgain<BurstOrder>(contender, order);
  await proveDone({ contender });
}

/**
 * Checks that each message with a 200 response is stored once, or was handled if the contender stores nothing, and that
 * every delivery was handled once.
 */
export async function proveDone({ contender, deliveries = 0 }: Entrant): Promise<void> {
  const { name, sent } = contender;
  const stored = await contender.stored();
  const { handled } = await contender.usage();
  const expected = deliveries > 0 ? sent * deliveries : stored === null ? sent : 0;
  if ((stored ?? sent) !== sent || handled !== expected) {
    throw new Error(
      `${name}: ${sent} messages got a 200 response, but ${stored ?? 0} were stored, and ` +
        `${handled} of ${expected} deliveries were handled`,
    );
  }
}

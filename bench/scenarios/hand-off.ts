import type { Bench } from '../bench.js';
import { figure } from '../figures.js';
import type { Findings } from '../findings.js';
import type { PacedOrder } from '../load/paced.js';
import { quantile } from '../quantile.js';

const PER_SECOND = 500;

/** Measures the time from sending a request to the start of its handler, both taken outside of Runhooks. */
export async function handOff(bench: Bench): Promise<Findings> {
  const { rounds, pacedSeconds } = bench.plan.handOff;
  const contender = await bench.start('ours-stamping');
  bench.print('hand-off, dbt payload');
  const [p50s, p99s]: [number[], number[]] = [[], []];
  // The first round is the warm-up.
  for (let round = 0; round <= rounds; round += 1) {
    const requests = PER_SECOND * (round === 0 ? 3 : pacedSeconds);
    const order = { kind: 'paced', sender: 'dbt', perSecond: PER_SECOND, requests, returnsSentAt: true } as const;
    const { sentAtMs } = await bench.load<PacedOrder>(contender, order);
    await contender.handledAtMs(contender.sent);
    if (round === 0) continue;
    const startedAtMs = await contender.startedAtMs();
    const delays = Object.entries(sentAtMs).map(([run, sentAt]) => (startedAtMs[run] ?? Infinity) - sentAt);
    delays.sort((a, b) => a - b);
    p50s.push(quantile(delays, 0.5));
    p99s.push(quantile(delays, 0.99));
  }
  return { targets: { handoff_p50_ms: figure(p50s), handoff_p99_ms: figure(p99s) } };
}

import type { RunsJoined } from 'nestjs-runhooks/internal';
import { dbtCloudWebhook, paradimeWebhook, type SignedWebhook } from 'nestjs-runhooks/testing';
import fc from 'fast-check';
import { START } from '../dispatch/dispatch-harness.js';
import { checkProperty, type PropertyBudget } from '../property.js';
import { DecidedOrder } from './decided-order.js';
import { same } from './same.js';
import { TwoProcesses, type NewInbox, type SharedInbox } from './shared-inbox.js';

const SECOND = 1_000;
const WITHIN_SECONDS = 30;
/** The jobs belong to two providers. */
const JOBS = ['ingest', 'transform', 'nightly-run'] as const;
const BARRIER = { jobs: JOBS, withinMs: WITHIN_SECONDS * SECOND };

interface Finished {
  readonly job: (typeof JOBS)[number];
  readonly run: string;
  /** End of the run in seconds after the earliest possible end. */
  readonly at: number;
}

interface Arrival extends Omit<Finished, 'run'> {
  readonly to: 0 | 1;
  /** Restarts the process before this run. */
  readonly restarts: boolean;
}

const arrival: fc.Arbitrary<Arrival> = fc.record({
  job: fc.constantFrom(...JOBS),
  at: fc.nat(90),
  to: fc.constantFrom<0 | 1>(0, 1),
  restarts: fc.nat(5).map((one) => one === 0),
});
const arrivals = fc.array(fc.array(arrival, { minLength: 1, maxLength: 6 }), { maxLength: 6 });

function signed({ job, run, at }: Finished): SignedWebhook {
  const now = new Date(START.getTime() - (100 - at) * SECOND);
  if (job !== 'nightly-run')
    return dbtCloudWebhook({ now, payload: { data: { runId: run, jobId: job, jobName: job } } });
  return paradimeWebhook({ now, payload: { id: run } });
}

/**
 * Sends the runs that a barrier waits for to two processes on one inbox, and compares the joined runs with the plain
 * rule.
 */
export async function checkBarriers(newInbox: NewInbox, budget: PropertyBudget): Promise<void> {
  let [joins, shared] = [0, 0];
  const missing = (): readonly string[] => [
    ...(joins > 0 ? [] : ['runs that joined']),
    ...(shared > 0 ? [] : ['runs that joined by two processes']),
  ];
  await checkProperty(
    arrivals,
    async (arrived, signal) => {
      const { joined, stores } = await sendRuns(await newInbox(), arrived, signal);
      joins += joined;
      shared += stores > 1 && joined > 0 ? 1 : 0;
    },
    { ...budget, missing },
  );
}

async function sendRuns(inbox: SharedInbox, arrived: readonly (readonly Arrival[])[], signal: AbortSignal) {
  const joined: string[] = [];
  const refresh = (event: unknown): void => {
    const { runs } = event as RunsJoined;
    joined.push(runs.map(({ job, run }) => `${job} ${run.id}`).join(', '));
  };
  const order = new DecidedOrder();
  const two = await TwoProcesses.on(
    inbox,
    (harness) => harness.on('all', refresh, { on: { barrier: BARRIER } }),
    order.wrap,
  );
  const finished = new Map<string, Finished>();
  try {
    for (const together of arrived) {
      signal.throwIfAborted();
      for (const { job, at, to, restarts } of together) {
        const one = { job, at, run: `${1_000 + finished.size}` };
        finished.set(one.run, one);
        if (restarts) await two.restart(to);
        await two.process(to).receive(job === 'nightly-run' ? 'paradime' : 'dbt', signed(one));
      }
      await two.work();
    }
    // Ids have the form `runs.joined:<source>/<account>/<run>/<handler>`.
    const decided = order.tasks.map((id) => finished.get(id.split('/').at(-2) ?? '')!);
    same(decided.length, finished.size, 'each run came to the barrier once');
    same(joined.sort(), byTheRule(decided).sort(), 'what has joined');
    return { joined: joined.length, stores: order.stores };
  } finally {
    await two.end();
  }
}

/**
 * Returns the latest run of each job as soon as all are within the window. No run is used twice, and none is older than
 * a run that joined.
 */
function byTheRule(arrived: readonly Finished[]): string[] {
  const joins: string[] = [];
  const joined: Finished[] = [];
  for (const index of arrived.keys()) {
    const known = arrived.slice(0, index + 1);
    const chosen = JOBS.map((job) => {
      const own = known.filter((one) => one.job === job);
      const latest = own.filter(({ at }) => at === Math.max(...own.map((one) => one.at))).at(-1);
      return latest && !joined.includes(latest) ? latest : undefined;
    });
    const all = chosen.filter((one) => one !== undefined);
    const times = all.map(({ at }) => at);
    if (all.length < JOBS.length || Math.max(...times) - Math.min(...times) > WITHIN_SECONDS) continue;
    joined.push(...all);
    joins.push(all.map(({ job, run }) => `${job} ${run}`).join(', '));
  }
  return joins;
}

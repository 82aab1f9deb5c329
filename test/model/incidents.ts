import type { EventSummary, JobState } from 'nestjs-runhooks/core';
import { dbtCloudWebhook, paradimeWebhook, type SignedWebhook } from 'nestjs-runhooks/testing';
import fc from 'fast-check';
import { eventFacts } from 'inside/event-data';
import { START } from '../dispatch/dispatch-harness.js';
import { checkProperty, checkScript, type PropertyBudget } from '../property.js';
import { DecidedOrder } from './decided-order.js';
import { same } from './same.js';
import { TwoProcesses, type NewInbox, type SharedInbox } from './shared-inbox.js';

/** What a webhook says of a run: `skipped` is over in no outcome. */
type Says = 'started' | 'failed early' | 'failed' | 'succeeded' | 'canceled' | 'skipped';

interface Webhook {
  readonly source: 'dbt' | 'paradime';
  readonly job: string;
  readonly run: number;
  readonly says: Says;
  readonly to: 0 | 1;
}

/** When each run of a job ended, in seconds: not in the order of their numbers, and some at the same time. */
const ENDS = [3, 1, 2, 1, 3, 2];
const endOf = (run: number): Date => new Date(START.getTime() - 60_000 + ENDS[run]! * 1_000);

const webhook: fc.Arbitrary<Webhook> = fc.record({
  source: fc.constantFrom('dbt', 'dbt', 'paradime' as const),
  job: fc.constantFrom('a', 'a', 'b'),
  run: fc.nat(ENDS.length - 1),
  says: fc.constantFrom<Says>(
    'started',
    'failed early',
    'failed',
    'failed',
    'succeeded',
    'succeeded',
    'canceled',
    'skipped',
  ),
  to: fc.constantFrom<0 | 1>(0, 1),
});

/** Webhooks of several jobs in any order: those of one element are there before any of them is read. */
type Arrivals = readonly (readonly Webhook[])[];
const arrivals: fc.Arbitrary<Arrivals> = fc.array(fc.array(webhook, { minLength: 1, maxLength: 10 }), {
  maxLength: 6,
  size: 'max',
});

function signed({ source, job, run, says }: Webhook): SignedWebhook {
  const id = runId(job, run);
  if (source === 'dbt') {
    const event = {
      started: 'started',
      'failed early': 'failed',
      failed: 'completed-failed',
      succeeded: 'succeeded',
      canceled: 'canceled',
      skipped: 'succeeded',
    } as const;
    // No code or word of dbt's that is known to be an outcome.
    const odd = says === 'skipped' && { runStatus: 'Skipped', runStatusCode: 99 };
    const data = { jobId: job, jobName: job, runId: id, ...odd };
    return dbtCloudWebhook({ event: event[says], now: endOf(run), payload: { data } });
  }
  const event = { started: 'started', 'failed early': 'failed', skipped: 'succeeded' } as const;
  const payload = {
    id,
    schedule_name: job,
    schedule: { name: job },
    end_dttm: says === 'started' ? undefined : dttm(endOf(run)),
    ...(says === 'skipped' && { status: 'skipped' }),
  };
  return paradimeWebhook({ event: event[says as keyof typeof event] ?? says, now: START, payload });
}

const runId = (job: string, run: number): string => `${job === 'a' ? 100 + run : 200 + run}`;
const dttm = (time: Date): string => time.toISOString().replace('T', ' ').replace('Z', '');

/** What must have come of it, all runs taken together: else they prove nothing. */
const REACHES = ['run.failed first', 'run.failed late', 'run.failed late first', 'run.recovered of 2', 'by 2 stores'];

/** Leads to all but the last of these in any case: of two processes nobody knows what they do in which order. */
const LEADS_THERE: readonly Webhook[] = [
  { source: 'dbt', job: 'a', run: 0, says: 'skipped', to: 0 },
  { source: 'dbt', job: 'a', run: 0, says: 'failed', to: 1 },
  { source: 'dbt', job: 'b', run: 1, says: 'failed', to: 0 },
  { source: 'dbt', job: 'b', run: 2, says: 'failed', to: 1 },
  { source: 'dbt', job: 'b', run: 0, says: 'succeeded', to: 0 },
  { source: 'dbt', job: 'b', run: 3, says: 'failed', to: 1 },
];

/** Tells two processes on one inbox of many runs, and compares each incident with those of the plain rule. */
export async function checkIncidents(newInbox: NewInbox, budget: PropertyBudget): Promise<void> {
  const missing = new Set(REACHES);
  const play = async (told: Arrivals, signal: AbortSignal): Promise<void> => {
    const reached = await tell(await newInbox(), told, signal);
    for (const reach of missing) if (reached.some((line) => line.startsWith(reach))) missing.delete(reach);
  };
  await checkScript(
    LEADS_THERE.map((one) => [one]),
    play,
  );
  await checkProperty(arrivals, play, { ...budget, missing: () => [...missing] });
}

/** Answers what followed, in words. */
async function tell(inbox: SharedInbox, told: Arrivals, signal: AbortSignal): Promise<string[]> {
  const order = new DecidedOrder();
  const two = await TwoProcesses.on(inbox, () => undefined, order.wrap);
  const messages = new Map<string, Webhook>();
  try {
    for (const together of told) {
      signal.throwIfAborted();
      for (const one of together) messages.set(await two.process(one.to).receive(one.source, signed(one)), one);
      await two.work();
    }
    const { items } = await two.process(0).inbox.events({}, { limit: 1_000 });
    const model = new IncidentModel();
    for (const id of order.messages) {
      const one = messages.get(id)!;
      const found = items.filter(({ messageId }) => messageId === id).map(said);
      same(found.sort(), model.read(one).sort(), `what followed from "${one.job} ${one.run} ${one.says}"`);
    }
    same(order.messages.length, messages.size, 'every message was read');
    for (const [job, expected] of model.jobs()) {
      const [source, name] = job.split(' ') as ['dbt' | 'paradime', string];
      const jobKey = source === 'dbt' ? `43786/${name}` : `n0sg8br1m44k0ryj/${name}`;
      same(plainJob(await two.process(1).inbox.job({ source, jobKey })), expected, `the job ${job}`);
    }
    return [...items.map(said), `by ${order.stores} stores`];
  } finally {
    await two.end();
  }
}

/** An event in words. */
function said({ type, data }: EventSummary): string {
  const { late, firstFailure, incident } = eventFacts(data);
  const runs = incident && incident.runs.map((run) => run.runId).join(' ');
  const since = incident && `since ${+incident.openedAt} until ${+incident.latestFailureAt}`;
  return [type, late && 'late', firstFailure && 'first', incident && `of ${incident.failures}: ${runs} ${since}`]
    .filter(Boolean)
    .join(' ');
}

interface Failure {
  readonly run: string;
  readonly at: number;
}

interface PlainJob {
  readonly succeeded: readonly number[];
  readonly open: readonly Failure[];
}

function plainJob(state: JobState | undefined): object {
  const { latestSuccessAt, incident } = state ?? {};
  return { latestSuccessAt: latestSuccessAt?.getTime(), open: incident?.runs.map((run) => run.runId) ?? [] };
}

/** The rule of incidents over lists of all that was told, in the order of reading. */
class IncidentModel {
  readonly #jobs = new Map<string, PlainJob>();
  /** What each run has had: `started`, `over`, and its one outcome. */
  readonly #runs = new Map<string, Set<string>>();

  read({ source, job, run, says }: Webhook): string[] {
    const name = `${source} ${job}`;
    const id = runId(job, run);
    const had = this.#runs.get(`${name} ${id}`) ?? new Set();
    this.#runs.set(`${name} ${id}`, had);
    const early = says === 'failed early' && source === 'dbt';
    const isLate = had.size > (had.has('started') ? 1 : 0);
    if (says === 'started') return once(had, 'started', isLate ? 'run.started late' : 'run.started');
    const wasOver = had.has('over');
    const over = early ? [] : once(had, 'over', 'run.completed');
    const outcome = says === 'failed early' ? 'failed' : says;
    if (outcome === 'skipped' || ['failed', 'succeeded', 'canceled'].some((one) => had.has(one))) return over;
    had.add(outcome);
    return [...over, ...this.#end(name, outcome, { run: id, at: +endOf(run) }, wasOver)];
  }

  *jobs(): Iterable<[string, object]> {
    for (const [name, { succeeded, open }] of this.#jobs) {
      const latestSuccessAt = succeeded.length > 0 ? Math.max(...succeeded) : undefined;
      yield [name, { latestSuccessAt, open: open.map(({ run }) => run) }];
    }
  }

  #end(name: string, outcome: 'failed' | 'succeeded' | 'canceled', end: Failure, wasOver: boolean): string[] {
    const { succeeded, open } = this.#jobs.get(name) ?? { succeeded: [], open: [] };
    if (outcome === 'canceled') return ['run.canceled'];
    if (outcome === 'failed') {
      const isOld = succeeded.some((at) => at > end.at);
      this.#jobs.set(name, { succeeded, open: isOld ? open : [...open, end] });
      const isFirst = !isOld && open.length === 0;
      return [`run.failed${isOld || wasOver ? ' late' : ''}${isFirst ? ' first' : ''}`];
    }
    const ends = open.length > 0 && open.every(({ at }) => at < end.at);
    this.#jobs.set(name, { succeeded: [...succeeded, end.at], open: ends ? [] : open });
    const times = open.map(({ at }) => at);
    const since = `since ${Math.min(...times)} until ${Math.max(...times)}`;
    const recovered = `run.recovered of ${open.length}: ${open.map(({ run }) => run).join(' ')} ${since}`;
    return ends ? ['run.succeeded', recovered] : ['run.succeeded'];
  }
}

function once(had: Set<string>, what: string, event: string): string[] {
  if (had.has(what)) return [];
  had.add(what);
  return [event];
}

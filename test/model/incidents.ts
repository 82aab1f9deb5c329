import type { EventSummary, JobState } from 'nestjs-runhooks/core';
import { dbtCloudWebhook, paradimeWebhook, type SignedWebhook } from 'nestjs-runhooks/testing';
import fc from 'fast-check';
import { eventFacts } from 'inside/event-data';
import { START } from '../dispatch/dispatch-harness.js';
import { checkProperty, checkScript, type PropertyBudget } from '../property.js';
import { DecidedOrder } from './decided-order.js';
import { same } from './same.js';
import { TwoProcesses, type NewInbox, type SharedInbox } from './shared-inbox.js';

/** The state of a run that a webhook reports. `skipped` ends a run without an outcome. */
type Reported = 'started' | 'failed early' | 'failed' | 'succeeded' | 'canceled' | 'skipped';

interface Webhook {
  readonly source: 'dbt' | 'paradime';
  readonly job: string;
  readonly run: number;
  readonly reports: Reported;
  /** Whether a webhook of Paradime has the slug of its schedule, besides its label. */
  readonly hasSlug: boolean;
  readonly to: 0 | 1;
}

/** The ends of each job's runs in seconds: not in the order of their numbers, and some at the same time. */
const ENDS = [3, 1, 2, 1, 3, 2];
const endOf = (run: number): Date => new Date(START.getTime() - 60_000 + ENDS[run]! * 1_000);

const webhook: fc.Arbitrary<Webhook> = fc.record({
  source: fc.constantFrom('dbt', 'dbt', 'paradime' as const),
  job: fc.constantFrom('a', 'a', 'b'),
  run: fc.nat(ENDS.length - 1),
  reports: fc.constantFrom<Reported>(
    'started',
    'failed early',
    'failed',
    'failed',
    'succeeded',
    'succeeded',
    'canceled',
    'skipped',
  ),
  hasSlug: fc.boolean(),
  to: fc.constantFrom<0 | 1>(0, 1),
});

/** Webhooks of several jobs in any order. All webhooks of one element are stored before any of them is parsed. */
type Arrivals = readonly (readonly Webhook[])[];
const arrivals: fc.Arbitrary<Arrivals> = fc.array(fc.array(webhook, { minLength: 1, maxLength: 10 }), {
  maxLength: 6,
  size: 'max',
});

function signed({ source, job, run, reports, hasSlug }: Webhook): SignedWebhook {
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
    // This code and this status are no known outcome of dbt.
    const odd = reports === 'skipped' && { runStatus: 'Skipped', runStatusCode: 99 };
    const data = { jobId: job, jobName: job, runId: id, ...odd };
    return dbtCloudWebhook({ event: event[reports], now: endOf(run), payload: { data } });
  }
  const event = { started: 'started', 'failed early': 'failed', skipped: 'succeeded' } as const;
  const payload = {
    id,
    schedule_name: job,
    schedule: { name: job, ...(hasSlug && { slug: slugOf(job) }) },
    end_dttm: reports === 'started' ? undefined : dttm(endOf(run)),
    ...(reports === 'skipped' && { status: 'skipped' }),
  };
  return paradimeWebhook({ event: event[reports as keyof typeof event] ?? reports, now: START, payload });
}

const runId = (job: string, run: number): string => `${job === 'a' ? 100 + run : 200 + run}`;
const slugOf = (job: string): string => `${job}-1a2b3c`;
const dttm = (time: Date): string => time.toISOString().replace('T', ' ').replace('Z', '');

/** Results that all runs together must produce; without them the test proves nothing. */
const REACHES = ['run.failed first', 'run.failed late', 'run.failed late first', 'run.recovered of 2', 'by 2 stores'];

/** Leads to all results except the last one, which depends on the order of two processes. */
const LEADS_THERE = (
  [
    { source: 'dbt', job: 'a', run: 0, reports: 'skipped', to: 0 },
    { source: 'dbt', job: 'a', run: 0, reports: 'failed', to: 1 },
    { source: 'dbt', job: 'b', run: 1, reports: 'failed', to: 0 },
    { source: 'dbt', job: 'b', run: 2, reports: 'failed', to: 1 },
    { source: 'dbt', job: 'b', run: 0, reports: 'succeeded', to: 0 },
    { source: 'dbt', job: 'b', run: 3, reports: 'failed', to: 1 },
  ] as const
).map((one): Webhook => ({ ...one, hasSlug: false }));

/** Sends webhooks of many runs to two processes on one inbox, and compares each incident with the plain rule. */
export async function checkIncidents(newInbox: NewInbox, budget: PropertyBudget): Promise<void> {
  const missing = new Set(REACHES);
  const play = async (sent: Arrivals, signal: AbortSignal): Promise<void> => {
    const reached = await sendAll(await newInbox(), sent, signal);
    for (const reach of missing) if (reached.some((line) => line.startsWith(reach))) missing.delete(reach);
  };
  await checkScript(
    LEADS_THERE.map((one) => [one]),
    play,
  );
  await checkProperty(arrivals, play, { ...budget, missing: () => [...missing] });
}

/** Sends the webhooks and returns descriptions of the events that followed. */
async function sendAll(inbox: SharedInbox, sent: Arrivals, signal: AbortSignal): Promise<string[]> {
  const order = new DecidedOrder();
  const two = await TwoProcesses.on(inbox, () => undefined, order.wrap);
  const messages = new Map<string, Webhook>();
  try {
    for (const together of sent) {
      signal.throwIfAborted();
      for (const one of together) messages.set(await two.process(one.to).receive(one.source, signed(one)), one);
      await two.work();
    }
    const { items } = await two.process(0).inbox.events({}, { limit: 1_000 });
    const model = new IncidentModel();
    for (const id of order.messages) {
      const one = messages.get(id)!;
      const found = items.filter(({ messageId }) => messageId === id).map(describeEvent);
      same(found.sort(), model.parse(one).sort(), `what followed from "${one.job} ${one.run} ${one.reports}"`);
    }
    same(order.messages.length, messages.size, 'every message was read');
    for (const [job, expected] of model.jobs()) {
      const [source, name] = job.split(' ') as ['dbt' | 'paradime', string];
      const jobKey = source === 'dbt' ? `43786/${name}` : `n0sg8br1m44k0ryj/${name}`;
      same(plainJob(await two.process(1).inbox.job({ source, jobKey })), expected, `the job ${job}`);
      const hasSlug = [...messages.values()].some((one) => one.source === source && one.job === name && one.hasSlug);
      if (source === 'dbt' || !hasSlug) continue;
      const slugKey = `n0sg8br1m44k0ryj/${slugOf(name)}`;
      same(plainJob(await two.process(0).inbox.job({ source, jobKey: slugKey })), expected, `${job} by its slug`);
    }
    return [...items.map(describeEvent), `by ${order.stores} stores`];
  } finally {
    await two.end();
  }
}

/** Describes an event. */
function describeEvent({ type, data }: EventSummary): string {
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

/** Applies the rule of incidents to the list of all webhooks, in the order they were parsed. */
class IncidentModel {
  readonly #jobs = new Map<string, PlainJob>();
  /** Facts known of each run: `started`, `over`, and its one outcome. */
  readonly #runs = new Map<string, Set<string>>();

  parse({ source, job, run, reports }: Webhook): string[] {
    const name = `${source} ${job}`;
    const id = runId(job, run);
    const had = this.#runs.get(`${name} ${id}`) ?? new Set();
    this.#runs.set(`${name} ${id}`, had);
    const early = reports === 'failed early' && source === 'dbt';
    const isLate = had.size > (had.has('started') ? 1 : 0);
    if (reports === 'started') return once(had, 'started', isLate ? 'run.started late' : 'run.started');
    const wasOver = had.has('over');
    const over = early ? [] : once(had, 'over', 'run.completed');
    const outcome = reports === 'failed early' ? 'failed' : reports;
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

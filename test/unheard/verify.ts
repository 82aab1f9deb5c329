import type { EventSummary, RunSummary } from 'nestjs-runhooks';
import type { FakeWebhook } from 'nestjs-runhooks/testing';
import type { Receipt } from './ledger.js';
import type { WorldRun } from './world-run.js';

/** Calls a day that sweeps of an account may need (docs of dbt Cloud allow 5,000 a minute). */
export const CALLS_A_DAY_MAX = 2_500;

/** What happened in one account, by the world, and what came of it, by the inbox and the handlers. */
export interface Evidence {
  readonly world: readonly WorldRun[];
  /** Outcomes that the provider shows, by run. */
  readonly outcomes: ReadonlyMap<string, string | undefined>;
  /** Runs that each handler must receive, independently of the filters in the app. */
  readonly wanted: Readonly<Record<string, (run: WorldRun) => boolean>>;
  /** Whether some jobs are without a subscription. */
  readonly hasStrangers: boolean;
  readonly webhooks: readonly FakeWebhook[];
  /** Time of the install. */
  readonly since: Date;
  readonly runs: readonly RunSummary[];
  readonly events: readonly EventSummary[];
  /** Deliveries that are pending or dead. */
  readonly unfinished: number;
  readonly receipts: readonly Receipt[];
  /** Numbers of the processes that were killed. */
  readonly killed: ReadonlySet<number>;
  /** Calls of the first day, on which nothing but webhooks fails. */
  readonly callsADay: number;
}

export interface Verdict {
  /** Ended runs in scope. */
  readonly runs: number;
  readonly byWebhook: number;
  readonly bySweep: number;
  /** Runs that the inbox lacks or knows wrongly, and those that a handler should have received. */
  readonly unheard: number;
  /** Events and deliveries beyond the first one for a fact. */
  readonly toldTwice: number;
  readonly callsADay: number;
  /** Empty if every guarantee holds. */
  readonly problems: readonly string[];
}

const OUTCOMES = ['run.succeeded', 'run.failed', 'run.canceled'];

/** Compares the evidence with the world. */
export function verify(evidence: Evidence): Verdict {
  const check = new Check(evidence);
  check.world();
  const unheardRuns = check.runs();
  const unheardByHandlers = check.handlers();
  const toldTwice = check.repetitions();
  check.strangers();
  check.soreJobs();
  const { byWebhook, bySweep } = check.origins();
  check.work();
  return {
    runs: check.expected.length,
    byWebhook,
    bySweep,
    unheard: unheardRuns + unheardByHandlers,
    toldTwice,
    callsADay: evidence.callsADay,
    problems: check.problems,
  };
}

class Check {
  readonly problems: string[] = [];
  /** Ended runs in scope. */
  readonly expected: readonly WorldRun[];
  readonly #evidence: Evidence;
  readonly #summaries: ReadonlyMap<string, RunSummary>;
  /** Number of events by `<type> <run>`. */
  readonly #events = new Map<string, number>();

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
    this.expected = evidence.world.filter(({ job, endedAt }) => job.isSubscribed && endedAt !== undefined);
    this.#summaries = new Map(evidence.runs.map((run) => [run.runId, run]));
    for (const { type, data } of evidence.events) {
      const { run } = JSON.parse(data) as { run?: { id: string } };
      const fact = `${type} ${run?.id}`;
      this.#events.set(fact, (this.#events.get(fact) ?? 0) + 1);
    }
  }

  /** The world must be what it plans to be. */
  world(): void {
    const { world, outcomes } = this.#evidence;
    for (const { id, outcome, endedAt } of world) {
      this.#require(endedAt !== undefined, `run ${id} has not ended`);
      this.#require(
        outcomes.get(id) === outcome,
        `run ${id} is ${outcome}, and its provider shows ${outcomes.get(id)}`,
      );
    }
    this.#require(
      world.length === outcomes.size,
      `the account has ${outcomes.size} runs, and the plan ${world.length}`,
    );
  }

  /** Returns the number of runs that the inbox lacks or knows wrongly. */
  runs(): number {
    return this.expected.filter((run) => !this.#isHeard(run)).length;
  }

  /** Returns the number of runs that handlers should have received. */
  handlers(): number {
    const received = new Map<string, Set<string>>();
    for (const { handlerId, runId } of this.#evidence.receipts) {
      received.set(handlerId, (received.get(handlerId) ?? new Set()).add(runId));
    }
    let missing = 0;
    for (const [handlerId, isWanted] of Object.entries(this.#evidence.wanted)) {
      const wanted = new Set(this.expected.filter((run) => !this.#isHistory(run) && isWanted(run)).map(({ id }) => id));
      const found = received.get(handlerId) ?? new Set();
      const missed = [...wanted].filter((id) => !found.has(id));
      const extra = [...found].filter((id) => !wanted.has(id));
      missing += missed.length;
      this.#require(missed.length === 0, `handler ${handlerId} did not receive ${some(missed)}`);
      this.#require(extra.length === 0, `handler ${handlerId} received ${some(extra)}, which its filter excludes`);
    }
    return missing;
  }

  /** Returns the number of events and deliveries beyond the first for one fact. */
  repetitions(): number {
    let repeated = 0;
    for (const [fact, count] of this.#events) {
      repeated += count - 1;
      this.#require(count === 1, `${count} events say ${fact}`);
    }
    const deliveries = new Map<string, Map<string, Receipt[]>>();
    for (const receipt of this.#evidence.receipts) {
      const fact = `${receipt.handlerId}: ${receipt.type} ${receipt.runId}`;
      const ofFact = deliveries.get(fact) ?? new Map<string, Receipt[]>();
      deliveries.set(fact, ofFact.set(receipt.deliveryId, [...(ofFact.get(receipt.deliveryId) ?? []), receipt]));
    }
    for (const [fact, ofFact] of deliveries) {
      const unexplained = [...ofFact.values()].map(this.#unexplained).reduce((sum, count) => sum + count, 0);
      const extra = ofFact.size - 1 + unexplained;
      repeated += extra;
      this.#require(extra === 0, `handler ${fact}: received ${extra} times too often`);
    }
    return repeated;
  }

  /** Runs of jobs without a subscription are none of the app's business. */
  strangers(): void {
    const strangers = new Set(this.#evidence.world.filter(({ job }) => !job.isSubscribed).map(({ id }) => id));
    const heard = this.#evidence.runs.filter(({ runId }) => strangers.has(runId)).map(({ runId }) => runId);
    this.#require(
      strangers.size > 0 || !this.#evidence.hasStrangers,
      'no job is without a subscription, so nothing was tested',
    );
    this.#require(heard.length === 0, `the inbox has ${some(heard)} of jobs without a subscription`);
  }

  /** A job that failed before the install pages for its next failure, once. */
  soreJobs(): void {
    const pages = this.#evidence.receipts.filter(({ handlerId }) => handlerId === 'pager');
    const pagesOf = grouped(pages);
    let tested = 0;
    for (const run of this.expected) {
      const count = new Set((pagesOf.get(run.id) ?? []).map(({ deliveryId }) => deliveryId)).size;
      const isHistory = this.#isHistory(run);
      if (isHistory || run.outcome !== 'failed') this.#require(count === 0, `run ${run.id} paged, and must not`);
      else if (run.job.isSore) {
        tested += 1;
        this.#require(count === 1, `the first failure of job ${run.job.id} since the install paged ${count} times`);
      }
    }
    this.#require(tested > 0, 'no job failed before the install and after it, so nothing was tested');
  }

  /** Returns how the runs were heard. */
  origins(): { readonly byWebhook: number; readonly bySweep: number } {
    const heard = this.expected.filter(({ id }) => this.#summaries.has(id));
    const bySweep = heard.filter(({ id }) => this.#summaries.get(id)?.origin === 'api');
    const delivered = new Set(
      this.#evidence.webhooks
        .filter(({ attempts }) => attempts.some(({ status }) => status === 200 || status === 0))
        .map(({ runId }) => runId),
    );
    for (const { id } of heard) {
      const isFromApi = this.#summaries.get(id)?.origin === 'api';
      this.#require(isFromApi || delivered.has(id), `run ${id} counts as heard by webhook, and none arrived`);
    }
    const byWebhook = heard.length - bySweep.length;
    this.#require(byWebhook > 0, 'no run was heard by webhook, so nothing was tested');
    this.#require(bySweep.length > 0, 'no run was found by a sweep, so nothing was tested');
    return { byWebhook, bySweep: bySweep.length };
  }

  work(): void {
    const { unfinished, callsADay } = this.#evidence;
    this.#require(unfinished === 0, `${unfinished} deliveries are pending or dead`);
    this.#require(callsADay < CALLS_A_DAY_MAX, `${callsADay} calls a day; expected fewer than ${CALLS_A_DAY_MAX}`);
  }

  #isHeard(run: WorldRun): boolean {
    const summary = this.#summaries.get(run.id);
    if (!summary) return this.#require(false, `run ${run.id}, ${run.outcome}, is not in the inbox`);
    const { outcome, contradicted, types } = summary;
    if (outcome !== run.outcome || contradicted) {
      return this.#require(false, `run ${run.id} is ${run.outcome}, and ${outcome} in the inbox`);
    }
    const wanted = this.#isHistory(run) ? [] : [`run.${run.outcome}`, 'run.completed'];
    if (!wanted.every((type) => types.some((one) => one === type))) {
      return this.#require(false, `run ${run.id} is not completed in the inbox`);
    }
    const told = [...OUTCOMES, 'run.completed'].filter((type) => this.#events.has(`${type} ${run.id}`));
    return this.#require(
      wanted.every((type) => told.includes(type)) && told.length === wanted.length,
      `run ${run.id} has the events ${told.join(', ')}; expected ${wanted.join(', ')}`,
    );
  }

  #isHistory({ endedAt }: WorldRun): boolean {
    return endedAt !== undefined && endedAt < this.#evidence.since;
  }

  /** A kill can repeat an attempt, and nothing else can. */
  readonly #unexplained = (receipts: readonly Receipt[]): number =>
    receipts.slice(0, -1).filter(({ processNumber }) => !this.#evidence.killed.has(processNumber)).length;

  #require(isTrue: boolean, problem: string): boolean {
    if (!isTrue) this.problems.push(problem);
    return isTrue;
  }
}

function grouped(receipts: readonly Receipt[]): Map<string, Receipt[]> {
  const groups = new Map<string, Receipt[]>();
  for (const receipt of receipts) groups.set(receipt.runId, [...(groups.get(receipt.runId) ?? []), receipt]);
  return groups;
}

function some(ids: readonly string[]): string {
  return `${ids.length} runs (${ids.slice(0, 5).join(', ')})`;
}

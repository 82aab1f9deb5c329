import type { AvailableResults, RunResults } from 'nestjs-runhooks/core';
import { checkedRuns, factOf, factOfReceipt, failuresOf, type CheckedRun } from './checked-run.js';
import type { Evidence } from './evidence.js';
import { nodesOf, type Expected } from './expected.js';
import type { Receipt } from './ledger.js';
import { checkIncidents } from './verify-incidents.js';
import { isNightly } from './world/world-run.js';

/** Nodes that an event has at most. */
const NODES_MAX = 200;

export interface Verdict {
  /** Runs that ended after the install. */
  readonly runs: number;
  /** Events `run.results`. */
  readonly results: number;
  /** Events and calls of handlers beyond the first one for a fact, which no kill explains. */
  readonly doubled: number;
  /** Events and calls of handlers that are missing, and results that the inbox lacks or has wrongly. */
  readonly missed: number;
  /** Nodes of runs that opened, joined or ended an incident wrongly, or whose incident is wrong in the end. */
  readonly wrong: number;
  /** Empty if every guarantee holds. */
  readonly problems: readonly string[];
}

/** Compares the evidence with the world. */
export function verify(evidence: Evidence): Verdict {
  const check = new Check(evidence);
  const runs = [...check.runs.values()];
  const unread = runs.filter((run) => !check.results(run)).length;
  const missed = unread + check.events() + check.handlers() + check.work();
  const doubled = check.repetitions();
  const { wrong, problems } = checkIncidents(evidence, check.runs);
  return {
    runs: runs.length,
    results: evidence.events.filter(({ type }) => type === 'run.results').length,
    doubled,
    missed,
    wrong,
    problems: [...check.problems, ...problems],
  };
}

/** Handlers, and the facts that each must receive, independently of the filters in the app. */
const WANTED: Readonly<Record<string, (run: CheckedRun) => readonly string[]>> = {
  results: (run) => (isNightly(run) ? [factOf('run.results', run.key)] : []),
  failures: failuresOf,
  models: (run) =>
    run.isIsolated ? [] : failuresOf(run).filter((fact) => / (model\.shop\.m1|snapshot\.shop\.h)/.test(fact)),
};

class Check {
  readonly problems: string[] = [];
  /** Runs that ended after the install, by key. */
  readonly runs: ReadonlyMap<string, CheckedRun>;
  readonly #evidence: Evidence;
  /** Number of events by fact. */
  readonly #events = new Map<string, number>();

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
    this.runs = checkedRuns(evidence);
    for (const { type, source, data } of evidence.events) {
      if (type !== 'run.results' && !type.startsWith('node.')) continue;
      const { run, node } = JSON.parse(data) as { run?: { id: string }; node?: { uniqueId: string } };
      const fact = factOf(type, `${source}/${run?.id}`, node?.uniqueId);
      this.#events.set(fact, (this.#events.get(fact) ?? 0) + 1);
    }
  }

  /** Returns whether the inbox has the results of a run, as the world has them. */
  results(run: CheckedRun): boolean {
    const { key, expected, isUnread } = run;
    const found = this.#evidence.results.get(key);
    if (!found) return this.#require(isUnread, `${name(run)} has no results; expected ${summary(expected)}`);
    const { results } = found;
    if (!this.#require(found.isRecorded, `the results of ${name(run)} are not recorded`)) return false;
    if (expected.state === 'missing' || results.state === 'missing') {
      const state = results.state === 'missing' ? results.reason : results.state;
      const isExpected = state === (expected.state === 'missing' ? expected.reason : expected.state);
      return this.#require(isExpected, `${name(run)} has the results ${state}; expected ${summary(expected)}`);
    }
    const problems = differences(results, expected);
    return this.#require(problems.length === 0, `${name(run)} has wrong results: ${problems.join('; ')}`);
  }

  /** Returns the number of events that are missing, or are about what did not happen. */
  events(): number {
    const wanted = new Set<string>();
    for (const run of this.runs.values()) {
      if (!run.isUnread) wanted.add(factOf('run.results', run.key));
      for (const fact of failuresOf(run)) wanted.add(fact);
    }
    const missing = [...wanted].filter((fact) => !this.#events.has(fact));
    const extra = [...this.#events.keys()].filter((fact) => !wanted.has(fact) && !this.#isPossible(fact));
    for (const fact of missing) this.#require(false, `no event says ${fact}`);
    for (const fact of extra) this.#require(false, `an event says ${fact}, which did not happen`);
    return missing.length + extra.length;
  }

  /** Returns the number of calls of handlers that are missing, or are about events that their filter excludes. */
  handlers(): number {
    const runs = [...this.runs.values()];
    const recoveries = [...this.#events.keys()].filter((fact) => fact.startsWith('node.recovered '));
    const all = Object.entries(WANTED).map(([id, of]): [string, readonly string[]] => [id, runs.flatMap(of)]);
    let wrong = 0;
    for (const [handlerId, facts] of [...all, ['recoveries', recoveries] as const]) {
      const wanted = new Set(facts);
      const receipts = this.#evidence.receipts.filter((receipt) => receipt.handlerId === handlerId);
      const received = new Set(receipts.map(factOfReceipt));
      const missing = [...wanted].filter((fact) => !received.has(fact));
      const extra = [...received].filter((fact) => !wanted.has(fact));
      for (const fact of missing) this.#require(false, `handler ${handlerId} did not receive ${fact}`);
      for (const fact of extra) this.#require(false, `handler ${handlerId} received ${fact}, which it must not`);
      const altered = receipts.filter((receipt) => wanted.has(factOfReceipt(receipt)) && !this.#isRight(receipt));
      wrong += missing.length + extra.length + altered.length;
      this.#require(wanted.size > 0, `handler ${handlerId} must receive nothing, so nothing was tested`);
    }
    return wrong;
  }

  /** Returns the number of events and deliveries beyond the first for one fact. */
  repetitions(): number {
    let repeated = 0;
    for (const [fact, count] of this.#events) {
      repeated += count - 1;
      this.#require(count === 1, `${count} events say ${fact}`);
    }
    const facts = new Map<string, Map<string, Receipt[]>>();
    for (const receipt of this.#evidence.receipts) {
      const fact = `${receipt.handlerId}: ${factOfReceipt(receipt)}`;
      const deliveries = facts.get(fact) ?? new Map<string, Receipt[]>();
      const ofDelivery = deliveries.get(receipt.deliveryId) ?? [];
      facts.set(fact, deliveries.set(receipt.deliveryId, [...ofDelivery, receipt]));
    }
    for (const [fact, deliveries] of facts) {
      const unexplained = [...deliveries.values()].flatMap((receipts) =>
        receipts.slice(0, -1).filter(this.#isUnexplained),
      );
      const extra = deliveries.size - 1 + unexplained.length;
      repeated += extra;
      this.#require(extra === 0, `handler ${fact}: received ${extra} times too often`);
    }
    return repeated;
  }

  /** Returns the number of deliveries that have not finished. */
  work(): number {
    const { unfinished } = this.#evidence;
    this.#require(unfinished === 0, `${unfinished} deliveries are pending or dead`);
    return unfinished;
  }

  /** Whether an event need not be there, and may be. Recoveries are checked with the incidents. */
  #isPossible(fact: string): boolean {
    const [type, key = ''] = fact.split(' ');
    return type === 'node.recovered' || (type === 'run.results' && this.runs.get(key)?.isUnread === true);
  }

  /** Returns whether an event says what the world says. Incidents are checked elsewhere. */
  #isRight(receipt: Receipt): boolean {
    const { fact } = receipt;
    const run = this.runs.get(`${receipt.source}/${receipt.runId}`);
    if (!run || fact.type === 'node.recovered') return run !== undefined;
    if (fact.type === 'run.results') {
      const isSame = isShortOf(fact.results, this.#evidence.results.get(run.key)?.results);
      return this.#require(isSame, `${factOfReceipt(receipt)} differs from the results in the inbox`);
    }
    const planned = run.expected.state === 'available' ? run.expected.nodes.get(fact.node.uniqueId) : undefined;
    const { message, status } = fact.node;
    return this.#require(
      message === planned?.shown && status === planned?.status.toLowerCase(),
      `${factOfReceipt(receipt)} has the message ${text(message)}; expected ${text(planned?.shown)}`,
    );
  }

  /** A kill can repeat an attempt, and nothing else can. */
  readonly #isUnexplained = ({ processNumber }: Receipt): boolean => !this.#evidence.killed.has(processNumber);

  #require(isTrue: boolean, problem: string): boolean {
    if (!isTrue) this.problems.push(problem);
    return isTrue;
  }
}

/** Returns what is wrong about the results of a run. */
function differences(found: AvailableResults, expected: Expected & { readonly state: 'available' }): string[] {
  const problems: string[] = [];
  const compare = (what: string, is: unknown, should: unknown): void => {
    if (JSON.stringify(is) !== JSON.stringify(should)) problems.push(`${what} ${text(is)}; expected ${text(should)}`);
  };
  for (const outcome of ['succeeded', 'warned', 'failed', 'skipped', 'unknown'] as const) {
    compare(outcome, found.counts[outcome], nodesOf(expected, outcome).length);
  }
  compare('total', found.counts.total, expected.nodes.size);
  const statuses = new Map<string, number>();
  for (const { status } of expected.nodes.values()) {
    statuses.set(status.toLowerCase(), (statuses.get(status.toLowerCase()) ?? 0) + 1);
  }
  compare('statuses', Object.entries(found.statuses).toSorted(byName), [...statuses].toSorted(byName));
  const kinds = Object.values(found.kinds).reduce((sum, { total }) => sum + total, 0);
  compare('nodes of all kinds', kinds, expected.nodes.size);
  compare('unreadable rows', found.unreadableRows, expected.unreadableRows);
  compare('missing steps', found.missingSteps.length, expected.missingSteps);
  for (const outcome of ['failed', 'warned'] as const) {
    const planned = nodesOf(expected, outcome).map(({ id, shown }) => `${id}: ${shown}`);
    const told = found[outcome].map(({ uniqueId, message }) => `${uniqueId}: ${message}`);
    compare(`nodes that ${outcome}`, told.toSorted(), planned.toSorted());
  }
  return problems;
}

/** Returns whether an event has the results in the inbox, but for nodes beyond the first 200. */
function isShortOf(told: RunResults, stored: RunResults | undefined): boolean {
  if (told.state === 'missing' || stored?.state !== 'available') return JSON.stringify(told) === JSON.stringify(stored);
  const nodes = [...stored.failed, ...stored.warned];
  const failed = stored.failed.slice(0, NODES_MAX);
  const warned = stored.warned.slice(0, NODES_MAX - failed.length);
  const omitted = nodes.length - failed.length - warned.length;
  return JSON.stringify(sorted(told)) === JSON.stringify(sorted({ ...stored, failed, warned, omitted }));
}

function sorted(results: AvailableResults): unknown {
  return Object.entries(results).toSorted(([one], [other]) => (one < other ? -1 : 1));
}

function byName([one]: readonly [string, number], [other]: readonly [string, number]): number {
  return one < other ? -1 : 1;
}

/** Returns a run for a problem. */
function name({ key, job, outcome }: Pick<CheckedRun, 'key' | 'job' | 'outcome'>): string {
  return `run ${key} (${job.name}, ${outcome})`;
}

function summary(expected: Expected): string {
  return expected.state === 'missing' ? expected.reason : `${expected.nodes.size} nodes`;
}

function text(value: unknown): string {
  return (JSON.stringify(value) ?? 'none').slice(0, 200);
}

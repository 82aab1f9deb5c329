import type { ActionSummary } from 'nestjs-runhooks';
import type { Evidence, KnownRun } from './evidence.js';
import type { Receipt } from './ledger.js';
import type { SentRequest } from './network.js';

/** Numbers of some actions. */
export interface Totals {
  readonly actions: number;
  /** Runs that the provider started for them. */
  readonly runs: number;
  /** Actions that the provider carried out more than once. */
  readonly doubled: number;
}

export interface Verdict extends Totals {
  /** Actions that were not carried out although the app believes it, or whose end the app does not know. */
  readonly lost: number;
  /** Actions that an operator had to decide about, or that a webhook answered before. */
  readonly unknown: number;
  /** The same numbers of actions with `onUnknown: 'again'`, which may be carried out more than once. */
  readonly again: Totals;
  /** Empty if every guarantee holds. */
  readonly problems: readonly string[];
}

/** What each handler of the app does, independently of its code. */
const HANDLERS: Readonly<Record<string, Pick<Ask, 'kind' | 'isAgain'> & { readonly retriesMax?: number }>> = {
  once: { kind: 'retry', isAgain: false, retriesMax: 1 },
  twice: { kind: 'retry', isAgain: false, retriesMax: 2 },
  'again-retry': { kind: 'retry', isAgain: true },
  start: { kind: 'trigger', isAgain: false },
  'again-start': { kind: 'trigger', isAgain: true },
  stuck: { kind: 'cancel', isAgain: false },
};

/** Time after which every list shows a run. */
const LAG_MS = 90_000;

/** A delivery to a handler that asks for an action. */
interface Ask {
  readonly key: string;
  readonly handlerId: string;
  readonly source: string;
  /** Run of the event. */
  readonly runId: string;
  readonly kind: 'retry' | 'trigger' | 'cancel';
  readonly isAgain: boolean;
  readonly state: string;
  readonly action: ActionSummary | undefined;
  readonly receipts: readonly Receipt[];
  /** Requests for it, as the network saw them. */
  readonly requests: readonly SentRequest[];
  /** Runs that were started or canceled for it, as the provider knows them. */
  readonly effects: readonly KnownRun[];
}

/** Compares what the inbox and the handlers believe with what the providers did. */
export function verify(evidence: Evidence): Verdict {
  const check = new Check(evidence);
  const { asks } = check;
  const doubled = asks.filter((ask) => check.isDoubled(ask));
  const lost = asks.filter((ask) => check.isLost(ask)).length + check.lostRequests();
  check.strays();
  check.repeatedCalls();
  check.retriesMax();
  check.roots();
  check.incidents();
  check.counts();
  const totalsOf = (isAgain: boolean): Totals => {
    const own = asks.filter((ask) => ask.isAgain === isAgain);
    return {
      actions: own.length,
      runs: own.filter(({ kind }) => kind !== 'cancel').reduce((sum, { effects }) => sum + effects.length, 0),
      doubled: doubled.filter((ask) => ask.isAgain === isAgain).length,
    };
  };
  const unknown = asks.filter(({ key, action }) => evidence.unknown.has(key) || action?.state === 'unknown').length;
  return { ...totalsOf(false), lost, unknown, again: totalsOf(true), problems: check.problems };
}

class Check {
  readonly problems: string[] = [];
  readonly asks: readonly Ask[];
  readonly #evidence: Evidence;
  readonly #runs: ReadonlyMap<string, KnownRun>;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
    this.#runs = new Map(evidence.runs.map((run) => [`${run.source}/${run.id}`, run]));
    this.asks = this.#asksOf(evidence);
  }

  isDoubled(ask: Ask): boolean {
    const { isAgain, kind, effects, requests } = ask;
    const times = kind === 'cancel' ? requests.filter(({ hasEffect }) => hasEffect).length : effects.length;
    return times > 1 && (isAgain || !this.#require(false, `${name(ask)} was carried out ${times} times`));
  }

  /** Returns whether the app believes something that the provider has not done, or does not know the end. */
  isLost(ask: Ask): boolean {
    const { kind, source, runId, state, action, receipts, effects } = ask;
    const all = [
      this.#require(state === 'succeeded', `the delivery of ${name(ask)} is ${state}`),
      this.#require(receipts.length > 0, `no handler was told what came of ${name(ask)}`),
      this.#require(
        new Set(receipts.map(({ told }) => JSON.stringify(told))).size < 2,
        `handlers were told different ends of ${name(ask)}`,
      ),
    ];
    if (!action) {
      const isLimited = receipts.every(({ told }) => told.outcome === 'refused' && told.reason === 'retries-max');
      all.push(
        this.#require(isLimited, `${name(ask)} is not in the inbox`),
        this.#require(effects.length === 0, `${name(ask)} was carried out, and is not in the inbox`),
      );
    } else if (action.state === 'answered') {
      const answer = action.answer?.runId;
      // A cancellation without an answer counts as done once the run is over, whatever ended it.
      const isOver = this.#runs.get(`${source}/${runId}`)?.isOpen === false;
      all.push(
        this.#require(
          kind === 'cancel' ? answer === runId && isOver : effects.some(({ id }) => id === answer),
          `${name(ask)} is answered by run ${answer}, which it did not ${kind === 'cancel' ? 'end' : 'start'}`,
        ),
        this.#require(
          receipts.every(({ told }) => told.outcome === 'answered' && told.answer === answer),
          `${name(ask)} is answered by run ${answer}, and a handler was told otherwise`,
        ),
      );
    } else if (action.state === 'refused') {
      all.push(
        this.#require(effects.length === 0, `${name(ask)} is refused, and was carried out`),
        this.#require(
          receipts.every(({ told }) => told.outcome === 'refused' && told.reason === action.refusal?.reason),
          `${name(ask)} is refused, and a handler was told otherwise`,
        ),
      );
    } else {
      all.push(this.#require(false, `${name(ask)} is ${action.state} in the end`));
    }
    return !all.every(Boolean);
  }

  /** Returns the number of actions in the inbox that no delivery asks for. */
  lostRequests(): number {
    const known = new Set(this.asks.map(({ source, key }) => `${source} ${key}`));
    const strays = this.#evidence.actions.filter(({ source, key }) => !known.has(`${source} ${key}`));
    for (const { key } of strays) this.#require(false, `no delivery asks for the action ${key}`);
    return strays.length;
  }

  /** Every run that was started through the API belongs to one action. */
  strays(): void {
    const owned = new Set(this.asks.flatMap(({ effects }) => effects));
    for (const run of this.#evidence.runs.filter((one) => one.isStarted && !owned.has(one))) {
      this.#require(false, `run ${run.id} of ${run.source} was started, and no action asked for it`);
    }
  }

  /** No request was sent again after the provider had done it, unless no look-up could have shown it. */
  repeatedCalls(): void {
    for (const ask of this.asks) {
      const done = ask.requests.findIndex(({ isDone }) => isDone);
      for (const later of done === -1 ? [] : ask.requests.slice(done + 1)) {
        const first = ask.requests[done] as SentRequest;
        const visibleAt = first.at.getTime() + LAG_MS;
        const isExcused = ask.isAgain && !this.#wasLookedFor(ask, visibleAt, later.at.getTime());
        this.#require(
          isExcused,
          `${name(ask)} was sent again (${later.trouble}), after it was done (${first.trouble})`,
        );
      }
    }
  }

  /** Of a run and its retries, Runhooks started no more retries than the handler allows. */
  retriesMax(): void {
    const retries = new Map<string, KnownRun[]>();
    for (const run of this.#evidence.runs.filter(({ isStarted, retryOf }) => isStarted && retryOf !== undefined)) {
      const root = `${run.source}/${this.#rootOf(run)}`;
      retries.set(root, [...(retries.get(root) ?? []), run]);
    }
    for (const ask of this.asks.filter(({ kind, isAgain }) => kind === 'retry' && !isAgain)) {
      const run = this.#runs.get(`${ask.source}/${ask.runId}`);
      const max = HANDLERS[ask.handlerId]?.retriesMax ?? 0;
      const found = retries.get(`${ask.source}/${run ? this.#rootOf(run) : ask.runId}`)?.length ?? 0;
      this.#require(found <= max, `the root run of ${name(ask)} has ${found} retries; expected at most ${max}`);
      const isLimited = ask.receipts.some(({ told }) => told.outcome === 'refused' && told.reason === 'retries-max');
      this.#require(!isLimited || found === max, `${name(ask)} was refused after ${found} of ${max} retries`);
    }
  }

  /** Events of a retry that were recorded after its action was answered tell what it retries. */
  roots(): void {
    const answeredAt = new Map<string, Date>();
    for (const { source, told, at } of this.#evidence.receipts) {
      if (told.outcome === 'answered') answeredAt.set(`${source}/${told.answer}`, at);
    }
    let told = 0;
    for (const { type, source, recordedAt, data } of this.#evidence.events) {
      const { run } = JSON.parse(data) as { run?: { id: string; retryOf?: string; rootRun?: string } };
      const known = this.#runs.get(`${source}/${run?.id}`);
      const since = answeredAt.get(`${source}/${run?.id}`);
      if (!run || known?.retryOf === undefined || !since || recordedAt <= since) continue;
      told += 1;
      this.#require(run.retryOf === known.retryOf, `${type} of run ${run.id} has the retryOf ${run.retryOf}`);
      this.#require(run.rootRun === this.#rootOf(known), `${type} of run ${run.id} has the rootRun ${run.rootRun}`);
    }
    this.#require(told > 0, 'no event is about a retry, so nothing was tested');
  }

  /** A job whose last run was a retry that succeeded has no incident. */
  incidents(): void {
    const last = new Map<string, KnownRun>();
    for (const key of this.#evidence.ended) {
      const run = this.#runs.get(key);
      if (run) last.set(`${run.source}/${run.jobId}`, run);
    }
    // While its clock is behind, an inbox takes the end of a run for the time at which it heard of it.
    const behind = new Set(
      this.#evidence.events
        .filter(({ occurredAt, recordedAt }) => occurredAt > recordedAt)
        .map(({ source, data }) => `${source}/${(JSON.parse(data) as { run?: { id: string } }).run?.id}`),
    );
    const ended = [...last].filter(
      ([, run]) =>
        run.isStarted && run.retryOf !== undefined && run.hasSucceeded && !behind.has(`${run.source}/${run.id}`),
    );
    for (const [job, run] of ended) {
      this.#require(!this.#evidence.jobs.get(job)?.incident, `job ${job} has an incident after the retry ${run.id}`);
    }
    this.#require(ended.length > 0, 'no job ended with a retry that succeeded, so nothing was tested');
  }

  /** The numbers of the inbox are those of its list. */
  counts(): void {
    for (const [state, count] of Object.entries(this.#evidence.counts)) {
      const found = this.#evidence.actions.filter((action) => action.state === state).length;
      this.#require(count === found, `the inbox counts ${count} actions as ${state}, and lists ${found}`);
    }
  }

  #asksOf({ deliveries, events, actions, receipts, requests }: Evidence): Ask[] {
    const eventsById = new Map(events.map((event) => [event.id, event]));
    const actionsByKey = new Map(actions.map((action) => [`${action.source} ${action.key}`, action]));
    return deliveries.flatMap(({ id: key, eventId, handlerId, state }) => {
      const handler = HANDLERS[handlerId];
      const event = eventsById.get(eventId);
      if (!handler || !event) return [];
      const { source } = event;
      const { kind, isAgain } = handler;
      const runId = (JSON.parse(event.data) as { run: { id: string } }).run.id;
      const action = actionsByKey.get(`${source} ${key}`);
      const cause = causeOf(runId);
      const ask = {
        key,
        handlerId,
        source,
        runId,
        kind,
        isAgain,
        state,
        action,
        receipts: receipts.filter(({ deliveryId }) => deliveryId === key),
        requests: requests.filter(
          (request) =>
            request.source === source &&
            request.kind === kind &&
            (kind === 'trigger' ? request.cause.endsWith(cause) : request.target === runId),
        ),
        effects: this.#evidence.runs.filter((run) => {
          if (run.source !== source) return false;
          if (kind === 'cancel') return run.id === runId && run.isCanceled;
          return run.isStarted && (kind === 'retry' ? run.retryOf === runId : run.cause.endsWith(cause));
        }),
      };
      return [ask];
    });
  }

  #wasLookedFor({ source, kind, runId, action }: Ask, fromMs: number, toMs: number): boolean {
    return this.#evidence.looks.some(({ source: of, asked, at }) => {
      if (of !== source || at.getTime() < fromMs || at.getTime() >= toMs) return false;
      return asked.includes(kind === 'retry' ? `/runs/${runId}/` : `job_definition_id=${action?.target}&`);
    });
  }

  #rootOf(run: KnownRun): string {
    const parent = run.retryOf === undefined ? undefined : this.#runs.get(`${run.source}/${run.retryOf}`);
    return parent ? this.#rootOf(parent) : run.id;
  }

  #require(holds: boolean, problem: string): boolean {
    if (!holds) this.problems.push(problem);
    return holds;
  }
}

/** Returns the end of the cause of a run that was started after another one. */
function causeOf(runId: string): string {
  return ` after run ${runId}`;
}

function name({ kind, source, runId, handlerId, key }: Ask): string {
  return `${kind} after run ${runId} of ${source} (${handlerId}, ${key})`;
}

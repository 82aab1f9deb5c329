import type { DeliveryEvidence, Evidence } from './evidence.js';
import { expectedFacts, factsOf, groupBy, keyOf, type Wanted } from './facts.js';
import type { Effect } from './ledger.js';
import type { PlannedRun } from './run-plan.js';

/** The expected result of a scenario, known independently of the inbox. */
export interface Expectation {
  readonly runs: readonly PlannedRun[];
  /** Ids of the stored message in the responses to the sender, by source and key. */
  readonly acknowledged: ReadonlyMap<string, { readonly ids: ReadonlySet<string> }>;
  /** Handlers and the event types they must receive. */
  readonly wanted: Wanted;
  /** Numbers of the killed processes; all other processes were stopped. */
  readonly killed: ReadonlySet<number>;
  /** Number of pauses longer than a lease, by process number. */
  readonly paused?: ReadonlyMap<number, number>;
  /** Maximum number of handlers that run at the same time in one process. */
  readonly concurrency: number;
}

export interface Verdict {
  readonly acknowledged: number;
  /** Acknowledged messages that are not stored and parsed, and missing successes of handlers. */
  readonly lost: number;
  /** Number of events beyond the first for one fact. */
  readonly doubleEvents: number;
  /** Number of effects beyond the first for one delivery. */
  readonly repeatedAttempts: number;
  /** Maximum number of repeated attempts that the kills can explain. */
  readonly repeatedAttemptsMax: number;
  readonly deliveries: number;
  /** Empty if every guarantee holds. */
  readonly problems: readonly string[];
}

/** Compares the evidence with the expected result. */
export function verify(evidence: Evidence, expectation: Expectation): Verdict {
  const check = new Check(evidence, expectation);
  check.integrity();
  check.totals();
  const lostMessages = check.messages();
  const doubleEvents = check.events();
  const lostSuccesses = check.successes();
  const repeatedAttempts = check.effects();
  const repeatedAttemptsMax = check.bound(repeatedAttempts);
  return {
    acknowledged: expectation.acknowledged.size,
    lost: lostMessages + lostSuccesses,
    doubleEvents,
    repeatedAttempts,
    repeatedAttemptsMax,
    deliveries: evidence.deliveries.length,
    problems: check.problems,
  };
}

class Check {
  readonly problems: string[] = [];
  readonly #evidence: Evidence;
  readonly #expectation: Expectation;
  readonly #factOfEvent: ReadonlyMap<string, string>;
  readonly #handlersOfFact: ReadonlyMap<string, readonly string[]>;
  readonly #outcomes: ReadonlyMap<string, string>;

  constructor(evidence: Evidence, expectation: Expectation) {
    this.#evidence = evidence;
    this.#expectation = expectation;
    this.#factOfEvent = factsOf(evidence);
    this.#handlersOfFact = expectedFacts(expectation.runs, expectation.wanted);
    this.#outcomes = new Map(
      evidence.attempts.map(({ deliveryId, attempt, outcome }) => [`${deliveryId} ${attempt}`, outcome]),
    );
  }

  integrity(): void {
    const { integrity = ['ok'] } = this.#evidence;
    this.#require(integrity.length === 1 && integrity[0] === 'ok', `the file is damaged: ${integrity.join('; ')}`);
  }

  totals(): void {
    const { messages, events, deliveries, totals } = this.#evidence;
    for (const [kind, { length }] of [
      ['messages.parsed', messages.filter(({ state }) => state === 'parsed')],
      ['events', events],
      ['deliveries.succeeded', deliveries.filter(({ state }) => state === 'succeeded')],
    ] as const) {
      const { total = 0 } = totals.find((one) => one.kind === kind) ?? {};
      this.#require(total === length, `the total of ${kind} is ${total}; the inbox has ${length}`);
    }
  }

  /** Returns the number of lost acknowledged messages. */
  messages(): number {
    const stored = groupBy(this.#evidence.messages, ({ source, key }) => `${source} ${key}`);
    const { acknowledged, runs } = this.#expectation;
    const planned = runs.flatMap(({ run, messages }) => messages.map((message) => ({ run, message })));
    let lost = 0;
    for (const { run, message } of planned) {
      const key = keyOf(message);
      const copies = stored.get(key) ?? [];
      stored.delete(key);
      const ids = acknowledged.get(key)?.ids;
      if (!ids) {
        this.#require(false, `message ${key} was never acknowledged`);
        continue;
      }
      const [row] = copies;
      if (row?.state !== 'parsed') lost += 1;
      this.#require(row !== undefined, `message ${key} was acknowledged but is not in the inbox`);
      if (!row) continue;
      this.#require(copies.length === 1, `message ${key} is in the inbox ${copies.length} times`);
      this.#require(row.state === 'parsed', `message ${key} was acknowledged but is ${row.state}, not parsed`);
      this.#require(row.run === run, `message ${key} is about ${row.run}; expected ${run}`);
      this.#require(
        ids.size === 1 && ids.has(row.id),
        `message ${key} is ${row.id}; its responses named ${[...ids].join(' and ')}`,
      );
    }
    for (const key of stored.keys()) this.#require(false, `message ${key} is in the inbox but was never sent`);
    return lost;
  }

  /** Returns the number of events that repeat another event's fact. */
  events(): number {
    const events = groupBy(this.#evidence.events, ({ id }) => this.#factOfEvent.get(id) ?? '');
    let doubles = 0;
    for (const [fact, copies] of events) {
      doubles += copies.length - 1;
      this.#require(copies.length === 1, `${fact} exists ${copies.length} times: ${idsOf(copies)}`);
      // The order of parsing decides which success ends an incident, but only a success can.
      const cause = fact.replace(/^run\.recovered /, 'run.succeeded ');
      this.#require(this.#handlersOfFact.has(cause), `${fact} exists but does not follow from the sent webhooks`);
    }
    for (const fact of this.#handlersOfFact.keys()) this.#require(events.has(fact), `${fact} is missing`);
    return doubles;
  }

  /** Returns the number of missing successes of handlers for events they want. */
  successes(): number {
    const { deliveries, attempts } = this.#evidence;
    const found = groupBy(deliveries, ({ handlerId, eventId }) => `${handlerId} ${this.#factOfEvent.get(eventId)}`);
    const successes = groupBy(
      attempts.filter(({ outcome }) => outcome === 'succeeded'),
      ({ deliveryId }) => deliveryId,
    );
    let lost = 0;
    for (const [fact, handlers] of this.#handlersOfFact) {
      for (const handler of handlers) {
        const key = `${handler} ${fact}`;
        const copies = found.get(key) ?? [];
        found.delete(key);
        const recorded = copies.flatMap(({ id }) => successes.get(id) ?? []);
        if (recorded.length === 0) lost += 1;
        this.#require(copies.length === 1, `handler ${handler} has ${copies.length} deliveries of ${fact}; expected 1`);
        this.#require(recorded.length === 1, `handler ${handler} has ${recorded.length} successes for ${fact}`);
        for (const { id, state } of copies) {
          this.#require(state === 'succeeded', `delivery ${id} of ${fact} for ${handler} is ${state}`);
        }
      }
    }
    for (const key of found.keys()) this.#require(false, `delivery ${key} is unexpected`);
    const known = new Set(deliveries.map(({ id }) => id));
    for (const { deliveryId } of attempts) {
      this.#require(known.has(deliveryId), `an attempt belongs to the missing delivery ${deliveryId}`);
    }
    return lost;
  }

  /** Returns the number of effects beyond the first of each delivery. */
  effects(): number {
    const { effects, deliveries } = this.#evidence;
    const ofDelivery = groupBy(effects, ({ deliveryId }) => deliveryId);
    let repeated = 0;
    for (const delivery of deliveries) {
      const { id, handlerId } = delivery;
      const own = ofDelivery.get(id) ?? [];
      ofDelivery.delete(id);
      repeated += Math.max(0, own.length - 1);
      this.#require(own.length > 0, `delivery ${id} succeeded but its handler ${handlerId} had no effect`);
      this.#inOrder(delivery, own);
    }
    for (const id of ofDelivery.keys()) this.#require(false, `an effect belongs to the missing delivery ${id}`);
    this.#unrecorded(effects);
    this.#lanes(deliveries);
    return repeated;
  }

  /**
   * Returns the maximum number of repeated attempts: a kill or a pause can interrupt all handlers that run in the
   * process.
   */
  bound(repeatedAttempts: number): number {
    const { killed, paused = new Map<number, number>() } = this.#expectation;
    const processNumbers = new Set([...killed, ...paused.keys()]);
    const max = [...processNumbers].reduce((sum, processNumber) => sum + this.#unrecordedMax(processNumber), 0);
    this.#require(
      repeatedAttempts <= max,
      `${repeatedAttempts} attempts were repeated; the kills explain at most ${max}`,
    );
    return max;
  }

  /** Returns the maximum number of effects without a record by one process. */
  #unrecordedMax(processNumber: number): number {
    const { killed, paused, concurrency } = this.#expectation;
    return ((killed.has(processNumber) ? 1 : 0) + (paused?.get(processNumber) ?? 0)) * concurrency;
  }

  /**
   * Checks that a delivery's effects are in the order of its attempts, and that the last one belongs to its success.
   */
  #inOrder({ id, handlerId, attempts: claims }: DeliveryEvidence, own: readonly Effect[]): void {
    let earlier = 0;
    let last: Effect | undefined;
    for (const effect of own) {
      const { attempt, handlerId: by } = effect;
      const what = `attempt ${attempt} of delivery ${id}`;
      this.#require(by === handlerId, `${what} belongs to ${handlerId} but was made by ${by}`);
      this.#require(attempt <= claims, `${what} was made but only ${claims} were counted`);
      if (this.#isBelated(effect)) continue;
      this.#require(attempt > earlier, `${what} was made after attempt ${earlier}`);
      earlier = attempt;
      last = effect;
    }
    this.#require(
      last === undefined || this.#outcomeOf(last) === 'succeeded',
      `delivery ${id} has a success that does not belong to its last effect`,
    );
  }

  /** Checks that only attempts interrupted by a kill or a pause have no recorded outcome. */
  #unrecorded(effects: readonly Effect[]): void {
    const counts = new Map<number, number>();
    for (const effect of effects) {
      const { processNumber, attempt, deliveryId } = effect;
      const outcome = this.#outcomeOf(effect);
      if (outcome === 'succeeded') continue;
      counts.set(processNumber, (counts.get(processNumber) ?? 0) + 1);
      const max = this.#unrecordedMax(processNumber);
      this.#require(
        max > 0 && outcome === undefined,
        `attempt ${attempt} of delivery ${deliveryId} had its effect in process ${processNumber}, which was ` +
          `${max > 0 ? '' : 'not '}killed, and is recorded as ${outcome ?? 'nothing'}; no kill explains this`,
      );
    }
    for (const [processNumber, count] of counts) {
      const max = this.#unrecordedMax(processNumber);
      this.#require(
        count <= max,
        `${count} effects of process ${processNumber} were not recorded but only ${max} handlers could run`,
      );
    }
  }

  /** Returns whether the effect is of a paused process, and so may have come after another process took over. */
  #isBelated(effect: Effect): boolean {
    return (this.#expectation.paused?.has(effect.processNumber) ?? false) && this.#outcomeOf(effect) === undefined;
  }

  #outcomeOf({ deliveryId, attempt }: Effect): string | undefined {
    return this.#outcomes.get(`${deliveryId} ${attempt}`);
  }

  /**
   * Checks the lanes of handler `every`, which is serialized by run: its effects for one run are in the order of
   * recording, without overlap.
   */
  #lanes(deliveries: readonly DeliveryEvidence[]): void {
    const placeOf = new Map<string, { lane: string; place: number }>();
    deliveries.forEach(({ id, eventId, handlerId }, place) => {
      const fact = this.#factOfEvent.get(eventId);
      if (handlerId === 'every' && fact !== undefined) placeOf.set(id, { lane: fact.replace(/^\S+ /, ''), place });
    });
    const latest = new Map<string, { id: string; place: number }>();
    for (const effect of this.#evidence.effects) {
      const { deliveryId: id } = effect;
      const found = placeOf.get(id);
      if (!found || this.#isBelated(effect)) continue;
      const { lane, place } = found;
      const before = latest.get(lane);
      this.#require(
        !before || before.place <= place,
        `delivery ${id} of ${lane} ran after ${before?.id}, out of order`,
      );
      latest.set(lane, { id, place });
    }
  }

  #require(condition: boolean, problem: string): void {
    if (!condition) this.problems.push(problem);
  }
}

function idsOf(items: readonly { readonly id: string }[]): string {
  return items.map(({ id }) => id).join(', ');
}

import type { DeliveryEvidence, Evidence } from './evidence.js';
import { expectedFacts, factsOf, groupBy, keyOf, type Wanted } from './facts.js';
import type { Effect } from './ledger.js';
import type { PlannedRun } from './run-plan.js';

/** What must have come of a scenario, known without asking the inbox. */
export interface Expectation {
  readonly runs: readonly PlannedRun[];
  /** By source and key: the ids of the stored message that the sender was told. */
  readonly acknowledged: ReadonlyMap<string, { readonly ids: ReadonlySet<string> }>;
  /** Handlers, and what they are to be given. */
  readonly wanted: Wanted;
  /** Numbers of the processes that were killed; every other one was stopped. */
  readonly killed: ReadonlySet<number>;
  /** By number of a process: how often it was held up for longer than a lease. */
  readonly paused?: ReadonlyMap<number, number>;
  /** Handlers that may run at the same time in one process. */
  readonly concurrency: number;
}

export interface Verdict {
  readonly acknowledged: number;
  /** Acknowledged messages that are not in the inbox and read, and successes of handlers that are missing. */
  readonly lost: number;
  /** Events beyond the first for one fact. */
  readonly doubleEvents: number;
  /** Effects beyond the first for one delivery. */
  readonly repeatedAttempts: number;
  /** Repeated attempts that the kills can explain at most. */
  readonly repeatedAttemptsMax: number;
  readonly deliveries: number;
  /** Empty if every promise was kept. */
  readonly problems: readonly string[];
}

/** Compares what is there with what must be. */
export function verify(evidence: Evidence, expectation: Expectation): Verdict {
  const check = new Check(evidence, expectation);
  check.integrity();
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

  /** Answers how many acknowledged messages are lost. */
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
      this.#require(row !== undefined, `message ${key} was acknowledged, and is not in the inbox`);
      if (!row) continue;
      this.#require(copies.length === 1, `message ${key} is in the inbox ${copies.length} times`);
      this.#require(row.state === 'parsed', `message ${key} was acknowledged, and is ${row.state}, not read`);
      this.#require(row.run === run, `message ${key} is about ${row.run}; expected ${run}`);
      this.#require(
        ids.size === 1 && ids.has(row.id),
        `message ${key} is ${row.id}; its sender was told ${[...ids].join(' and ')}`,
      );
    }
    for (const key of stored.keys()) this.#require(false, `message ${key} is in the inbox, and was never sent`);
    return lost;
  }

  /** Answers how many events say what another one says. */
  events(): number {
    const events = groupBy(this.#evidence.events, ({ id }) => this.#factOfEvent.get(id) ?? '');
    let doubles = 0;
    for (const [fact, copies] of events) {
      doubles += copies.length - 1;
      this.#require(copies.length === 1, `${fact} is there ${copies.length} times: ${idsOf(copies)}`);
      // Which success ends an incident depends on the order of reading; only a success can.
      const cause = fact.replace(/^run\.recovered /, 'run.succeeded ');
      this.#require(this.#handlersOfFact.has(cause), `${fact} is there, and does not follow from what was sent`);
    }
    for (const fact of this.#handlersOfFact.keys()) this.#require(events.has(fact), `${fact} is missing`);
    return doubles;
  }

  /** Answers how many handlers have no success for an event that they want. */
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
    for (const key of found.keys()) this.#require(false, `delivery ${key} was not to be made`);
    const known = new Set(deliveries.map(({ id }) => id));
    for (const { deliveryId } of attempts) {
      this.#require(known.has(deliveryId), `an attempt is of delivery ${deliveryId}, which is not there`);
    }
    return lost;
  }

  /** Answers how many effects there are beyond the first of each delivery. */
  effects(): number {
    const { effects, deliveries } = this.#evidence;
    const ofDelivery = groupBy(effects, ({ deliveryId }) => deliveryId);
    let repeated = 0;
    for (const delivery of deliveries) {
      const { id, handlerId } = delivery;
      const own = ofDelivery.get(id) ?? [];
      ofDelivery.delete(id);
      repeated += Math.max(0, own.length - 1);
      this.#require(own.length > 0, `delivery ${id} succeeded, and its handler ${handlerId} did nothing`);
      this.#inOrder(delivery, own);
    }
    for (const id of ofDelivery.keys()) this.#require(false, `an effect is of delivery ${id}, which is not there`);
    this.#unrecorded(effects);
    this.#lanes(deliveries);
    return repeated;
  }

  /** Answers how many repeated attempts there may be: a kill ends at most all handlers that ran, and so does a pause. */
  bound(repeatedAttempts: number): number {
    const { killed, paused = new Map<number, number>() } = this.#expectation;
    const lives = new Set([...killed, ...paused.keys()]);
    const max = [...lives].reduce((sum, life) => sum + this.#unrecordedMax(life), 0);
    this.#require(repeatedAttempts <= max, `${repeatedAttempts} attempts were repeated; the kills explain ${max}`);
    return max;
  }

  /** Effects that one process may have had without a record. */
  #unrecordedMax(life: number): number {
    const { killed, paused, concurrency } = this.#expectation;
    return ((killed.has(life) ? 1 : 0) + (paused?.get(life) ?? 0)) * concurrency;
  }

  /** What a delivery's handler did was done in the order of its attempts, and last in the one that is its success. */
  #inOrder({ id, handlerId, attempts: claims }: DeliveryEvidence, own: readonly Effect[]): void {
    let earlier = 0;
    let last: Effect | undefined;
    for (const effect of own) {
      const { attempt, handlerId: by } = effect;
      const what = `attempt ${attempt} of delivery ${id}`;
      this.#require(by === handlerId, `${what} is ${handlerId}'s, and was made by ${by}`);
      this.#require(attempt <= claims, `${what} was made, and only ${claims} were counted`);
      if (this.#isBelated(effect)) continue;
      this.#require(attempt > earlier, `${what} was made after attempt ${earlier}`);
      earlier = attempt;
      last = effect;
    }
    this.#require(
      last === undefined || this.#outcomeOf(last) === 'succeeded',
      `delivery ${id} has a success that is not of its last effect`,
    );
  }

  /** Only of attempts that a kill or a pause fell into is it not known how they ended. */
  #unrecorded(effects: readonly Effect[]): void {
    const counts = new Map<number, number>();
    for (const effect of effects) {
      const { life, attempt, deliveryId } = effect;
      const outcome = this.#outcomeOf(effect);
      if (outcome === 'succeeded') continue;
      counts.set(life, (counts.get(life) ?? 0) + 1);
      const max = this.#unrecordedMax(life);
      this.#require(
        max > 0 && outcome === undefined,
        `attempt ${attempt} of delivery ${deliveryId} had its effect in process ${life}, which was ` +
          `${max > 0 ? '' : 'not '}killed, and is recorded as ${outcome ?? 'nothing'}: no kill explains it`,
      );
    }
    for (const [life, count] of counts) {
      const max = this.#unrecordedMax(life);
      this.#require(
        count <= max,
        `${count} effects of process ${life} were not recorded, and only ${max} handlers could run`,
      );
    }
  }

  /** Whether it is of a process that was held up, and so may have come when another one had taken over. */
  #isBelated(effect: Effect): boolean {
    return (this.#expectation.paused?.has(effect.life) ?? false) && this.#outcomeOf(effect) === undefined;
  }

  #outcomeOf({ deliveryId, attempt }: Effect): string | undefined {
    return this.#outcomes.get(`${deliveryId} ${attempt}`);
  }

  /** Handler `every` is serialized by run: what it did for one run is in the order of recording, and nothing overlaps. */
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

import { equal, ok } from 'node:assert/strict';
import { ERASED_EVENT_DATA } from 'nestjs-runhooks/core';
import type {
  Appended,
  AttemptRecord,
  AuditEntry,
  ClaimedDelivery,
  ClaimedMessage,
  Decision,
  DeliveryClaim,
  DeliveryState,
  Dismissal,
  DismissalRecord,
  Erased,
  Held,
  InboxCounts,
  MessageClaim,
  MessageState,
  NewDelivery,
  NewEvent,
  NewMessage,
  Purge,
  ParseNote,
  Recorded,
  Recording,
  Redrive,
  AddedDeliveries,
  Reparse,
  RunKey,
  RunState,
  Settlement,
} from 'nestjs-runhooks/core';
import { RegistryModel } from './registry-model.js';
import { same } from './same.js';

/** Work that any process may claim once `dueAt` has come. Finished work has no `dueAt`. */
interface Work {
  dueAt?: number;
  lease?: string;
}

export interface ModelMessage extends Work {
  message: NewMessage;
  state: MessageState;
  reason?: string;
  notes?: readonly ParseNote[];
  messageType?: string;
  idReused: boolean;
  claims: number;
  withoutHandlers: boolean;
}

export interface ModelEvent {
  readonly event: NewEvent;
  readonly messageId: string;
  readonly recordedAt: number;
}

export interface ModelDelivery extends Work {
  readonly delivery: NewDelivery;
  readonly eventId: string;
  readonly replayId: string;
  state: DeliveryState;
  attempts: number;
  attemptsBefore: number;
  dismissal?: DismissalRecord;
}

/**
 * A plain model of an inbox: maps in insertion order and simple rules. It has no engines, transactions or restarts,
 * because none of them may make a difference. A claim may choose among works due at the same time, so the model checks
 * the choice and predicts everything else.
 */
export class InboxModel {
  readonly messages = new Map<string, ModelMessage>();
  readonly events = new Map<string, ModelEvent>();
  readonly deliveries = new Map<string, ModelDelivery>();
  readonly registry = new RegistryModel();
  readonly audit = new Map<string, AuditEntry>();
  readonly attempts = new Map<string, (AttemptRecord & { readonly attempt: number })[]>();
  /** Deduplication keys with their messages; kept longer than the messages. */
  readonly #keys: NewMessage[] = [];
  readonly #runs = new Map<string, { readonly state: RunState; readonly updatedAt: number }>();

  append(message: NewMessage): Appended {
    const same = this.#keys.find((key) => isSameKey(key, message) && Buffer.compare(key.digest, message.digest) === 0);
    if (same) return { status: 'duplicate', id: same.id };
    this.#keys.push(message);
    // The message is due by any clock.
    const dueAt = 0;
    this.messages.set(message.id, {
      message,
      state: 'stored',
      idReused: false,
      claims: 0,
      withoutHandlers: false,
      dueAt,
    });
    return { status: 'accepted', id: message.id };
  }

  claimMessages({ now, leaseMs, limit, lease, sources }: MessageClaim, taken: readonly ClaimedMessage[]): void {
    const due = [...this.messages].filter(([, work]) => isDue(work, now) && sources.includes(work.message.source));
    checkMessageChoice(due, limit, taken);
    for (const claimed of taken) {
      const work = this.messages.get(claimed.id)!;
      Object.assign(work, { claims: work.claims + 1, lease, dueAt: now.getTime() + leaseMs });
      const { claims, withoutHandlers, message } = work;
      const { digest: _, ...kept } = message;
      same(claimed, { ...kept, state: 'stored', claims, withoutHandlers });
    }
  }

  record(recording: Recording, now: Date): Recorded {
    const { messageId, lease, state, reason, notes, messageType, run, handlers, decide } = recording;
    const work = this.messages.get(messageId);
    if (!work || work.lease !== lease) return { recorded: false, events: [], tasks: [], idReused: false };
    const { messageKey } = work.message;
    const earlier = this.#keys.filter(({ id }) => id < messageId);
    const idReused = messageKey !== '' && earlier.some((key) => isSameKey(key, work.message));
    const known = run && this.run(run);
    const otherHandlers = handlers ? this.registry.othersThan(handlers) : [];
    const decision = decide({ ...(known && { run: known }), ...(otherHandlers.length > 0 && { otherHandlers }) });
    settleWork(work);
    Object.assign(work, { state, reason, notes, messageType, idReused });
    if (run && decision.run) this.#runs.set(runName(run), { state: decision.run, updatedAt: now.getTime() });
    const events = decision.events.filter((event) => this.#addEvent(event, messageId, now));
    const { tasks = [], contradicts } = decision;
    return { recorded: true, events, tasks, idReused, ...(contradicts && { contradicts }) };
  }

  claimDeliveries({ now, leaseMs, limit, lease, handlerIds }: DeliveryClaim, taken: readonly ClaimedDelivery[]): void {
    const due = [...this.deliveries].filter(
      ([, work]) => isDue(work, now) && handlerIds.includes(work.delivery.handlerId) && this.#isFirstInLane(work, now),
    );
    const turnOf = ({ delivery, eventId }: ModelDelivery) => {
      const { messageId } = this.events.get(eventId)!;
      return JSON.stringify([delivery.handlerId, this.messages.get(messageId)!.message.source]);
    };
    checkTurns(byTurn(due, turnOf), limit, taken);
    for (const claimed of taken) {
      const work = this.deliveries.get(claimed.id)!;
      Object.assign(work, { attempts: work.attempts + 1, lease, dueAt: now.getTime() + leaseMs });
      const { attempts: attempt, attemptsBefore, replayId, delivery } = work;
      const { event, messageId } = this.events.get(work.eventId)!;
      const { message, state } = this.messages.get(messageId)!;
      const { digest: _, ...kept } = message;
      const { id, type, data } = event;
      const { provider, source } = message;
      const { handlerId } = delivery;
      same(claimed, {
        id: delivery.id,
        handlerId,
        attempt,
        attemptsBefore,
        replayId,
        lease,
        event: { id, type, provider, source, messageId, data },
        message: { ...kept, state },
      });
    }
  }

  renew(held: readonly Held[], now: Date, leaseMs: number): string[] {
    const still = held.filter(({ id, lease }) => this.deliveries.get(id)?.lease === lease);
    for (const { id } of still) this.deliveries.get(id)!.dueAt = now.getTime() + leaseMs;
    return still.map(({ id }) => id);
  }

  settle({ deliveryId, lease, attempt, next, decide }: Settlement, now: Date): boolean {
    const work = this.deliveries.get(deliveryId);
    if (!work || work.lease !== lease) return false;
    settleWork(work);
    work.state = next.state;
    if (next.state === 'pending') work.dueAt = next.dueAt.getTime();
    this.attempts.set(deliveryId, [...(this.attempts.get(deliveryId) ?? []), { ...attempt, attempt: work.attempts }]);
    const { messageId } = this.events.get(work.eventId)!;
    for (const event of decide?.({}).events ?? []) this.#addEvent(event, messageId, now);
    return true;
  }

  redrive({ deliveryIds, handlerId }: Redrive, decision: Decision, now: Date): number {
    const dead = [...this.deliveries.values()].filter(
      ({ state, delivery }) =>
        state === 'dead' &&
        (deliveryIds?.includes(delivery.id) ?? true) &&
        (handlerId === undefined || delivery.handlerId === handlerId),
    );
    for (const work of dead) {
      Object.assign(work, { state: 'pending', dueAt: now.getTime(), attemptsBefore: work.attempts });
    }
    this.#decided('redrive', decision, dead.length, now);
    return dead.length;
  }

  dismiss({ deliveryIds, handlerId }: Dismissal, decision: Required<Decision>, now: Date): number {
    const { by, reason } = decision;
    const chosen = [...this.deliveries.values()].filter(
      (work) =>
        (work.state === 'dead' || (work.state === 'pending' && (work.lease === undefined || isDue(work, now)))) &&
        (deliveryIds?.includes(work.delivery.id) ?? true) &&
        (handlerId === undefined || work.delivery.handlerId === handlerId),
    );
    for (const work of chosen) {
      settleWork(work);
      Object.assign(work, { state: 'dismissed', dismissal: { at: now, by, reason } });
    }
    if (handlerId !== undefined && deliveryIds === undefined) this.registry.forget(handlerId);
    this.#decided('dismiss', decision, chosen.length, now);
    return chosen.length;
  }

  /** Returns pending deliveries of handlers that no running process has, by handler. */
  missingHandlers(seenFrom: Date): { handlerId: string; deliveries: number; checks: number }[] {
    const handlersOfWorkers = this.registry.handlersOfWorkers(seenFrom);
    const counts = new Map<string, number>();
    for (const { state, delivery } of this.deliveries.values()) {
      if (state !== 'pending' || handlersOfWorkers.has(delivery.handlerId)) continue;
      counts.set(delivery.handlerId, (counts.get(delivery.handlerId) ?? 0) + 1);
    }
    const waiting = [...counts].map(([handlerId, deliveries]) => ({ handlerId, deliveries, checks: 0 }));
    return waiting.sort((a, b) => (a.handlerId < b.handlerId ? -1 : 1));
  }

  replay(replayId: string, events: readonly AddedDeliveries[], decision: Decision, now: Date): number {
    const stored = events.filter(({ eventId }) => {
      const known = this.events.get(eventId);
      return known !== undefined && this.messages.get(known.messageId)?.state !== 'erased';
    });
    const added = stored.flatMap(({ eventId, deliveries }) =>
      deliveries.filter((delivery) => this.#addDelivery(delivery, eventId, replayId, now)),
    );
    this.#decided('replay', decision, added.length, now);
    return added.length;
  }

  reparse({ messageIds, states, withoutHandlers }: Reparse, decision: Decision, now: Date): number {
    const again = [...this.messages].filter(
      ([id, { state }]) => (states as string[]).includes(state) && (messageIds?.includes(id) ?? true),
    );
    for (const [, work] of again) {
      Object.assign(work, { state: 'stored', claims: 0, withoutHandlers, dueAt: 0 });
      delete work.reason;
      delete work.notes;
    }
    this.#decided('reparse', decision, again.length, now);
    return again.length;
  }

  erase(ids: readonly string[], decision: Decision, now: Date): Erased {
    const sum = { messages: 0, events: 0, dismissed: 0, held: 0 };
    for (const id of new Set(ids)) {
      const work = this.messages.get(id);
      if (!work || work.state === 'erased') continue;
      const deliveries = this.#deliveriesOf(id);
      if (deliveries.some((one) => one.lease !== undefined && !isDue(one, now))) {
        sum.held += 1;
        continue;
      }
      sum.messages += 1;
      settleWork(work);
      Object.assign(work, { state: 'erased', message: { ...work.message, body: Buffer.alloc(0), headers: {} } });
      delete work.reason;
      delete work.notes;
      for (const [eventId, known] of this.events) {
        if (known.messageId !== id) continue;
        this.events.set(eventId, { ...known, event: { ...known.event, data: ERASED_EVENT_DATA } });
        sum.events += 1;
      }
      for (const delivery of deliveries) this.#eraseDelivery(delivery, decision.by, now, sum);
    }
    this.#decided('erase', decision, sum.messages, now);
    return sum;
  }

  /** Runs all steps of a purge. */
  purge({ finishedBefore, deadBefore, deduplicationBefore }: Purge): number {
    let removed = 0;
    for (const [id, { dueAt }] of this.messages) {
      const states = this.#deliveriesOf(id).map(({ state }) => state);
      const before = states.includes('dead') ? Math.min(+finishedBefore, +deadBefore) : +finishedBefore;
      if (dueAt !== undefined || states.includes('pending') || timeOf(id) >= before) continue;
      this.#removeMessage(id);
      removed += 1;
    }
    for (const key of this.#keys.filter(({ id }) => timeOf(id) < +deduplicationBefore && !this.messages.has(id))) {
      this.#keys.splice(this.#keys.indexOf(key), 1);
      removed += 1;
    }
    for (const [id, { decidedAt }] of this.audit) {
      if (decidedAt >= deduplicationBefore) continue;
      this.audit.delete(id);
      removed += 1;
    }
    for (const [name, { updatedAt }] of this.#runs) {
      if (updatedAt >= deduplicationBefore.getTime()) continue;
      this.#runs.delete(name);
      removed += 1;
    }
    return removed;
  }

  /** Returns when a claim can next take work, including work whose lease expires. */
  nextDueAt(sources: readonly string[], handlerIds: readonly string[]): number | undefined {
    const messages = [...this.messages.values()].filter(({ message }) => sources.includes(message.source));
    const deliveries = [...this.deliveries.values()].filter(({ delivery }) => handlerIds.includes(delivery.handlerId));
    const times = timesOf([...messages, ...deliveries]);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Returns when all work is due. */
  lastDueAt(): number | undefined {
    const times = timesOf([...this.messages.values(), ...this.deliveries.values()]);
    return times.length === 0 ? undefined : Math.max(...times);
  }

  counts(): InboxCounts {
    const messages = { stored: 0, parsed: 0, test: 0, unrecognized: 0, quarantined: 0, erased: 0 };
    const deliveries = { pending: 0, succeeded: 0, skipped: 0, dead: 0, dismissed: 0 };
    for (const { state } of this.messages.values()) messages[state] += 1;
    for (const { state } of this.deliveries.values()) deliveries[state] += 1;
    const actions = { intended: 0, sent: 0, answered: 0, refused: 0, unknown: 0 };
    return { messages, events: this.events.size, deliveries, checks: 0, actions, refusals: [], foundBySweep: [] };
  }

  run(key: RunKey): RunState | undefined {
    return this.#runs.get(runName(key))?.state;
  }

  #addEvent(event: NewEvent, messageId: string, now: Date): boolean {
    if (this.events.has(event.id)) return false;
    this.events.set(event.id, { event, messageId, recordedAt: now.getTime() });
    for (const delivery of event.deliveries) this.#addDelivery(delivery, event.id, '', now);
    return true;
  }

  #addDelivery(delivery: NewDelivery, eventId: string, replayId: string, now: Date): boolean {
    const isThere = [...this.deliveries.values()].some(
      (work) =>
        work.eventId === eventId && work.delivery.handlerId === delivery.handlerId && work.replayId === replayId,
    );
    if (isThere) return false;
    const fresh = { state: 'pending', attempts: 0, attemptsBefore: 0, dueAt: now.getTime() } as const;
    this.deliveries.set(delivery.id, { delivery, eventId, replayId, ...fresh });
    return true;
  }

  /** Returns whether all earlier work of the lane is finished and nothing of the lane is running. */
  #isFirstInLane(work: ModelDelivery, now: Date): boolean {
    const { lane } = work.delivery;
    if (lane === undefined) return true;
    const unsettled = [...this.deliveries.values()].filter(
      (one) => one.delivery.lane === lane && one.dueAt !== undefined,
    );
    return unsettled[0] === work && !unsettled.some((one) => one.lease !== undefined && !isDue(one, now));
  }

  #deliveriesOf(messageId: string): ModelDelivery[] {
    return [...this.deliveries.values()].filter(({ eventId }) => this.events.get(eventId)?.messageId === messageId);
  }

  #decided(action: AuditEntry['action'], { details, ...decision }: Decision, affected: number, now: Date): void {
    this.audit.set(decision.id, { ...decision, decidedAt: now, action, details, affected });
  }

  #eraseDelivery(work: ModelDelivery, by: string, now: Date, sum: { dismissed: number }): void {
    const { id } = work.delivery;
    if (work.state === 'pending' || work.state === 'dead') {
      settleWork(work);
      Object.assign(work, { state: 'dismissed', dismissal: { at: now, by, reason: 'erased' } });
      sum.dismissed += 1;
    }
    const nothing = { name: 'erased', message: '', stack: '' };
    const attempts = this.attempts.get(id) ?? [];
    this.attempts.set(
      id,
      attempts.map((attempt) => (attempt.error ? { ...attempt, error: nothing } : attempt)),
    );
  }

  #removeMessage(id: string): void {
    for (const { delivery } of this.#deliveriesOf(id)) {
      this.deliveries.delete(delivery.id);
      this.attempts.delete(delivery.id);
    }
    for (const [eventId, { messageId }] of this.events) if (messageId === id) this.events.delete(eventId);
    this.messages.delete(id);
  }
}

/** Groups due work by turn. */
function byTurn<W extends Work>(due: readonly [string, W][], turnOf: (work: W) => string): [string, W][][] {
  const turns = new Map<string, [string, W][]>();
  for (const one of due) turns.set(turnOf(one[1]), [...(turns.get(turnOf(one[1])) ?? []), one]);
  return [...turns.values()];
}

/**
 * Checks that a claim takes whole turns in order while it has room. It may choose the first turn freely, and its result
 * follows the order of the turns.
 */
function checkTurns(
  turns: readonly (readonly [string, Work][])[],
  limit: number,
  taken: readonly { readonly id: string }[],
): void {
  const left = [...turns];
  let checked = 0;
  while (checked < taken.length) {
    const next = left.findIndex((turn) => turn.some(([id]) => id === taken[checked]?.id));
    ok(next >= 0, `took ${taken[checked]?.id}, which is not to be had`);
    const [turn = []] = left.splice(next, 1);
    const ofTurn = taken.slice(checked, checked + turn.length);
    checkChoice(turn, limit - checked, ofTurn);
    checked += ofTurn.length;
  }
  ok(checked >= limit || left.length === 0, 'left a turn out');
}

/**
 * Checks that a claim of messages takes the longest due ones of each source: a message that was begun before alone,
 * otherwise new ones among those it has seen.
 */
function checkMessageChoice(
  due: readonly [string, ModelMessage][],
  limit: number,
  taken: readonly ClaimedMessage[],
): void {
  const sources = byTurn(due, ({ message }) => message.source);
  ok(taken.length <= limit, 'took too much');
  ok(taken.length > 0 || due.length === 0, 'took nothing');
  const isAlone = taken.some(({ claims }) => claims > 1);
  if (isAlone) equal(taken.length, 1, 'took others with one that was begun before');
  for (const ofSource of sources) {
    const ids = new Set(ofSource.map(([id]) => id));
    const some = taken.filter(({ id }) => ids.has(id));
    const choice = isAlone ? ofSource : ofSource.filter(([, { claims }]) => claims === 0);
    if (some.length > 0) checkChoice(choice, some.length, some);
    if (!isAlone && due.length <= limit) equal(some.length, choice.length, 'left new messages');
  }
}

/** Checks that a claim takes the longest due work up to its limit, and nothing else. */
function checkChoice(due: readonly [string, Work][], limit: number, taken: readonly { readonly id: string }[]): void {
  const takenIds = new Set(taken.map(({ id }) => id));
  equal(taken.length, Math.min(limit, due.length), `took ${taken.length} of ${due.length} due, at most ${limit}`);
  equal(takenIds.size, taken.length, 'took something twice');
  const dueIds = new Set(due.map(([id]) => id));
  for (const { id } of taken) ok(dueIds.has(id), `took ${id}, which is not to be had`);
  const lastTaken = Math.max(...due.flatMap(([id, { dueAt = 0 }]) => (takenIds.has(id) ? [dueAt] : [])));
  const firstLeft = Math.min(...due.flatMap(([id, { dueAt = 0 }]) => (takenIds.has(id) ? [] : [dueAt])));
  ok(lastTaken <= firstLeft, 'left something that was due longer');
}

function isDue({ dueAt }: Work, now: Date): boolean {
  return dueAt !== undefined && dueAt <= now.getTime();
}

function timesOf(works: readonly Work[]): number[] {
  return works.flatMap(({ dueAt }) => (dueAt === undefined ? [] : [dueAt]));
}

function settleWork(work: Work): void {
  delete work.dueAt;
  delete work.lease;
}

function isSameKey(one: NewMessage, other: NewMessage): boolean {
  return one.source === other.source && one.messageKey === other.messageKey;
}

function runName({ source, accountId, runId }: RunKey): string {
  return `${source}/${accountId}/${runId}`;
}

/** Returns the time in an id, which decides when the entry is purged. */
export function timeOf(id: string): number {
  return Number.parseInt(id.slice('msg_'.length, 'msg_'.length + 12), 16);
}

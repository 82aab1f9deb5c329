import { ok } from 'node:assert/strict';
import type { AttemptSummary, DeliverySummary, EventSummary } from 'nestjs-runhooks/core';
import { LIMITS, type Inbox } from 'nestjs-runhooks/internal';
import type { ProbeMessage } from '../dispatch/probe-provider.js';
import { behaviorOf, LATER_MS, type Behavior, type HandlerPlan } from './dispatch-script.js';
import { same } from './same.js';

/** A call of a handler. */
export interface Call {
  readonly process: number;
  readonly handlerId: string;
  readonly eventId: string;
  readonly deliveryId: string;
  readonly attempt: number;
  readonly run: number;
  /** The times between which the delivery was claimed; the clock may have jumped since. */
  readonly claimed: { readonly from: number; readonly to: number };
  /** The times between which the call ended. */
  readonly working: { readonly from: number; readonly to: number };
  /** True if the process was shut down during the call. */
  stopped: boolean;
}

/** The kill of a process. */
export interface Lost {
  readonly process: number;
  readonly at: number;
}

export interface Evidence {
  /** Bodies that were acknowledged as stored. */
  readonly acknowledged: ReadonlySet<string>;
  readonly handlers: readonly HandlerPlan[];
  readonly calls: readonly Call[];
  readonly lost: readonly Lost[];
  readonly redriven: readonly { readonly deliveryId: string; readonly attempts: number }[];
}

const OUTCOMES = ['run.succeeded', 'run.failed', 'run.canceled'];
const ALL = { limit: 1_000 };

/** Throws unless the inbox, with no work left, fulfills every guarantee for the evidence. */
export async function checkGuarantees(inbox: Inbox, evidence: Evidence): Promise<void> {
  const { items: messages } = await inbox.messages({}, ALL);
  const { items: events } = await inbox.events({}, ALL);
  const { items: deliveries } = await inbox.deliveries({}, ALL);
  const bodies = await Promise.all(messages.map(async ({ id }) => (await inbox.message(id))?.body));
  same(
    bodies.map((body) => Buffer.from(body ?? []).toString()).sort(),
    [...evidence.acknowledged].sort(),
    'each acknowledged message is stored once',
  );
  checkEvents(events, evidence);
  checkDeliveries(events, deliveries, evidence);
  for (const delivery of deliveries) {
    const attempts = await inbox.attempts(delivery.id);
    checkAttempts(delivery, attempts, evidence);
    checkDeadLetters(delivery, attempts, events);
  }
}

/** Checks that each run has every event that a message named, and one outcome. */
function checkEvents(events: readonly EventSummary[], { acknowledged }: Evidence): void {
  const messages = [...acknowledged].map((body) => JSON.parse(body) as ProbeMessage);
  for (const run of new Set(messages.map((message) => message.run))) {
    const reported = new Set<string>(messages.flatMap((message) => (message.run === run ? (message.types ?? []) : [])));
    const happened = events.filter(({ id }) => id.startsWith('run.') && id.endsWith(`/${run}`)).map(({ type }) => type);
    same(new Set(happened).size, happened.length, `no event of run ${run} is there twice`);
    const outcomes = happened.filter((type) => OUTCOMES.includes(type));
    same(outcomes.length, OUTCOMES.some((type) => reported.has(type)) ? 1 : 0, `run ${run} ends once`);
    for (const type of happened) {
      // The order of parsing decides which success ends an incident, but only a success that happened can.
      const isCaused = type === 'run.recovered' ? happened.includes('run.succeeded') : reported.has(type);
      ok(isCaused, `no message reported ${type} of run ${run}`);
    }
    for (const type of ['run.started', 'run.completed']) {
      same(happened.includes(type), reported.has(type), `${type} of run ${run}`);
    }
  }
}

/** Checks that every handler that wants an event has exactly one delivery of it. */
function checkDeliveries(
  events: readonly EventSummary[],
  deliveries: readonly DeliverySummary[],
  { handlers }: Evidence,
): void {
  const wanted = events.flatMap(({ id, type }) =>
    handlers.flatMap((handler) => (handler.types.includes(type) ? [`${id} for ${handler.id}`] : [])),
  );
  const found = deliveries.map(({ eventId, handlerId }) => `${eventId} for ${handlerId}`);
  same(found.sort(), wanted.sort(), 'deliveries');
}

/**
 * Checks that each attempt is recorded with its result or was lost with its process, and that no attempt follows
 * without a reason.
 */
function checkAttempts(
  { id, handlerId, eventId, attempts: count, state }: DeliverySummary,
  attempts: readonly AttemptSummary[],
  { handlers, calls, lost, redriven }: Evidence,
): void {
  const plan = handlers.find((handler) => handler.id === handlerId)!;
  const own = calls.filter(({ deliveryId }) => deliveryId === id);
  const about = `${eventId} for ${handlerId}`;
  same(new Set(own.map(({ attempt }) => attempt)).size, own.length, `${about}: no attempt is made twice`);
  let readyAt = -Infinity;
  for (let number = 1; number <= count; number += 1) {
    const call = own.find(({ attempt }) => attempt === number);
    const record = attempts.find(({ attempt }) => attempt === number);
    const what = `${about}, attempt ${number}`;
    if (call) ok(call.claimed.to >= readyAt, `${what} came too early`);
    if (!record) {
      const loss = lossOf(what, call, lost);
      // Other processes learn of the loss only when the lease expires.
      if (call && loss) readyAt = Math.min(call.claimed.from, loss.at) + LIMITS.leaseMs;
      continue;
    }
    ok(call, `${what} is recorded, and was never made`);
    const before = Math.max(
      0,
      ...redriven.filter((one) => one.deliveryId === id && one.attempts < number).map((one) => one.attempts),
    );
    const planned = behaviorOf(plan, call.run, number);
    checkOutcome(what, record, call.stopped ? 'stopped' : planned);
    const isRedriven = redriven.some(({ deliveryId, attempts: at }) => deliveryId === id && at === number);
    const isLast = number === count;
    if (record.outcome === 'succeeded') {
      ok(isLast, `${what} succeeded, and another one followed`);
      same(state, 'succeeded', what);
    } else {
      const gaveUp = planned === 'permanent' || number - before >= plan.attemptsMax;
      if (!call.stopped) same(isRedriven || isLast, gaveUp, `${what} is the last before giving up`);
      if (isLast) same(state, 'dead', what);
    }
    // The recorded end is never before the start, which could differ by a clock that was set back.
    const endedAt = Math.min(record.finishedAt.getTime(), call.working.from);
    const delayMs = planned === 'later' && !call.stopped ? LATER_MS : 0;
    readyAt = isRedriven ? -Infinity : endedAt + delayMs;
  }
}

/**
 * Returns the kill in which an unrecorded attempt was lost. A claimed attempt that did not start may belong to any
 * kill.
 */
function lossOf(what: string, call: Call | undefined, lost: readonly Lost[]): Lost | undefined {
  const loss = lost.find(({ process }) => process === call?.process);
  ok(call ? loss : lost.length > 0, `${what} has no record, though its process was not killed`);
  return loss;
}

function checkOutcome(what: string, { outcome, error }: AttemptSummary, did: Behavior | 'stopped'): void {
  const found = error ? error.name : outcome;
  const expected = {
    ok: ['succeeded'],
    slow: ['succeeded'],
    fail: ['TypeError'],
    'throw undefined': ['undefined'],
    permanent: ['PermanentError'],
    later: ['RetryLater'],
    timeout: ['HandlerTimeoutError'],
    deaf: ['HandlerTimeoutError'],
    stopped: ['ShutdownError', 'HandlerTimeoutError'],
  }[did];
  ok(expected.includes(found), `${what} is recorded as ${found}; its handler did ${did}`);
}

/** Checks that each dead letter is kept with its reason, and that its handlers were notified each time. */
function checkDeadLetters(
  { id, handlerId, state }: DeliverySummary,
  attempts: readonly AttemptSummary[],
  events: readonly EventSummary[],
): void {
  if (state !== 'dead') return;
  const last = attempts.at(-1);
  ok(last?.error, `${id} is dead without an error`);
  if (handlerId === 'dead-letters') return;
  const notified = events.filter(
    ({ type, id: eventId }) => type === 'delivery.dead' && eventId.endsWith(`/${id}/${last.attempt}`),
  );
  same(notified.length, 1, `no handler was notified of the dead letter ${id}`);
}

import { ok } from 'node:assert/strict';
import { LIMITS, type AttemptSummary, type DeliverySummary, type EventSummary, type Inbox } from 'nestjs-runhooks/core';
import type { ProbeMessage } from '../dispatch/probe-provider.js';
import { behaviourOf, LATER_MS, type Behaviour, type HandlerPlan } from './dispatch-script.js';
import { same } from './same.js';

/** A handler was called. */
export interface Call {
  readonly process: number;
  readonly handlerId: string;
  readonly eventId: string;
  readonly deliveryId: string;
  readonly attempt: number;
  readonly run: number;
  /** Its claim was made between these times; the clock may have jumped since. */
  readonly claimed: { readonly from: number; readonly to: number };
  /** And it ended between these. */
  readonly working: { readonly from: number; readonly to: number };
  /** Its process was shut down meanwhile. */
  stopped: boolean;
}

/** A process was killed. */
export interface Lost {
  readonly process: number;
  readonly at: number;
}

export interface Evidence {
  /** Bodies that were answered as stored. */
  readonly acknowledged: ReadonlySet<string>;
  readonly handlers: readonly HandlerPlan[];
  readonly calls: readonly Call[];
  readonly lost: readonly Lost[];
  readonly redriven: readonly { readonly deliveryId: string; readonly attempts: number }[];
}

const OUTCOMES = ['run.succeeded', 'run.failed', 'run.canceled'];
const ALL = { limit: 1_000 };

/** Throws unless everything that was promised about `evidence` is so in an inbox in which nothing is left to do. */
export async function checkPromises(inbox: Inbox, evidence: Evidence): Promise<void> {
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

/** A run has each event that a message named, and one outcome. */
function checkEvents(events: readonly EventSummary[], { acknowledged }: Evidence): void {
  const messages = [...acknowledged].map((body) => JSON.parse(body) as ProbeMessage);
  for (const run of new Set(messages.map((message) => message.run))) {
    const said = new Set<string>(messages.flatMap((message) => (message.run === run ? (message.types ?? []) : [])));
    const happened = events.filter(({ id }) => id.startsWith('run.') && id.endsWith(`/${run}`)).map(({ type }) => type);
    same(new Set(happened).size, happened.length, `no event of run ${run} is there twice`);
    const outcomes = happened.filter((type) => OUTCOMES.includes(type));
    same(outcomes.length, OUTCOMES.some((type) => said.has(type)) ? 1 : 0, `run ${run} ends once`);
    for (const type of happened) {
      // Which success ends an mishap depends on the order of reading; only one that happened can.
      const isCaused = type === 'run.recovered' ? happened.includes('run.succeeded') : said.has(type);
      ok(isCaused, `nobody said ${type} of run ${run}`);
    }
    for (const type of ['run.started', 'run.completed']) {
      same(happened.includes(type), said.has(type), `${type} of run ${run}`);
    }
  }
}

/** Every handler that wants an event has it, once. */
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

/** An attempt is recorded with what the handler did in it, or was lost with its process; and none follows without reason. */
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
      // Until the lease is over nobody knows that it is lost.
      if (call && loss) readyAt = Math.min(call.claimed.from, loss.at) + LIMITS.leaseMs;
      continue;
    }
    ok(call, `${what} is recorded, and was never made`);
    const before = Math.max(
      0,
      ...redriven.filter((one) => one.deliveryId === id && one.attempts < number).map((one) => one.attempts),
    );
    const planned = behaviourOf(plan, call.run, number);
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
    // What is kept as its end is never before its beginning; by a clock that was set back it was.
    const endedAt = Math.min(record.finishedAt.getTime(), call.working.from);
    const delayMs = planned === 'later' && !call.stopped ? LATER_MS : 0;
    readyAt = isRedriven ? -Infinity : endedAt + delayMs;
  }
}

/** The kill that an attempt without a record was lost in. One that was claimed and not begun belongs to any of them. */
function lossOf(what: string, call: Call | undefined, lost: readonly Lost[]): Lost | undefined {
  const loss = lost.find(({ process }) => process === call?.process);
  ok(call ? loss : lost.length > 0, `${what} has no record, though its process was not killed`);
  return loss;
}

function checkOutcome(what: string, { outcome, error }: AttemptSummary, did: Behaviour | 'stopped'): void {
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

/** A dead letter is kept with its reason, and told of each time it gave up. */
function checkDeadLetters(
  { id, handlerId, state }: DeliverySummary,
  attempts: readonly AttemptSummary[],
  events: readonly EventSummary[],
): void {
  if (state !== 'dead') return;
  const last = attempts.at(-1);
  ok(last?.error, `${id} is dead, and no error says why`);
  if (handlerId === 'told') return;
  const told = events.filter(
    ({ type, id: eventId }) => type === 'delivery.dead' && eventId.endsWith(`/${id}/${last.attempt}`),
  );
  same(told.length, 1, `nobody was told of the dead letter ${id}`);
}

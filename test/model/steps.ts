import { ok } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  rowsOf,
  type ClaimedDelivery,
  type ClaimedMessage,
  type Known,
  type NewDelivery,
  type NewEvent,
  type Recorded,
  type Recording,
  type Registration,
  type Settlement,
  type Store,
} from 'nestjs-runhooks/core';
import { IdSequence } from 'nestjs-runhooks/internal';
import { advanceRun } from 'inside/run-state';
import type { InboxModel } from './inbox-model.js';
import { same } from './same.js';
import { LEASE_MS, type Command, type ParsePlan } from './script.js';
import { decided } from '../decided.js';

/** One call of a store, and the check of its result against the model. */
export interface Step {
  /** Text of the call in the transcript. */
  readonly line: string;
  begin(store: Store): Promise<unknown>;
  /** Makes the same call on the model, compares both results, and returns a short description. */
  check(result: unknown): string;
}

type Line<Does extends Command['do']> = Extract<Command, { readonly do: Does }>;

interface HeldDelivery {
  readonly id: string;
  readonly lease: string;
  readonly attempt: number;
  readonly source: string;
}

const POISON = new Error('poison');

/**
 * Converts commands of a script into store calls for the current state of the model. Returns undefined if a command has
 * no candidate.
 */
export class Steps {
  now = new Date(Date.UTC(2026, 0, 1));
  readonly #model: InboxModel;
  #ids = new IdSequence();
  /** All claims so far, newest first, including claims that were lost. */
  readonly #messageClaims: { readonly lease: string; readonly messages: readonly ClaimedMessage[] }[] = [];
  readonly #held: HeldDelivery[] = [];
  /** All events so far, with their runs. */
  readonly #events = new Map<string, { readonly source: string; readonly run?: number }>();
  readonly #names = new Map<string, string>();
  readonly #startedAt = new Map<string, Date>();
  #leases = 0;

  constructor(model: InboxModel) {
    this.#model = model;
  }

  /** A new process starts its ids at zero. */
  restart(): void {
    this.#ids = new IdSequence();
  }

  /** Returns the size of the last claim of deliveries; {@link Command}s count from the newest. */
  heldCount(): number {
    const [newest] = this.#held;
    return this.#held.filter(({ lease }) => lease === newest?.lease).length;
  }

  /** Returns an id in the short form of the transcript. */
  name(id: string): string {
    return this.#names.get(id) ?? id;
  }

  prepare(command: Command): Step | undefined {
    switch (command.do) {
      case 'append':
        return this.#append(command);
      case 'claim messages':
        return this.#claimMessages(command);
      case 'record':
        return this.#record(command);
      case 'claim deliveries':
        return this.#claimDeliveries(command);
      case 'renew':
        return this.#renew(command);
      case 'settle':
        return this.#settle(command);
      case 'purge':
        return this.#purge(command);
      case 'redrive':
        return this.#redrive(command);
      case 'dismiss':
        return this.#dismiss(command);
      case 'register':
        return this.#register(command);
      case 'deregister':
        return this.#deregister(command);
      case 'replay':
        return this.#replay(command);
      case 'reparse':
        return this.#reparse(command);
      case 'erase':
        return this.#erase(command);
      case 'clock':
      case 'crash':
      case 'other process':
        return undefined;
    }
  }

  #append({ source, key, body }: Line<'append'>): Step {
    const bytes = Buffer.from([0, 255, body]);
    const message = {
      id: this.#newId('msg'),
      source,
      provider: `provider of ${source}`,
      messageKey: key,
      digest: createHash('sha256').update(bytes).digest(),
      headers: { 'x-body': `${body} \u0000 é` },
      body: bytes,
      receivedAt: this.now,
    };
    return {
      line: `${this.name(message.id)} = append to ${source}: key "${key}", body ${body}`,
      begin: (store) => store.append(message),
      check: (result) => {
        const expected = this.#model.append(message);
        same(result, expected);
        return expected.status === 'accepted' ? 'accepted' : `duplicate of ${this.name(expected.id)}`;
      },
    };
  }

  #claimMessages({ sources, limit }: Line<'claim messages'>): Step {
    const lease = this.#newLease();
    const claim = { now: this.now, leaseMs: LEASE_MS, limit, lease, sources };
    return {
      line: `${lease} = claim ${limit} messages of ${sources.join(', ')}`,
      begin: (store) => store.claimMessages(claim),
      check: (result) => {
        const messages = result as ClaimedMessage[];
        this.#model.claimMessages(claim, messages);
        if (messages.length > 0) this.#messageClaims.unshift({ lease, messages });
        return this.#list(messages);
      },
    };
  }

  #record({ claim, plans, lease, poison }: Line<'record'>): Step | undefined {
    const held = choose(this.#messageClaims, claim);
    if (!held) return undefined;
    const { messages } = held;
    const token = lease === 'own' ? held.lease : 'unknown-lease';
    const drafts = messages.map((message, index) =>
      this.#draft(message, plans[index % plans.length]!, token, index === poison),
    );
    const { now } = this;
    const parseResults = drafts.map(({ line }) => line).join('; ');
    return {
      line: `record ${held.lease}${lease === 'own' ? '' : ' by a wrong lease'}: ${parseResults}`,
      begin: (store) =>
        store.record(
          drafts.map(({ recording }) => recording),
          now,
        ),
      check: (result) => {
        const results = drafts.map(({ recording, known }) => {
          const expected = orPoison(() => this.#model.record(recording, now));
          for (const one of known) same(one, known[0], 'something else is known');
          return expected;
        });
        if (result === POISON) {
          same(results, [POISON]);
          return 'threw the poison';
        }
        (result as Recorded[]).forEach((one, index) => {
          const expected = results[index];
          if (expected !== POISON) return same(one, expected);
          ok(one.failure === POISON && !one.recorded, 'the poison error was not returned');
        });
        same((result as Recorded[]).length, results.length);
        const recorded = (results as Recorded[]).filter((one) => one.recorded);
        const others = drafts.flatMap(({ known }) => known[0]?.otherHandlers ?? []);
        const notes = [
          `${recorded.length} of ${results.length} recorded`,
          ...recorded.flatMap(({ idReused, contradicts }) => [
            ...(idReused ? ['id reused'] : []),
            ...(contradicts ? ['contradicts'] : []),
          ]),
          ...(others.length > 0 ? [`others: ${others.join(', ')}`] : []),
        ];
        return `${notes.join(', ')}; new events: ${recorded.flatMap(({ events }) => events.map(({ id }) => id)).join(', ') || 'none'}`;
      },
    };
  }

  /** Returns the parse result of one message. `known` collects the arguments of each call of the decision. */
  #draft(
    { id, source, withoutHandlers }: ClaimedMessage,
    plan: ParsePlan,
    lease: string,
    isPoison: boolean,
  ): { recording: Recording; known: Known[]; line: string } {
    const { state, run, reports, isEvent } = plan;
    const handlers = withoutHandlers ? [] : plan.handlers;
    const known: Known[] = [];
    const isRun = state === 'parsed';
    const { now } = this;
    const event = once((eventId: string): NewEvent => {
      this.#events.set(eventId, { source, ...(isRun && { run }) });
      const deliveries = this.#deliveriesOf(eventId, handlers);
      return { id: eventId, type: eventId.split(':')[0]!, occurredAt: now, data: `{"run":"${run}"}`, deliveries };
    });
    const ownEvents = (): NewEvent[] => (isEvent ? [event(`message.received:${source}/${id}`)] : []);
    const recording: Recording = {
      messageId: id,
      lease,
      state,
      ...(state !== 'parsed' && { reason: `is ${state}` }),
      ...(state !== 'quarantined' && { messageType: 'type' }),
      ...(state !== 'quarantined' && isEvent && { notes: [{ path: state, expected: 'a text', found: 'null' }] }),
      ...(isRun && { run: { source, accountId: '1', runId: `${run}` }, job: { source, jobKey: 'job' } }),
      ...(plan.knows && { handlers: plan.knows }),
      decide: (given) => {
        known.push(given);
        const before = given.run;
        if (isPoison) throw POISON;
        if (!isRun) return { events: ownEvents() };
        const {
          state: after,
          newTypes,
          contradicts,
        } = advanceRun(before, {
          jobKey: 'job',
          types: reports,
          startedAt: now,
          finishedAt: undefined,
        });
        const events = newTypes.map((type) => event(`${type}:${source}/1/${run}`));
        return { run: after, events: [...events, ...ownEvents()], ...(contradicts && { contradicts }) };
      },
    };
    const about = isRun ? ` of run ${run}: ${reports.join(' ') || 'nothing'}` : '';
    const to = isRun || isEvent ? ` for ${handlers.join(', ') || 'no handler'}` : '';
    return {
      recording,
      known,
      line: `${this.name(id)} ${state}${about}${isEvent ? ' +event' : ''}${to}${isPoison ? ' POISON' : ''}`,
    };
  }

  #claimDeliveries({ handlers, limit }: Line<'claim deliveries'>): Step {
    const lease = this.#newLease();
    const claim = { now: this.now, leaseMs: LEASE_MS, limit, lease, handlerIds: handlers };
    return {
      line: `${lease} = claim ${limit} deliveries of ${handlers.join(', ') || 'no handler'}`,
      begin: (store) => store.claimDeliveries(claim),
      check: (result) => {
        const taken = result as ClaimedDelivery[];
        this.#model.claimDeliveries(claim, taken);
        const held = taken.map(({ id, attempt, event: { source } }) => ({ id, lease, attempt, source }));
        this.#held.unshift(...held);
        return this.#list(taken);
      },
    };
  }

  #renew({ held, lease }: Line<'renew'>): Step {
    const { now } = this;
    const chosen = held
      .flatMap((one) => choose(this.#held, one) ?? [])
      .map(({ id, lease: own }) => ({ id, lease: lease === 'own' ? own : 'unknown-lease' }));
    const names = chosen.map((one) => `${this.name(one.id)} by ${one.lease}`);
    return {
      line: `renew ${names.join(', ') || 'nothing'}`,
      begin: (store) => store.renew(chosen, { now, leaseMs: LEASE_MS }),
      check: (result) => {
        const expected = this.#model.renew(chosen, now, LEASE_MS);
        same(result, expected);
        return expected.length === 0 ? 'none held' : `held ${expected.map((id) => this.name(id)).join(', ')}`;
      },
    };
  }

  #settle({ held, as, lease }: Line<'settle'>): Step | undefined {
    const chosen = choose(this.#held, held);
    if (!chosen) return undefined;
    const { now } = this;
    const settlement = this.#settlement(chosen, as, lease === 'own' ? chosen.lease : 'unknown-lease');
    const how = typeof as === 'number' ? `pending for ${as} ms` : as;
    return {
      line: `settle ${this.name(chosen.id)} by ${settlement.lease}: ${how}`,
      begin: (store) => store.record([settlement], now),
      check: (result) => {
        const expected = this.#model.settle(settlement, now);
        same(
          (result as readonly Recorded[]).map(({ recorded }) => recorded),
          [expected],
        );
        return expected ? 'written' : 'refused';
      },
    };
  }

  #settlement({ id, attempt, source }: HeldDelivery, as: Line<'settle'>['as'], lease: string): Settlement {
    const { now } = this;
    const times = { startedAt: now, finishedAt: new Date(now.getTime() + 5) };
    if (as === 'succeeded' || as === 'skipped') {
      return { deliveryId: id, lease, attempt: { ...times, outcome: as }, next: { state: as } };
    }
    const error = { name: 'Error', message: `attempt ${attempt}`, stack: '' };
    const failed = { deliveryId: id, lease, attempt: { ...times, outcome: 'failed' as const, error } };
    if (typeof as === 'number') return { ...failed, next: { state: 'pending', dueAt: new Date(now.getTime() + as) } };
    if (as === 'dead') return { ...failed, next: { state: 'dead' } };
    const eventId = `delivery.dead:${source}/${id}/${attempt}`;
    this.#events.set(eventId, { source });
    const deliveries = this.#deliveriesOf(eventId, ['dead']);
    const event = { id: eventId, type: 'delivery.dead', occurredAt: now, data: '{}', deliveries };
    return { ...failed, next: { state: 'dead' }, decide: () => ({ events: [event] }) };
  }

  #purge({ finishedMs, deadMs, deduplicationMs, limit }: Line<'purge'>): Step {
    const before = (ms: number): Date => new Date(this.now.getTime() - ms);
    const purge = {
      finishedBefore: before(finishedMs),
      deadBefore: before(deadMs),
      deduplicationBefore: before(deduplicationMs),
      goodBefore: before(deduplicationMs),
      nodesBefore: before(deduplicationMs),
      tasksBefore: before(deduplicationMs),
      limit,
    };
    return {
      line: `purge, ${limit} at a time: settled for ${finishedMs} ms, dead for ${deadMs} ms, keys for ${deduplicationMs} ms`,
      begin: async (store) => {
        let removed = 0;
        for (let step = rowsOf(await store.purge(purge)); step > 0; step = rowsOf(await store.purge(purge))) {
          ok(step <= 4 * limit, `removed ${step} rows in one step`);
          removed += step;
        }
        return removed;
      },
      check: (result) => {
        const expected = this.#model.purge(purge);
        same(result, expected);
        return `removed ${expected}`;
      },
    };
  }

  #redrive({ what }: Line<'redrive'>): Step {
    const { now } = this;
    const decision = decided();
    const all = [...this.#model.deliveries.keys()].reverse();
    const redrive = Array.isArray(what)
      ? { deliveryIds: (what as number[]).flatMap((one) => choose(all, one) ?? []) }
      : typeof what === 'object' && 'handler' in what
        ? { handlerId: what.handler }
        : {};
    const names = redrive.deliveryIds?.map((id) => this.name(id)).join(', ');
    return {
      line: `redrive ${names ?? (redrive.handlerId ? `handler ${redrive.handlerId}` : 'all')}`,
      begin: (store) => store.redrive(redrive, decision, now),
      check: (result) => {
        const expected = this.#model.redrive(redrive, decision, now);
        same(result, expected);
        return `${expected} redriven`;
      },
    };
  }

  #dismiss({ ids, handler }: Line<'dismiss'>): Step {
    const { now } = this;
    const all = [...this.#model.deliveries.keys()].reverse();
    const deliveryIds = ids?.flatMap((one) => choose(all, one) ?? []);
    const decision = decided();
    const dismissal = {
      ...(deliveryIds && { deliveryIds }),
      ...(handler !== undefined && { handlerId: handler }),
    };
    const names = deliveryIds?.map((id) => this.name(id)).join(', ') ?? 'all';
    return {
      line: `dismiss ${names}${handler === undefined ? '' : ` of handler ${handler}`}`,
      begin: (store) => store.dismiss(dismissal, decision, now),
      check: (result) => {
        const expected = this.#model.dismiss(dismissal, decision, now);
        same(result, expected);
        return `${expected} dismissed`;
      },
    };
  }

  #register({ process, isNew, role, handlers, version, lapsedMs, missingMs }: Line<'register'>): Step {
    const { now } = this;
    if (isNew) this.#startedAt.set(process, now);
    const registration: Registration = {
      processId: process,
      role,
      label: `process ${process}`,
      startedAt: this.#startedAt.get(process) ?? now,
      handlers: handlers.map((id) => ({ id, version: `${id}@${version}`, subscriptions: '[]' })),
      lapsedBefore: new Date(now.getTime() - lapsedMs),
      abandoned: handlers.slice(0, 1).map((handlerId) => ({ handlerId, calls: 2 })),
      missingBefore: new Date(now.getTime() - missingMs),
      scope: { sources: [], handlerIds: [], taskHandlerIds: [] },
    };
    return {
      line: `register ${isNew ? 'a new ' : ''}${process} as ${role}: ${handlers.join(', ') || 'nothing'} @${version}`,
      begin: (store) => store.register(registration, now),
      check: (result) => {
        same(result, undefined);
        this.#model.registry.register(registration, now);
        return 'registered';
      },
    };
  }

  #deregister({ process }: Line<'deregister'>): Step {
    return {
      line: `deregister ${process}`,
      begin: (store) => store.deregister(process),
      check: () => {
        this.#model.registry.deregister(process);
        return 'gone';
      },
    };
  }

  #replay({ id, events, handlers }: Line<'replay'>): Step {
    const { now } = this;
    const decision = decided();
    const all = [...this.#events.keys()].reverse();
    const chosen = events.flatMap((one) => choose(all, one) ?? []);
    const replayed = chosen.map((eventId) => ({ eventId, deliveries: this.#deliveriesOf(eventId, handlers) }));
    return {
      line: `replay "${id}" of ${chosen.join(', ') || 'nothing'} for ${handlers.join(', ') || 'no handler'}`,
      begin: (store) => store.replay(id, replayed, decision, now),
      check: (result) => {
        const expected = this.#model.replay(id, replayed, decision, now);
        same(result, expected);
        return `${expected} added`;
      },
    };
  }

  #reparse({ states, messages, withoutHandlers }: Line<'reparse'>): Step {
    const { now } = this;
    const decision = decided();
    const all = [...this.#model.messages.keys()].reverse();
    const messageIds = messages === 'all' ? undefined : (messages as number[]).flatMap((one) => choose(all, one) ?? []);
    const reparse = { states, withoutHandlers, ...(messageIds && { messageIds }) };
    const which = messageIds?.map((id) => this.name(id)).join(', ') ?? 'all';
    return {
      line: `reparse ${which} if ${states.join(' or ') || 'nothing'}${withoutHandlers ? ', quietly' : ''}`,
      begin: (store) => store.reparse(reparse, decision, now),
      check: (result) => {
        const expected = this.#model.reparse(reparse, decision, now);
        same(result, expected);
        return `${expected} again`;
      },
    };
  }

  #erase({ messages }: Line<'erase'>): Step {
    const { now } = this;
    const all = [...this.#model.messages.keys()].reverse();
    const messageIds = messages.flatMap((one) => choose(all, one) ?? []);
    const decision = decided();
    return {
      line: `erase ${messageIds.map((id) => this.name(id)).join(', ') || 'nothing'}`,
      begin: (store) => store.erase({ messageIds, eventIds: [], runs: [], texts: [] }, decision, now),
      check: (result) => {
        const expected = this.#model.erase(messageIds, decision, now);
        same(result, expected);
        return `${expected.messages} erased, ${expected.held} held`;
      },
    };
  }

  /** Returns a delivery for each handler; `by-run` and `by-job` have lanes. */
  #deliveriesOf(eventId: string, handlers: readonly string[]): NewDelivery[] {
    const { source, run } = this.#events.get(eventId)!;
    return handlers.map((handlerId) => {
      const lane =
        run === undefined ? undefined : { 'by-run': `${source} run ${run}`, 'by-job': `${source} job` }[handlerId];
      return { id: this.#newId('dlv'), handlerId, ...(lane && { lane: `${handlerId} ${lane}` }) };
    });
  }

  #list(taken: readonly { readonly id: string }[]): string {
    return taken.length === 0 ? 'nothing' : taken.map(({ id }) => this.name(id)).join(', ');
  }

  #newId(prefix: 'msg' | 'dlv'): string {
    const id = this.#ids.next(prefix, this.now);
    this.#names.set(id, `${prefix[0]}${this.#names.size + 1}`);
    return id;
  }

  #newLease(): string {
    this.#leases += 1;
    return `L${this.#leases}`;
  }
}

function choose<T>(from: readonly T[], choice: number): T | undefined {
  return from.length === 0 ? undefined : from[choice % from.length];
}

/** Caches results, because a decision may run again but must create each id once. */
function once<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
}

function orPoison<T>(step: () => T): T | Error {
  try {
    return step();
  } catch (error) {
    if (error === POISON) return POISON;
    throw error;
  }
}

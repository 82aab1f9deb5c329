import type { ReadyDeliveries } from '../deliveries/ready-deliveries.js';
import { eventData, messageEventId, runEventId, type EventFacts } from '../events/event-data.js';
import { MESSAGE_EVENT_TYPE } from '../events/event.js';
import type { Router } from '../handlers/router.js';
import { routableOf } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import { notesToKeep } from '../payloads/parse-note.js';
import { earlierOf } from '../runs/earlier-later.js';
import { markIn } from '../runs/action-mark.js';
import { withRetryOf } from '../runs/retried-run.js';
import { runUpdateOf, type RunUpdate } from '../runs/run-update.js';
import type { RunSignal } from '../runs/run-signal.js';
import type { RunKey, RunState } from '../runs/run-state.js';
import type { ParseResult } from '../sources/provider.js';
import { parseMessage } from '../sources/parse-message.js';
import { isParseResult } from '../sources/parse-result-check.js';
import type { OpenSource } from '../sources/source.js';
import type { ClaimedMessage } from '../store/claim.js';
import type { Known, NewDelivery, NewEvent, NewTask, Recording, RunDecision } from '../store/recording.js';
import { handOff } from '../tasks/hand-off.js';
import type { TaskPlanner } from '../tasks/task-planner.js';
import { attemptError } from '../thrown.js';

/** Recording of a parsed message. */
export interface ParsedMessage extends Recording {
  /** State of a run that the message reports, if it does. */
  readonly signal?: RunSignal;
}

/** Options for a message parser. */
export interface MessageParserOptions {
  readonly sources: ReadonlyMap<string, OpenSource>;
  readonly router: Router;
  readonly planner: TaskPlanner;
  /** Deliveries that this process claims while it records them. */
  readonly ready: ReadyDeliveries;
}

/** Turns claimed messages into recordings. Never throws: a message that cannot be parsed is quarantined. */
export class MessageParser {
  readonly #sources: ReadonlyMap<string, OpenSource>;
  readonly #router: Router;
  readonly #planner: TaskPlanner;
  readonly #ready: ReadyDeliveries;

  constructor({ sources, router, planner, ready }: MessageParserOptions) {
    this.#sources = sources;
    this.#router = router;
    this.#planner = planner;
    this.#ready = ready;
  }

  /** Called before messages are parsed whose recordings are written together. */
  begin(): void {
    this.#ready.beginRecording();
  }

  /** Called after recordings of which some, or all, may be written although the store has failed. */
  recordingFailed(): void {
    this.#ready.recordingFailed();
  }

  /** Parses a message with its source's provider. */
  parse(message: ClaimedMessage, lease: string, now: Date): ParsedMessage {
    return this.#recording(message, this.#resultOf(message), lease, now);
  }

  /** Quarantines a message whose parsing ended the process too often. */
  giveUp(message: ClaimedMessage, lease: string, now: Date): ParsedMessage {
    const reason = `parsing was started ${message.claims - 1} times and never finished`;
    return this.#recording(message, { state: 'quarantined', reason }, lease, now);
  }

  #recording(message: ClaimedMessage, result: ParseResult, lease: string, now: Date): ParsedMessage {
    const notes = 'notes' in result ? notesToKeep(result.notes) : [];
    const base = {
      messageId: message.id,
      lease,
      state: result.state,
      handlers: this.#router.versions(),
      ...('reason' in result && { reason: result.reason.slice(0, LIMITS.reasonCharsMax) }),
      ...(notes.length > 0 && { notes }),
      ...('messageType' in result && { messageType: result.messageType }),
    };
    if (result.state !== 'parsed') {
      return { ...base, decide: (known) => this.#decideWithoutRun(message, result, now, known) };
    }
    const { run: reported, otherJobKeys } = result.signal;
    const { account, id: runId, job } = reported;
    const { source } = message;
    const run: RunKey = { source, accountId: account.id, runId };
    return {
      ...base,
      run,
      job: { source, jobKey: job.key },
      ...(otherJobKeys && { otherJobKeys }),
      signal: result.signal,
      decide: (known) => this.#decide(message, result, run, now, known),
    };
  }

  #resultOf(message: ClaimedMessage): ParseResult {
    const source = this.#sources.get(message.source);
    if (!source) {
      return { state: 'quarantined', reason: `source "${message.source}" is not configured in this process` };
    }
    try {
      const result: unknown = parseMessage(source, message);
      if (isParseResult(result)) return result;
      return {
        state: 'quarantined',
        reason: `provider "${message.provider}" returned a value that is not a ParseResult`,
      };
    } catch (error) {
      // The error's message is left out, because it may quote a payload.
      const { name } = attemptError(error);
      return { state: 'quarantined', reason: `provider "${message.provider}" threw ${name} while parsing` };
    }
  }

  #decideWithoutRun(
    message: ClaimedMessage,
    result: ParseResult,
    now: Date,
    { otherHandlers = [] }: Known,
  ): RunDecision {
    const { receivedAt } = message;
    const messageType = ownTypeOf(message, result);
    const update = {
      occurredAt: receivedAt,
      receivedAt,
      events: [],
      ...(messageType !== undefined && { messageType }),
    };
    const tasks = message.withoutHandlers ? [] : handOff(message.id, update, otherHandlers, now);
    return { events: this.#messageEvents(message, result, now), ...(tasks.length > 0 && { tasks }) };
  }

  #decide(
    message: ClaimedMessage,
    parsed: ParseResult & { state: 'parsed' },
    key: RunKey,
    now: Date,
    known: Known,
  ): RunDecision {
    const { receivedAt, origin, history: isHistory = false } = message;
    const update = runUpdateOf(known, parsed.signal, receivedAt, { isFromApi: origin === 'api', isHistory });
    const result = withKnown(parsed, update.run);
    const { run, occurredAt } = result.signal;
    // Most messages lead to several events about the same run.
    const runText = update.events.length > 1 ? JSON.stringify(run) : undefined;
    const events = update.events.map(({ type, extras }) => {
      const facts: EventFacts = { occurredAt, receivedAt, run, ...extras };
      return this.#event(message, type, runEventId(type, key), facts, now, runText);
    });
    const tasks = message.withoutHandlers ? [] : this.#tasks(message, result, update, now, known);
    const mark = isHistory ? undefined : markIn(run.trigger.reason);
    return {
      run: update.run,
      ...(tasks.length > 0 && { tasks }),
      events: [...events, ...this.#messageEvents(message, result, now)],
      ...(update.jobs && { jobs: update.jobs }),
      ...(update.contradicts && { contradicts: update.contradicts }),
      ...(update.isFoundBySweep && { isFoundBySweep: true as const }),
      ...(mark !== undefined && { actionMark: mark }),
    };
  }

  /** Returns the checks that handlers of this process ask for, and the hand-offs to handlers of other processes. */
  #tasks(
    message: ClaimedMessage,
    result: ParseResult & { state: 'parsed' },
    update: RunUpdate,
    now: Date,
    { otherHandlers = [] }: Known,
  ): NewTask[] {
    const { id, source, provider, receivedAt } = message;
    const { run, occurredAt } = result.signal;
    const messageType = ownTypeOf(message, result);
    const happenedAt = earlierOf(occurredAt, receivedAt);
    const key: RunKey = { source, accountId: run.account.id, runId: run.id };
    const events = update.events.map(({ type, extras: { late = false } }) => ({
      id: runEventId(type, key),
      type,
      late,
    }));
    const types = events.flatMap(({ type, late }) => (late ? [] : [type]));
    const own = this.#planner.tasksFor({ source, provider, receivedAt, run, happenedAt, types }, now);
    const ownType = messageType !== undefined && { messageType };
    const handedOff = { occurredAt, receivedAt, run, happenedAt, events, ...ownType };
    return [...own, ...handOff(id, handedOff, otherHandlers, now)];
  }

  /** A message becomes an event of its own only if a handler asks for it. */
  #messageEvents(message: ClaimedMessage, result: ParseResult, now: Date): NewEvent[] {
    const messageType = ownTypeOf(message, result);
    if (messageType === undefined) return [];
    const { receivedAt, source, provider } = message;
    const signal = result.state === 'parsed' ? result.signal : undefined;
    const facts: EventFacts = {
      occurredAt: signal?.occurredAt ?? receivedAt,
      receivedAt,
      messageType,
      ...(signal && { run: signal.run }),
    };
    const id = messageEventId(source, message.id);
    const isWanted = this.#router.isWanted(routableOf({ type: MESSAGE_EVENT_TYPE, source, provider }, facts));
    return isWanted ? [this.#event(message, MESSAGE_EVENT_TYPE, id, facts, now)] : [];
  }

  #event(message: ClaimedMessage, type: string, id: string, facts: EventFacts, now: Date, runText?: string): NewEvent {
    const { source, provider, withoutHandlers } = message;
    const routed = withoutHandlers
      ? []
      : this.#router.deliveriesFor(routableOf({ type, source, provider }, facts), now);
    const deliveries = routed.map((delivery): NewDelivery => {
      const claim = this.#ready.claimFor(delivery, message.body, now);
      return claim ? { ...delivery, claim } : delivery;
    });
    return { id, type, occurredAt: facts.occurredAt, data: eventData(facts, runText), deliveries };
  }
}

/** Returns the type of a provider's own message. A message that a sweep found is not one: the provider never sent it. */
function ownTypeOf({ origin }: ClaimedMessage, result: ParseResult): string | undefined {
  return origin !== 'api' && 'messageType' in result ? result.messageType : undefined;
}

/** Returns the result with what the run's state knows better: the job key that it keeps, and the run that it is a retry of. */
function withKnown(result: ParseResult & { state: 'parsed' }, state: RunState): ParseResult & { state: 'parsed' } {
  const { signal } = result;
  const { jobKey: key } = state;
  const known = withRetryOf(signal.run, state);
  const run = known.job.key === key ? known : { ...known, job: { ...known.job, key } };
  return run === signal.run ? result : { ...result, signal: { ...signal, run } };
}

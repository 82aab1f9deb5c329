import { eventData, messageEventId, runEventId, type EventFacts } from '../events/event-data.js';
import { MESSAGE_EVENT_TYPE } from '../events/event.js';
import type { Router } from '../handlers/router.js';
import { routableOf } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import { notesToKeep } from '../payloads/parse-note.js';
import { earlierOf } from '../runs/earlier-later.js';
import { runUpdateOf, type RunUpdate } from '../runs/run-update.js';
import type { RunSignal } from '../runs/run-signal.js';
import type { RunKey } from '../runs/run-state.js';
import type { ParseResult } from '../sources/provider.js';
import { isParseResult } from '../sources/parse-result-check.js';
import type { OpenSource } from '../sources/source.js';
import type { ClaimedMessage } from '../store/claim.js';
import type { Known, NewEvent, NewTask, Recording, RunDecision } from '../store/recording.js';
import { handOff } from '../tasks/hand-off.js';
import type { TaskPlanner } from '../tasks/task-planner.js';
import { attemptError } from '../thrown.js';

/** What is to be recorded of a message, and what the log wants to know of it. */
export interface ParsedMessage extends Recording {
  /** What it says of a run, if it does. */
  readonly signal?: RunSignal;
  /** What was decided last; nothing before the store has asked. */
  decided(): RunDecision | undefined;
}

/** Turns claimed messages into what is to be recorded. Never throws: what cannot be read is quarantined. */
export class MessageParser {
  readonly #sources: ReadonlyMap<string, OpenSource>;
  readonly #router: Router;
  readonly #planner: TaskPlanner;

  constructor(sources: ReadonlyMap<string, OpenSource>, router: Router, planner: TaskPlanner) {
    this.#sources = sources;
    this.#router = router;
    this.#planner = planner;
  }

  parse(message: ClaimedMessage, lease: string, now: Date): ParsedMessage {
    return this.#recording(message, this.#parse(message), lease, now);
  }

  /** For a message whose reading ended the process too often. */
  giveUp(message: ClaimedMessage, lease: string, now: Date): ParsedMessage {
    const reason = `reading was begun ${message.claims - 1} times and never finished`;
    return this.#recording(message, { state: 'quarantined', reason }, lease, now);
  }

  #recording(message: ClaimedMessage, reading: ParseResult, lease: string, now: Date): ParsedMessage {
    const notes = 'notes' in reading ? notesToKeep(reading.notes) : [];
    const base = {
      messageId: message.id,
      lease,
      state: reading.state,
      handlers: this.#router.versions(),
      ...('reason' in reading && { reason: reading.reason.slice(0, LIMITS.reasonCharsMax) }),
      ...(notes.length > 0 && { notes }),
      ...('messageType' in reading && { messageType: reading.messageType }),
    };
    if (reading.state !== 'parsed') {
      return { ...base, ...remembered((known) => this.#decideWithoutRun(message, reading, now, known)) };
    }
    const { account, id: runId, job } = reading.signal.run;
    const { source } = message;
    const run: RunKey = { source, accountId: account.id, runId };
    return {
      ...base,
      run,
      job: { source, jobKey: job.key },
      signal: reading.signal,
      ...remembered((known) => this.#decide(message, reading, run, now, known)),
    };
  }

  #parse(message: ClaimedMessage): ParseResult {
    const source = this.#sources.get(message.source);
    if (!source) {
      return { state: 'quarantined', reason: `source "${message.source}" is not configured in this process` };
    }
    try {
      const reading: unknown = source.provider.parse(message);
      if (isParseResult(reading)) return reading;
      return { state: 'quarantined', reason: `provider "${message.provider}" answered what is no reading` };
    } catch (error) {
      // Not its message: that may quote a payload.
      const { name } = attemptError(error);
      return { state: 'quarantined', reason: `provider "${message.provider}" threw ${name} while reading` };
    }
  }

  #decideWithoutRun(
    message: ClaimedMessage,
    reading: ParseResult,
    now: Date,
    { otherHandlers = [] }: Known,
  ): RunDecision {
    const { receivedAt } = message;
    const messageType = 'messageType' in reading ? { messageType: reading.messageType } : {};
    const news = { occurredAt: receivedAt, receivedAt, events: [], ...messageType };
    const tasks = message.withoutHandlers ? [] : handOff(message.id, news, otherHandlers, now);
    return { events: this.#messageEvents(message, reading, now), ...(tasks.length > 0 && { tasks }) };
  }

  #decide(
    message: ClaimedMessage,
    reading: ParseResult & { state: 'parsed' },
    key: RunKey,
    now: Date,
    known: Known,
  ): RunDecision {
    const { run, occurredAt } = reading.signal;
    const news = runUpdateOf(known, reading.signal, message.receivedAt);
    const events = news.events.map(({ type, extras }) => {
      const facts: EventFacts = { occurredAt, receivedAt: message.receivedAt, run, ...extras };
      return this.#event(message, type, runEventId(type, key), facts, now);
    });
    const tasks = message.withoutHandlers ? [] : this.#tasks(message, reading, news, now, known);
    return {
      run: news.run,
      ...(tasks.length > 0 && { tasks }),
      events: [...events, ...this.#messageEvents(message, reading, now)],
      ...(news.job && { job: news.job }),
      ...(news.contradicts && { contradicts: news.contradicts }),
    };
  }

  /** What the handlers of this process watch and wait for, and what others have to look at. */
  #tasks(
    { id, source, provider, receivedAt }: ClaimedMessage,
    { signal, messageType }: ParseResult & { state: 'parsed' },
    news: RunUpdate,
    now: Date,
    { otherHandlers = [] }: Known,
  ): NewTask[] {
    const { run, occurredAt } = signal;
    const happenedAt = earlierOf(occurredAt, receivedAt);
    const events = news.events.map(({ type, extras: { late = false } }) => ({ type, late }));
    const types = events.flatMap(({ type, late }) => (late ? [] : [type]));
    const own = this.#planner.tasksFor({ source, provider, receivedAt, run, happenedAt, types }, now);
    const told = { occurredAt, receivedAt, run, happenedAt, events, messageType };
    return [...own, ...handOff(id, told, otherHandlers, now)];
  }

  /** A message is an event of its own only where a handler asks for it: otherwise the message is record enough. */
  #messageEvents(message: ClaimedMessage, reading: ParseResult, now: Date): NewEvent[] {
    if (!('messageType' in reading)) return [];
    const { receivedAt, source, provider } = message;
    const { messageType } = reading;
    const signal = reading.state === 'parsed' ? reading.signal : undefined;
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

  #event(message: ClaimedMessage, type: string, id: string, facts: EventFacts, now: Date): NewEvent {
    const { source, provider, withoutHandlers } = message;
    const deliveries = withoutHandlers
      ? []
      : this.#router.deliveriesFor(routableOf({ type, source, provider }, facts), now);
    return { id, type, occurredAt: facts.occurredAt, data: eventData(facts), deliveries };
  }
}

function remembered(decide: Recording['decide']): Pick<ParsedMessage, 'decide' | 'decided'> {
  let decided: RunDecision | undefined;
  return { decide: (known) => (decided = decide(known)), decided: () => decided };
}

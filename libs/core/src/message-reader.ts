import { attemptError } from './attempt.js';
import { MESSAGE_EVENT_TYPE } from './event.js';
import { eventData, runEventId, type EventFacts } from './event-data.js';
import { LIMITS } from './limits.js';
import type { Reading } from './provider.js';
import { isReading } from './reading-check.js';
import type { Router } from './routing.js';
import { advanceRun, type NewEvent, type RunDecision, type RunKey, type RunState } from './run-state.js';
import type { OpenSource } from './source.js';
import type { ClaimedMessage, Recording } from './store.js';
import type { Routable } from './filter.js';

/** Turns claimed messages into what is to be recorded. Never throws: what cannot be read is quarantined. */
export class MessageReader {
  readonly #sources: ReadonlyMap<string, OpenSource>;
  readonly #router: Router;

  constructor(sources: ReadonlyMap<string, OpenSource>, router: Router) {
    this.#sources = sources;
    this.#router = router;
  }

  read(message: ClaimedMessage, lease: string, now: Date): Recording {
    return this.#recording(message, this.#reading(message), lease, now);
  }

  /** For a message whose reading ended the process too often. */
  giveUp(message: ClaimedMessage, lease: string, now: Date): Recording {
    const reason = `reading was begun ${message.reads - 1} times and never finished`;
    return this.#recording(message, { state: 'quarantined', reason }, lease, now);
  }

  #recording(message: ClaimedMessage, reading: Reading, lease: string, now: Date): Recording {
    const base = {
      messageId: message.id,
      lease,
      state: reading.state,
      ...('reason' in reading && { reason: reading.reason.slice(0, LIMITS.reasonCharsMax) }),
      ...('messageType' in reading && { messageType: reading.messageType }),
    };
    if (reading.state !== 'read') {
      return { ...base, decide: () => ({ events: this.#messageEvents(message, reading, now) }) };
    }
    const { account, id: runId } = reading.signal.run;
    const run: RunKey = { source: message.source, accountId: account.id, runId };
    return { ...base, run, decide: (known) => this.#decide(message, reading, run, now, known) };
  }

  #reading(message: ClaimedMessage): Reading {
    const source = this.#sources.get(message.source);
    if (!source) {
      return { state: 'quarantined', reason: `source "${message.source}" is not configured in this process` };
    }
    try {
      const reading: unknown = source.provider.read(message);
      if (isReading(reading)) return reading;
      return { state: 'quarantined', reason: `provider "${message.provider}" answered what is no reading` };
    } catch (error) {
      // Not its message: that may quote a payload.
      const { name } = attemptError(error);
      return { state: 'quarantined', reason: `provider "${message.provider}" threw ${name} while reading` };
    }
  }

  #decide(
    message: ClaimedMessage,
    reading: Reading & { state: 'read' },
    key: RunKey,
    now: Date,
    known: RunState | undefined,
  ): RunDecision {
    const { run, types, occurredAt } = reading.signal;
    const { job, startedAt, finishedAt } = run;
    const { state, newTypes, contradicts } = advanceRun(known, { jobKey: job.key, types, startedAt, finishedAt });
    const facts: EventFacts = { occurredAt, receivedAt: message.receivedAt, run };
    const events = newTypes.map((type) => this.#event(message, type, runEventId(type, key), facts, now));
    return {
      run: state,
      events: [...events, ...this.#messageEvents(message, reading, now)],
      ...(contradicts && { contradicts }),
    };
  }

  /** A message is an event of its own only where a handler asks for it: otherwise the message is record enough. */
  #messageEvents(message: ClaimedMessage, reading: Reading, now: Date): NewEvent[] {
    if (!('messageType' in reading)) return [];
    const { receivedAt, source, provider } = message;
    const { messageType } = reading;
    const signal = reading.state === 'read' ? reading.signal : undefined;
    const facts: EventFacts = {
      occurredAt: signal?.occurredAt ?? receivedAt,
      receivedAt,
      messageType,
      ...(signal && { run: signal.run }),
    };
    const id = `${MESSAGE_EVENT_TYPE}:${message.source}/${message.id}`;
    const run = signal && { run: signal.run };
    const isWanted = this.#router.isWanted({ type: MESSAGE_EVENT_TYPE, source, provider, messageType, ...run });
    return isWanted ? [this.#event(message, MESSAGE_EVENT_TYPE, id, facts, now)] : [];
  }

  #event(message: ClaimedMessage, type: string, id: string, facts: EventFacts, now: Date): NewEvent {
    const { source, provider, quiet } = message;
    const { run, messageType } = facts;
    const routable: Routable = { type, source, provider, ...(run && { run }), ...(messageType && { messageType }) };
    const deliveries = quiet ? [] : this.#router.deliveriesFor(routable, now);
    return { id, type, occurredAt: facts.occurredAt, data: eventData(facts), deliveries };
  }
}

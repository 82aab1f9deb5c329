import { MESSAGE_EVENT_TYPE, type RunEventType } from './event.js';
import { eventData, runEventId, type EventFacts } from './event-data.js';
import type { HandlerSet } from './handler-set.js';
import type { IdSequence } from './ids.js';
import { LIMITS } from './limits.js';
import type { Reading, RunSignal } from './provider.js';
import { advanceRun, type NewEvent, type RunDecision, type RunKey, type RunState } from './run-state.js';
import type { OpenSource } from './source.js';
import type { ClaimedMessage, Recording } from './store.js';

/** Turns claimed messages into what is to be recorded. Never throws: what cannot be read is quarantined. */
export class MessageReader {
  readonly #sources: ReadonlyMap<string, OpenSource>;
  readonly #handlers: HandlerSet;
  readonly #ids: IdSequence;

  constructor(sources: ReadonlyMap<string, OpenSource>, handlers: HandlerSet, ids: IdSequence) {
    this.#sources = sources;
    this.#handlers = handlers;
    this.#ids = ids;
  }

  read(message: ClaimedMessage, lease: string): Recording {
    const reading = this.#reading(message);
    const base = {
      messageId: message.id,
      lease,
      state: reading.state,
      ...('reason' in reading && { reason: reading.reason.slice(0, LIMITS.reasonCharsMax) }),
      ...('messageType' in reading && { messageType: reading.messageType }),
    };
    if (reading.state !== 'read') {
      return { ...base, decide: () => ({ events: this.#messageEvents(message, reading) }) };
    }
    const { signal } = reading;
    const run: RunKey = { source: message.source, accountId: signal.run.account.id, runId: signal.run.id };
    return {
      ...base,
      run,
      decide: (known) => this.#decide(message, reading, run, signal, known),
    };
  }

  #reading(message: ClaimedMessage): Reading {
    const source = this.#sources.get(message.source);
    if (!source)
      return { state: 'quarantined', reason: `source "${message.source}" is not configured in this process` };
    if (message.reads > LIMITS.readsMax) {
      return { state: 'quarantined', reason: `reading was begun ${message.reads - 1} times and never finished` };
    }
    try {
      return source.provider.read(message);
    } catch (error) {
      return { state: 'quarantined', reason: `provider "${message.provider}" threw ${describe(error)} while reading` };
    }
  }

  #decide(
    message: ClaimedMessage,
    reading: Reading,
    key: RunKey,
    signal: RunSignal,
    known: RunState | undefined,
  ): RunDecision {
    const { run, occurredAt } = signal;
    const { state, types } = advanceRun(known, {
      jobKey: run.job.key,
      types: signal.types,
      startedAt: run.startedAt,
      finishedAt: run.finishedAt,
    });
    const facts: EventFacts = { occurredAt, receivedAt: message.receivedAt, run };
    const events = types.map((type) => this.#runEvent(message, type, runEventId(type, key), facts));
    return { run: state, events: [...events, ...this.#messageEvents(message, reading)] };
  }

  #runEvent(message: ClaimedMessage, type: RunEventType, id: string, facts: EventFacts): NewEvent {
    const { source, provider } = message;
    return {
      id,
      type,
      occurredAt: facts.occurredAt,
      data: eventData(facts),
      deliveries: this.#deliveries(
        message,
        this.#handlers.route({ type, source, provider, ...(facts.run && { run: facts.run }) }),
      ),
    };
  }

  /** A message is an event of its own only where a handler asks for it: otherwise the message itself is record enough. */
  #messageEvents(message: ClaimedMessage, reading: Reading): NewEvent[] {
    if (!('messageType' in reading)) return [];
    const { source, provider, receivedAt } = message;
    const { messageType } = reading;
    const run = reading.state === 'read' ? reading.signal.run : undefined;
    const occurredAt = reading.state === 'read' ? reading.signal.occurredAt : receivedAt;
    const handlerIds = this.#handlers.route({
      type: MESSAGE_EVENT_TYPE,
      source,
      provider,
      messageType,
      ...(run && { run }),
    });
    if (handlerIds.length === 0) return [];
    const id = `${MESSAGE_EVENT_TYPE}:${source}/${message.id}`;
    return [
      {
        id,
        type: MESSAGE_EVENT_TYPE,
        occurredAt,
        data: eventData({ occurredAt, receivedAt, messageType }),
        deliveries: this.#deliveries(message, handlerIds),
      },
    ];
  }

  #deliveries(message: ClaimedMessage, handlerIds: readonly string[]): NewEvent['deliveries'] {
    return handlerIds.map((handlerId) => ({ id: this.#ids.next('dlv', message.receivedAt), handlerId }));
  }
}

/** The kind of a thrown value; its message may quote a payload. */
function describe(error: unknown): string {
  return error instanceof Error ? error.name : `a ${typeof error}`;
}

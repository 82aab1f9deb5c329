import { MESSAGE_EVENT_TYPE, type DeadLetter, type WebhookEvent } from './event.js';
import type { VerifiedMessage } from '../sources/message.js';
import { parseDated } from '../payloads/dated-json.js';
import type { EventExtras } from '../runs/run-update.js';
import type { Provider, ParseResult } from '../sources/provider.js';
import type { RunKey } from '../runs/run-state.js';
import type { JoinedRun, Run } from '../runs/run.js';
import { OwnError } from '../errors.js';

/** What is stored of an event beside its columns. The payload is not: it is read again from the kept message. */
export interface EventFacts extends EventExtras {
  readonly occurredAt: Date;
  readonly receivedAt: Date;
  readonly run?: Run;
  readonly messageType?: string;
  readonly deadLetter?: DeadLetter;
  readonly stuckAfterMs?: number;
  readonly runs?: readonly JoinedRun[];
  /** The only handler the event is for. */
  readonly handlerId?: string;
  /** All else was erased. */
  readonly erased?: true;
}

/** The payload of an event cannot be had any more. */
export class PayloadUnavailableError extends OwnError {
  protected static override readonly className = 'PayloadUnavailableError';
  readonly code = 'RUNHOOKS_PAYLOAD_UNAVAILABLE';
}

/** `<type>:<source>/<account>/<run>`: the same for every copy of the fact. Parts are percent-encoded. */
export function runEventId(type: string, run: RunKey): string {
  return `${type}:${run.source}/${encodeURIComponent(run.accountId)}/${encodeURIComponent(run.runId)}`;
}

/** The same for every reading of the message. */
export function messageEventId(source: string, messageId: string): string {
  return `${MESSAGE_EVENT_TYPE}:${source}/${messageId}`;
}

export function eventData(facts: EventFacts): string {
  return JSON.stringify(facts);
}

/**
 * The event a handler gets. `payload` is read from the message when it is first asked for: most handlers never do.
 * It throws {@link PayloadUnavailableError} if this version cannot read the message any more.
 */
export function restoreEvent(
  stored: StoredEvent,
  message: VerifiedMessage,
  provider: Provider | undefined,
): WebhookEvent {
  const { id, type, source, messageId, data } = stored;
  const facts = eventFacts(data);
  let payload: object | undefined;
  const event = {
    id,
    type,
    provider: stored.provider,
    source,
    messageId,
    ...facts,
    get payload(): object {
      return (payload ??= payloadOf(stored, provider?.parse(message)));
    },
  };
  return event as unknown as WebhookEvent;
}

function payloadOf(stored: StoredEvent, reading: ParseResult | undefined): object {
  if (reading && 'payload' in reading) return reading.payload;
  const found = reading
    ? `now reads as ${reading.state}: ${reading.reason}`
    : `is of source "${stored.source}", which is not configured`;
  throw new PayloadUnavailableError(
    `the payload of event ${stored.id} cannot be read: message ${stored.messageId} ${found}`,
  );
}

/** What `eventData` stored. */
export function eventFacts(data: string): EventFacts {
  return parseDated<EventFacts>(data);
}

/** An event as stored: what {@link restoreEvent} needs. */
export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly provider: string;
  readonly source: string;
  readonly messageId: string;
  /** JSON text made by `eventData`. */
  readonly data: string;
}

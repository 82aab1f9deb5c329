import { Buffer } from 'node:buffer';
import { MESSAGE_EVENT_TYPE, type DeadLetter, type WebhookEvent } from './event.js';
import type { StoredMessage, VerifiedMessage } from '../sources/message.js';
import { parseDated } from '../payloads/dated-json.js';
import type { NodeName, NodeResult } from '../nodes/node-result.js';
import type { RunResults } from '../nodes/run-results.js';
import type { EventExtras } from '../runs/run-update.js';
import type { ParseResult } from '../sources/provider.js';
import { isRunEventType } from '../runs/run-signal.js';
import type { RunKey } from '../runs/run-state.js';
import type { JoinedRun, Run } from '../runs/run.js';
import { OwnError } from '../errors.js';

/** Data of an event in the store, besides its columns. It does not contain the payload, which is parsed from the message. */
export interface EventFacts extends EventExtras {
  readonly occurredAt: Date;
  readonly receivedAt: Date;
  readonly run?: Run;
  readonly messageType?: string;
  readonly deadLetter?: DeadLetter;
  readonly stuckAfterMs?: number;
  readonly runs?: readonly JoinedRun[];
  readonly results?: RunResults;
  /** Node that failed, or that recovered. */
  readonly node?: NodeName | NodeResult;
  readonly isolated?: boolean;
  /** Id of the only handler that receives the event. */
  readonly handlerId?: string;
  /** Set if the other facts were erased. */
  readonly erased?: true;
}

/** Error if the payload of an event is no longer available. */
export class PayloadUnavailableError extends OwnError {
  protected static override readonly className = 'PayloadUnavailableError';
  readonly code = 'RUNHOOKS_PAYLOAD_UNAVAILABLE';
}

/** Returns `<type>:<source>/<account>/<run>` with percent-encoded parts. It is the same for all messages about the event. */
export function runEventId(type: string, run: RunKey): string {
  return `${type}:${run.source}/${encodeURIComponent(run.accountId)}/${encodeURIComponent(run.runId)}`;
}

/** Returns the id of a message's own event, which is the same every time the message is parsed. */
export function messageEventId(source: string, messageId: string): string {
  return `${MESSAGE_EVENT_TYPE}:${source}/${messageId}`;
}

/** Returns the JSON text of {@link EventFacts}, of which `runText` is that of their run, if it is known. */
export function eventData(facts: EventFacts, runText?: string): string {
  if (runText === undefined) return JSON.stringify(facts);
  const { run: _, ...others } = facts;
  return `${JSON.stringify(others).slice(0, -1)},"run":${runText}}`;
}

/**
 * Returns the event for a handler. `payload` is parsed from the message at its first use, because most handlers do not use
 * it. The getter throws {@link PayloadUnavailableError} if this version can no longer parse the message. An event that
 * follows from no message has neither `payload` nor `messageId`.
 *
 * @param parse parses the message with its source; absent if the source is not configured
 */
export function restoreEvent(
  stored: StoredEvent,
  message: EventMessage | undefined,
  parse: ((message: EventMessage) => ParseResult) | undefined,
): WebhookEvent {
  const { id, type, source, messageId, data } = stored;
  const facts = eventFacts(data);
  if (!message) return { id, type, provider: stored.provider, source, ...facts } as unknown as WebhookEvent;
  const { origin = 'webhook' } = message;
  let payload: object | undefined;
  let apiRun: object | undefined;
  const event = {
    id,
    type,
    provider: stored.provider,
    source,
    messageId,
    ...facts,
    ...(isRunEventType(type) && { origin }),
    get payload(): object {
      return (payload ??= payloadOf(stored, parse?.(message)));
    },
  };
  if (isRunEventType(type) && origin === 'api') {
    const get = (): object | undefined => (apiRun ??= apiRunOf(message));
    Object.defineProperty(event, 'apiRun', { enumerable: true, get });
  }
  return event as unknown as WebhookEvent;
}

/** Message that an event was parsed from. */
type EventMessage = VerifiedMessage & Pick<StoredMessage, 'origin'>;

/** Returns the run of an envelope, or `undefined` if the content was erased. */
function apiRunOf({ body }: EventMessage): object | undefined {
  try {
    const { run } = JSON.parse(Buffer.from(body).toString('utf8')) as { readonly run?: unknown };
    return typeof run === 'object' && run !== null ? run : undefined;
  } catch {
    return undefined;
  }
}

function payloadOf(stored: StoredEvent, result: ParseResult | undefined): object {
  if (result && 'payload' in result) return result.payload;
  const found = result
    ? `is now ${result.state}: ${result.reason}`
    : `is of source "${stored.source}", which is not configured`;
  throw new PayloadUnavailableError(
    `the payload of event ${stored.id} is unavailable: message ${stored.messageId} ${found}`,
  );
}

/** Parses the result of `eventData`. */
export function eventFacts(data: string): EventFacts {
  return parseDated<EventFacts>(data);
}

/** An event in the store. */
export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly provider: string;
  readonly source: string;
  /** Message that the event was parsed from. Absent if it follows from no message: then it has no payload. */
  readonly messageId?: string;
  /** JSON text from `eventData`. */
  readonly data: string;
}

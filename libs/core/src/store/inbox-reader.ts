import type { JobState } from '../runs/incident.js';
import type { HeaderMap, MessageState } from '../sources/message.js';
import type { ParseNote } from '../payloads/parse-note.js';
import type { RunOutcome } from '../runs/run.js';
import type { JobKey, RunKey, RunState } from '../runs/run-state.js';
import type { DecidedAction } from './decision.js';
import type { AttemptRecord, DeliveryState, DismissalRecord } from './delivery.js';
import type { Role } from '../handlers/registration.js';
import type { SignatureCheck } from '../sources/verification.js';

/** A piece of a long list, newest first. */
export interface PageRequest {
  /** Where the page before ended: its `next`. */
  readonly after?: string;
  /** Items of a page. @default 50, at most 1000 */
  readonly limit?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Give it as `after` to get the next page; absent on the last one. */
  readonly next?: string;
}

export interface MessageFilter {
  readonly source?: string;
  readonly state?: MessageState;
  /** About this run. */
  readonly run?: RunKey;
}

/** A message without its bytes. */
export interface MessageSummary {
  readonly id: string;
  readonly source: string;
  readonly provider: string;
  readonly messageKey: string;
  readonly receivedAt: Date;
  readonly state: MessageState;
  readonly messageType?: string;
  /** Why it is not simply `read`. */
  readonly reason?: string;
  /** What did not fit and was left out of its payload; at most `LIMITS.notesMax`. Absent if everything did. */
  readonly notes?: readonly ParseNote[];
  /** An earlier message had the same id and another body. */
  readonly idReused: boolean;
}

export interface MessageDetail extends MessageSummary {
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
}

export interface StoredEventFilter {
  readonly ids?: readonly string[];
  /** Recorded at this time or later. */
  readonly recordedFrom?: Date;
  /** Recorded before this time. */
  readonly recordedBefore?: Date;
  readonly messageId?: string;
  readonly source?: string;
  readonly type?: string;
  /** Read from messages about this run. */
  readonly run?: RunKey;
}

/** An event as the inbox keeps it. `data` is JSON text: times, and the run it is about. */
export interface EventSummary {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly provider: string;
  readonly messageId: string;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
  readonly data: string;
}

export interface DeliveryFilter {
  readonly ids?: readonly string[];
  readonly eventId?: string;
  /** Of events that were read from messages about this run. */
  readonly run?: RunKey;
  readonly handlerId?: string;
  /** Of any of these. */
  readonly handlerIds?: readonly string[];
  readonly state?: DeliveryState;
}

export interface DeliverySummary {
  readonly id: string;
  readonly eventId: string;
  readonly handlerId: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** When it is tried next; while an attempt runs, when its lease ends. */
  readonly dueAt?: Date;
  /** Empty, or the replay that asked for it. */
  readonly replayId: string;
  readonly dismissal?: DismissalRecord;
}

export interface AttemptSummary extends AttemptRecord {
  readonly deliveryId: string;
  readonly attempt: number;
  readonly durationMs: number;
}

export interface RunFilter {
  readonly source?: string;
  readonly jobKey?: string;
  readonly outcome?: RunOutcome;
}

/** A run as its messages have told it so far. */
export interface RunSummary extends RunKey, RunState {
  /** When a message last told something of it. */
  readonly updatedAt: Date;
}

/** What an operator decided. */
export interface AuditEntry {
  readonly id: string;
  readonly decidedAt: Date;
  readonly action: DecidedAction;
  readonly by: string;
  readonly reason?: string;
  /** What was asked for, as JSON text; long lists are shortened, and a text that was erased is not in it. */
  readonly details: string;
  /** How many messages, events or deliveries it changed. */
  readonly affected: number;
}

/** Requests to one source that were refused because they failed one check of their signature. */
export interface RefusalCount {
  readonly source: string;
  readonly check: SignatureCheck;
  /** Over all processes, since the inbox was created. */
  readonly requests: number;
  /** When the latest one came. */
  readonly latestAt: Date;
}

/** How many of each there are. */
export interface InboxCounts {
  readonly messages: Readonly<Record<MessageState, number>>;
  readonly events: number;
  readonly deliveries: Readonly<Record<DeliveryState, number>>;
  /** Runs that are watched, and runs that have yet to come to a barrier. */
  readonly checks: number;
  /** Refused requests by source and check, in that order. */
  readonly refusals: readonly RefusalCount[];
}

/** The abandoned calls of one handler in one process. */
export interface AbandonedCount {
  readonly handlerId: string;
  /** Calls that still run although their attempt is over; at least 1. */
  readonly calls: number;
}

/** A process that shares the inbox. */
export interface ProcessSummary {
  readonly id: string;
  readonly role: Role;
  /** Host and process id. */
  readonly label: string;
  readonly startedAt: Date;
  readonly seenAt: Date;
  readonly handlerIds: readonly string[];
  /**
   * How far the clock of its host is ahead of the clock that decides, the Postgres server's, in milliseconds; negative:
   * behind. 0 where the host's clock decides itself.
   */
  readonly clockAheadMs: number;
  /** Calls of handlers that still run although their attempt is over, as of {@link seenAt}; none for most processes. */
  readonly abandoned: readonly AbandonedCount[];
}

/** What waits for a handler that no process runs: it was removed or renamed, or its processes are down. */
export interface MissingHandler {
  readonly handlerId: string;
  /** Pending ones. */
  readonly deliveries: number;
  /** Runs that it watches, and messages that were put aside for it. */
  readonly checks: number;
}

/** Port: looks into an inbox, for people and their tools. */
export interface InboxReader {
  messages(filter: MessageFilter, page: PageRequest): Promise<Page<MessageSummary>>;
  message(id: string): Promise<MessageDetail | undefined>;
  events(filter: StoredEventFilter, page: PageRequest): Promise<Page<EventSummary>>;
  deliveries(filter: DeliveryFilter, page: PageRequest): Promise<Page<DeliverySummary>>;
  /** The attempts of a delivery, first to last. */
  attempts(deliveryId: string): Promise<AttemptSummary[]>;
  /** Runs, last updated first. */
  runs(filter: RunFilter, page: PageRequest): Promise<Page<RunSummary>>;
  run(key: RunKey): Promise<RunSummary | undefined>;
  job(key: JobKey): Promise<JobState | undefined>;
  counts(): Promise<InboxCounts>;
  /** What operators decided. */
  audit(page: PageRequest): Promise<Page<AuditEntry>>;
  /**
   * Ids of messages that hold one of these texts, byte by byte: in their body, headers, reason or notes, or in their
   * events, attempts or tasks. A page looks through `limit` messages, and so may be empty before the last one.
   */
  messagesHolding(texts: readonly string[], page: PageRequest): Promise<Page<string>>;
  /** Processes that were heard of at this time or later, in the order in which they started. */
  processes(seenFrom: Date): Promise<ProcessSummary[]>;
  /** By handler: what no dispatching process has a handler for that was heard of at this time or later. */
  missingHandlers(seenFrom: Date): Promise<MissingHandler[]>;
}

import type { JobState } from '../runs/incident.js';
import type { HeaderMap, MessageOrigin, MessageState } from '../sources/message.js';
import type { ParseNote } from '../payloads/parse-note.js';
import type { RunOutcome } from '../runs/run.js';
import type { JobKey, RunKey, RunState } from '../runs/run-state.js';
import type { ActionState } from './action-store.js';
import type { Page, PageRequest } from './page.js';
import type { DecidedAction } from './decision.js';
import type { AttemptRecord, DeliveryState, DismissalRecord } from './delivery.js';
import type { Role } from '../handlers/registration.js';
import type { SignatureCheck } from '../sources/verification.js';

/** Filter for messages. A message must match every field you set. */
export interface MessageFilter {
  readonly source?: string;
  readonly state?: MessageState;
  /** Only messages about this run. */
  readonly run?: RunKey;
}

/** Message without its bytes. */
export interface MessageSummary {
  readonly id: string;
  readonly source: string;
  readonly provider: string;
  /** The sender's id, from signed data; may be empty. */
  readonly messageKey: string;
  readonly receivedAt: Date;
  readonly state: MessageState;
  /** The provider's own message type, if it is known. */
  readonly messageType?: string;
  /** Reason for a state other than `parsed`. */
  readonly reason?: string;
  /** Fields that were left out of its payload because they have an unexpected value, at most 20. Absent if all were valid. */
  readonly notes?: readonly ParseNote[];
  /** Whether an earlier message had the same id and another body. Always `false` if `origin` is `api`. */
  readonly idReused: boolean;
  /** Way in which it came. */
  readonly origin: MessageOrigin;
  /** Whether its run ended before the source was registered, so that it was recorded and delivered to no handler. */
  readonly history: boolean;
}

/** Message with its bytes and headers. */
export interface MessageDetail extends MessageSummary {
  /** Headers that the provider keeps. */
  readonly headers: HeaderMap;
  /** Bytes as sent. */
  readonly body: Uint8Array;
}

/** Filter for events. An event must match every field you set. */
export interface StoredEventFilter {
  readonly ids?: readonly string[];
  /** Only events recorded at this time or later. */
  readonly recordedFrom?: Date;
  /** Only events recorded before this time. */
  readonly recordedBefore?: Date;
  readonly messageId?: string;
  /** Only events that follow from no message. */
  readonly withoutMessage?: true;
  readonly source?: string;
  readonly type?: string;
  /** Only events parsed from messages about this run. */
  readonly run?: RunKey;
}

/** Event as the inbox keeps it. */
export interface EventSummary {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly provider: string;
  /** Message that the event was parsed from. Absent if it follows from no message. */
  readonly messageId?: string;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
  /** JSON text with the event's times, and the run it is about. */
  readonly data: string;
}

/** Filter for deliveries. A delivery must match every field you set. */
export interface DeliveryFilter {
  readonly ids?: readonly string[];
  readonly eventId?: string;
  /** Only deliveries of events parsed from messages about this run. */
  readonly run?: RunKey;
  readonly handlerId?: string;
  /** Only deliveries of any of these handlers. */
  readonly handlerIds?: readonly string[];
  readonly state?: DeliveryState;
}

/** Delivery with its current state. */
export interface DeliverySummary {
  readonly id: string;
  readonly eventId: string;
  readonly handlerId: string;
  readonly state: DeliveryState;
  /** Number of attempts so far, including one that is running. */
  readonly attempts: number;
  /** Time of the next attempt. While an attempt runs, the end of its lease. Absent unless the delivery is pending. */
  readonly dueAt?: Date;
  /** Reason why its last attempt was not counted: it must wait, for example for results that the provider has not written. */
  readonly waitingFor?: string;
  /** Id of the replay that created it; empty if none did. */
  readonly replayId: string;
  /** Record of its dismissal; absent unless it was dismissed. */
  readonly dismissal?: DismissalRecord;
}

/** Attempt of a delivery. */
export interface AttemptSummary extends AttemptRecord {
  readonly deliveryId: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Duration, in milliseconds. */
  readonly durationMs: number;
}

/** Filter for runs. A run must match every field you set. */
export interface RunFilter {
  readonly source?: string;
  /** Key of the runs' job. With {@link source}, a key or an alias of the job: the list then has the runs under all of them. */
  readonly jobKey?: string;
  readonly outcome?: RunOutcome;
}

/** Run, as reported by its messages so far. */
export interface RunSummary extends RunKey, RunState {
  /** Time at which a message last changed it. */
  readonly updatedAt: Date;
}

/** Decision of an operator. */
export interface AuditEntry {
  readonly id: string;
  readonly decidedAt: Date;
  readonly action: DecidedAction;
  /** Operator who made the decision. */
  readonly by: string;
  readonly reason?: string;
  /** Request as JSON text. Long arrays are shortened. A string that was erased is replaced by its length. */
  readonly details: string;
  /** Number of messages, events or deliveries that it changed. */
  readonly affected: number;
}

/** Number of requests to one source that were rejected because one check of their signature failed. */
export interface RefusalCount {
  readonly source: string;
  readonly check: SignatureCheck;
  /** Number of requests to all processes since the inbox was created. */
  readonly requests: number;
  /** Arrival of the latest request. */
  readonly latestAt: Date;
}

/** Number of runs of one source that a sweep found, or whose end it found, before any webhook reported it. */
export interface FoundCount {
  readonly source: string;
  /** Number of runs since the inbox was created, without those that ended before the source was registered. */
  readonly runs: number;
}

/** Numbers of items in the inbox. */
export interface InboxCounts {
  readonly messages: Readonly<Record<MessageState, number>>;
  readonly events: number;
  readonly deliveries: Readonly<Record<DeliveryState, number>>;
  /** Tasks: runs watched or waited for, and messages handed off to handlers of other processes. */
  readonly checks: number;
  /** Actions at providers. */
  readonly actions: Readonly<Record<ActionState, number>>;
  /** Rejected requests, sorted by source, then by check. */
  readonly refusals: readonly RefusalCount[];
  /** Runs that only a sweep found, sorted by source. */
  readonly foundBySweep: readonly FoundCount[];
}

/** Number of abandoned calls of one handler in one process. */
export interface AbandonedCount {
  readonly handlerId: string;
  /** Calls that are still running although their attempt is over; at least 1. */
  readonly calls: number;
}

/** Process that shares the inbox. */
export interface ProcessSummary {
  readonly id: string;
  readonly role: Role;
  /** Host name and process id, for operators. */
  readonly label: string;
  readonly startedAt: Date;
  /** Last heartbeat. */
  readonly seenAt: Date;
  readonly handlerIds: readonly string[];
  /**
   * Difference of its host's clock to the shared clock, that of the Postgres server, in milliseconds; negative if the
   * host is behind. 0 if the store has no shared clock.
   */
  readonly clockAheadMs: number;
  /** Calls of handlers that were still running at {@link seenAt} although their attempt was over. */
  readonly abandoned: readonly AbandonedCount[];
}

/** Handler that no running worker has, with the work that waits for it. It was removed or renamed, or its workers are down. */
export interface MissingHandler {
  readonly handlerId: string;
  /** Number of its pending deliveries. */
  readonly deliveries: number;
  /** Number of its tasks: runs watched or waited for, and messages handed off to it. */
  readonly checks: number;
}

/**
 * Port: reads an inbox, for operators and their tools. Every method rejects with {@link StoreUnavailableError} if the
 * store is unavailable.
 */
export interface InboxReader {
  /** Lists messages, newest first. */
  messages(filter: MessageFilter, page: PageRequest): Promise<Page<MessageSummary>>;
  /** Returns a message, or `undefined` if none has this id. */
  message(id: string): Promise<MessageDetail | undefined>;
  /** Lists events, newest first. */
  events(filter: StoredEventFilter, page: PageRequest): Promise<Page<EventSummary>>;
  /** Lists deliveries, newest first. */
  deliveries(filter: DeliveryFilter, page: PageRequest): Promise<Page<DeliverySummary>>;
  /** Returns the attempts of a delivery, first to last. */
  attempts(deliveryId: string): Promise<AttemptSummary[]>;
  /** Lists runs, last updated first. */
  runs(filter: RunFilter, page: PageRequest): Promise<Page<RunSummary>>;
  /** Returns a run, or `undefined` if the inbox does not know it. */
  run(key: RunKey): Promise<RunSummary | undefined>;
  /** Returns the state of a job by its key or an alias, or `undefined` if the inbox does not know it. */
  job(key: JobKey): Promise<JobState | undefined>;
  /**
   * Returns the numbers of items that are in the inbox now. They are exact. Tools poll them, so their cost must not grow with
   * the number of finished items.
   */
  counts(): Promise<InboxCounts>;
  /** Lists operators' decisions, newest first. */
  audit(page: PageRequest): Promise<Page<AuditEntry>>;
  /**
   * Lists the ids of messages that contain one of `texts`, compared byte by byte. It searches their body, headers, reason
   * and notes, their events, attempts and tasks, and the facts and results of their run. One page searches `limit` messages, so
   * a page can be empty although more pages follow.
   */
  messagesHolding(texts: readonly string[], page: PageRequest): Promise<Page<string>>;
  /** Returns the processes whose last heartbeat was at `seenFrom` or later, in the order in which they started. */
  processes(seenFrom: Date): Promise<ProcessSummary[]>;
  /** Returns the handlers with waiting work that no worker with a heartbeat at `seenFrom` or later has, sorted by id. */
  missingHandlers(seenFrom: Date): Promise<MissingHandler[]>;
}

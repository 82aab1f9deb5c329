import type { Logger } from './logger.js';
import type { HeaderMap, MessageState, StoredMessage, VerifiedMessage } from './message.js';
import type { RunDecision, RunKey, RunState } from './run-state.js';

/** A verified message about to be stored. */
export interface NewMessage {
  readonly id: string;
  readonly source: string;
  readonly provider: string;
  /** The sender's id from signed data; may be empty. */
  readonly messageKey: string;
  /** SHA-256 of the body. */
  readonly digest: Uint8Array;
  /** Only the headers the provider keeps. */
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly receivedAt: Date;
}

/** `duplicate` carries the id of the message that was there before. */
export interface Appended {
  readonly status: 'accepted' | 'duplicate';
  readonly id: string;
}

/** What a claim asks for. A claim holds until it is settled, or until `now + leaseMs`. */
export interface Claim {
  readonly now: Date;
  readonly leaseMs: number;
  /** At most this many. */
  readonly limit: number;
  /** Random token that every later word about the claimed work must name. */
  readonly lease: string;
}

export interface MessageClaim extends Claim {
  /** Only messages of these sources; those of a source that is no longer configured wait. */
  readonly sources: readonly string[];
}

export interface DeliveryClaim extends Claim {
  /** Only deliveries of these handlers. */
  readonly handlerIds: readonly string[];
}

export type ClaimedMessage = StoredMessage &
  VerifiedMessage & {
    /** How often it was claimed for reading, this time included. */
    readonly reads: number;
  };

/** What reading a message led to, to be recorded in one transaction. */
export interface Recording {
  readonly messageId: string;
  readonly lease: string;
  readonly state: Exclude<MessageState, 'stored'>;
  /** Why it is not simply `read`. */
  readonly reason?: string;
  /** The provider's own message type, where one could be told. */
  readonly messageType?: string;
  /** The run this message is about. Its state is read under a lock and given to {@link decide}. */
  readonly run?: RunKey;
  /** Pure: what to write, from what is known of the run. Called inside the transaction; may be called again. */
  decide(known: RunState | undefined): RunDecision;
}

export interface Recorded {
  /** False where the claim was lost to another reader: nothing was written. */
  readonly recorded: boolean;
  /** The events that were new. */
  readonly eventIds: readonly string[];
  readonly deliveries: number;
  /** The id of this message came before with another body. */
  readonly idReused: boolean;
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

export interface ClaimedDelivery {
  readonly id: string;
  readonly handlerId: string;
  /** Number of this attempt, from 1; counted by the claim itself. */
  readonly attempt: number;
  readonly lease: string;
  readonly event: StoredEvent;
  /** The message the event was read from. */
  readonly message: StoredMessage & VerifiedMessage;
}

export type AttemptOutcome = 'succeeded' | 'skipped' | 'failed';

/** What happened in one attempt. */
export interface AttemptRecord {
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly outcome: AttemptOutcome;
  readonly error?: { readonly name: string; readonly message: string; readonly stack: string };
}

/** The end of an attempt and what becomes of its delivery. */
export interface Settlement {
  readonly deliveryId: string;
  readonly lease: string;
  readonly attempt: AttemptRecord;
  readonly next:
    | { readonly state: 'succeeded' | 'skipped' | 'dead' }
    /** Tried again at `dueAt`. */
    | { readonly state: 'pending'; readonly dueAt: Date };
}

export interface Held {
  readonly id: string;
  readonly lease: string;
}

export type DeliveryState = 'pending' | 'succeeded' | 'skipped' | 'dead';

/** How many of each there are. */
export interface InboxCounts {
  readonly messages: Readonly<Record<MessageState, number>>;
  readonly events: number;
  readonly deliveries: Readonly<Record<DeliveryState, number>>;
}

/**
 * Port: keeps an inbox. Every verb is one atomic, durable step: when its promise resolves the effect has survived an
 * fsync, when it rejects with {@link StoreUnavailableError} it is unknown, and repeating it is safe. There are no
 * getters a caller could race on.
 */
export interface Store {
  /** For the boot log: the engine and where it keeps its data. */
  readonly description: string;
  /** Called once at boot, before anything else: creates or upgrades the schema. Throws `ConfigurationError`. */
  open(): Promise<void>;
  /** Stores a message once per `(source, messageKey, digest)`. */
  append(message: NewMessage): Promise<Appended>;
  /** Takes `stored` messages that nobody holds, oldest first, and counts the read. */
  claimMessages(claim: MessageClaim): Promise<ClaimedMessage[]>;
  /** Writes what was read: run state, new events with their deliveries, and the message's new state; each recording whole or not at all. */
  record(recordings: readonly Recording[], now: Date): Promise<Recorded[]>;
  /** Takes due deliveries that nobody holds, longest due first, and counts the attempt. */
  claimDeliveries(claim: DeliveryClaim): Promise<ClaimedDelivery[]>;
  /** Holds claimed deliveries until `now + leaseMs`. Answers the ids that are still held. */
  renew(held: readonly Held[], claim: Pick<Claim, 'now' | 'leaseMs'>): Promise<string[]>;
  /** Records an attempt. Answers false, and writes nothing, if the claim was lost meanwhile. */
  settle(settlement: Settlement): Promise<boolean>;
  counts(): Promise<InboxCounts>;
  /** Finishes what was begun and lets go of the files or connections. May be called again. */
  close(): Promise<void>;
}

/** What `sqliteInbox(…)` makes: a configured inbox that is opened once at boot. */
export interface StoreFactory {
  /** Nothing is opened or read before {@link Store.open}. */
  createStore(logger: Logger): Store;
}

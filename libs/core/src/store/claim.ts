import type { StoredEvent } from '../events/event-data.js';
import type { StoredMessage, VerifiedMessage } from '../sources/message.js';

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
  /** The source that was served last: those after it have their turn first. @default none */
  readonly after?: string;
}

/** Whose turn it is among deliveries: a source's, of a handler. */
export interface DeliveryTurn {
  readonly handlerId: string;
  readonly source: string;
}

export interface DeliveryClaim extends Claim {
  /** Only deliveries of these handlers. */
  readonly handlerIds: readonly string[];
  /** Only these, if any are named; they need no turn. */
  readonly deliveryIds?: readonly string[];
  /** Who was served last: those after it have their turn first. @default none */
  readonly after?: DeliveryTurn;
}

export interface TaskClaim extends Claim {
  /** Only tasks of these handlers. */
  readonly handlerIds: readonly string[];
  /** Tasks of those of these sources wait that have a message which is due: it may change what a task is about. */
  readonly unlessDue?: readonly string[];
}

/** A delivery that is due. With the number of its next attempt, because it may come to be due again. */
export interface DueDelivery {
  readonly id: string;
  readonly attempt: number;
  readonly dueAt: Date;
}

export type ClaimedMessage = StoredMessage &
  VerifiedMessage & {
    /** How often it was claimed for reading, this time included. */
    readonly claims: number;
    /** Read again without running handlers. */
    readonly withoutHandlers: boolean;
  };

export interface ClaimedDelivery {
  readonly id: string;
  readonly handlerId: string;
  /** Number of this attempt, from 1; counted by the claim itself. */
  readonly attempt: number;
  /** Attempts before the last redrive: they do not count towards `attemptsMax`. */
  readonly attemptsBefore: number;
  /** Empty, or the replay that asked for this delivery. */
  readonly replayId: string;
  readonly lease: string;
  readonly event: StoredEvent;
  /** The message the event was read from. */
  readonly message: StoredMessage & VerifiedMessage;
}

/** What work to look for. */
export interface WorkScope {
  readonly sources: readonly string[];
  /** Whose deliveries. */
  readonly handlerIds: readonly string[];
  /** Whose tasks. */
  readonly taskHandlerIds: readonly string[];
}

export interface Held {
  readonly id: string;
  readonly lease: string;
}

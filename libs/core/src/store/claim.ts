import type { StoredEvent } from '../events/event-data.js';
import type { StoredMessage, VerifiedMessage } from '../sources/message.js';

/** Options for a claim. A claim lasts until its work is settled, or until `now + leaseMs`. */
export interface Claim {
  /** Current time. Only work that is due by then can be claimed. */
  readonly now: Date;
  /** Duration of the lease, in milliseconds. */
  readonly leaseMs: number;
  /** Largest number of items to claim. */
  readonly limit: number;
  /**
   * Token that no other claim has. It begins with the `lease` of the process and a period. Every later call about the
   * claimed work must pass it.
   */
  readonly lease: string;
}

/** Claim that a process makes of work it writes: the work is stored as already claimed. */
export interface OwnClaim {
  /** Random token of the process. */
  readonly lease: string;
  /** End of the lease. */
  readonly until: Date;
}

/** Claimed work that a process gives back before it has begun. */
export interface Release {
  /** Token of the claim. */
  readonly lease: string;
  readonly messageIds: readonly string[];
  /** Deliveries. The attempt that their claim counted is taken back. */
  readonly deliveryIds: readonly string[];
}

/** Options for a claim of messages. */
export interface MessageClaim extends Claim {
  /** Names of the sources to claim from. Messages of other sources, such as disabled ones, wait. */
  readonly sources: readonly string[];
  /** Source that was served last. The sources behind it are served first. @default none */
  readonly after?: string;
}

/** Turn of deliveries: one source of one handler. */
export interface DeliveryTurn {
  readonly handlerId: string;
  readonly source: string;
}

/** Options for a claim of deliveries. */
export interface DeliveryClaim extends Claim {
  /** Ids of the handlers whose deliveries to claim. */
  readonly handlerIds: readonly string[];
  /** Ids of the only deliveries to claim. They ignore turns, but follow all other rules. @default any delivery */
  readonly deliveryIds?: readonly string[];
  /** Turn that was served last. The turns behind it are served first. @default none */
  readonly after?: DeliveryTurn;
}

/** Options for a claim of tasks. */
export interface TaskClaim extends Claim {
  /** Ids of the handlers whose tasks to claim. */
  readonly handlerIds: readonly string[];
  /**
   * Names of sources. If one of them has a due message, its tasks are not claimed, because the message may change the
   * result of the task. @default none
   */
  readonly unlessDue?: readonly string[];
  /** Names of sources whose tasks are not claimed, because this process has not parsed all their messages. @default none */
  readonly exceptSources?: readonly string[];
}

/** Delivery that is due. It includes the number of its next attempt, because a delivery can become due again. */
export interface DueDelivery {
  readonly id: string;
  /** Number of the next attempt, from 1. */
  readonly attempt: number;
  readonly dueAt: Date;
}

/** Message that this process has claimed for parsing. */
export type ClaimedMessage = StoredMessage &
  VerifiedMessage & {
    /** Number of times the message was claimed for parsing, this claim included. */
    readonly claims: number;
    /** Whether the message is reparsed without running handlers. */
    readonly withoutHandlers: boolean;
  };

/** Delivery that this process has claimed. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly handlerId: string;
  /** Number of this attempt, from 1. The claim itself counts it. */
  readonly attempt: number;
  /** Number of attempts before the last redrive. They do not count toward `attemptsMax`. */
  readonly attemptsBefore: number;
  /** Id of the replay that created the delivery; empty if none did. */
  readonly replayId: string;
  /** Token of the claim. */
  readonly lease: string;
  readonly event: StoredEvent;
  /** Message the event was parsed from. Absent if the event follows from no message. */
  readonly message?: StoredMessage & VerifiedMessage;
  /** End of the first of its last attempts that were not counted. Absent if the last one was counted, or there is none. */
  readonly waitingSince?: Date;
}

/** Scope of work, for its next due time. */
export interface WorkScope {
  /** Names of the sources whose messages count. */
  readonly sources: readonly string[];
  /** Ids of the handlers whose deliveries count. */
  readonly handlerIds: readonly string[];
  /** Ids of the handlers whose tasks count. */
  readonly taskHandlerIds: readonly string[];
}

/** Claimed delivery whose lease can be renewed. */
export interface Held {
  /** Id of the delivery. */
  readonly id: string;
  /** Token of the claim. */
  readonly lease: string;
}

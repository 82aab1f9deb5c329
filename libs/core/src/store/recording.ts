import type { RoutedDelivery } from '../handlers/router.js';
import type { ParseNote } from '../payloads/parse-note.js';
import type { JobRecords } from '../runs/job-aliases.js';
import type { RunOutcome } from '../runs/run.js';
import type { KnownRun } from '../runs/run-update.js';
import type { RunKey, JobKey, RunState } from '../runs/run-state.js';
import type { MessageState, StoredMessage } from '../sources/message.js';
import type { OwnClaim } from './claim.js';

/** Purpose of a task: check whether a run is stuck, join finished runs, or route a message to a handler its parser did not have. */
export type TaskKind = 'stuck-run' | 'all-runs' | 'hand-off';

/** Task to add: a check of the inbox's state at a later time, or a handed-off message. It runs no handler. */
export interface NewTask {
  /** Unique id. A task with the id of an existing task is not added. */
  readonly id: string;
  readonly kind: TaskKind;
  /** Id of the handler it is for, or its version for a handed-off message. Only a process that has it claims the task. */
  readonly handlerId: string;
  readonly dueAt: Date;
  /** JSON text with the input of the task. */
  readonly data: string;
}

/** Known state of a message's run and job, read while both are locked. */
export interface Known extends KnownRun {
  /** Versions of registered handlers that the parsing process does not have. Absent if there are none. */
  readonly otherHandlers?: readonly string[];
}

/** A delivery to write. Deliveries of one `lane` run one at a time, in order. */
export interface NewDelivery extends RoutedDelivery {
  /**
   * Claim with which a delivery outside lanes is stored, as its first attempt; only for stores with `Store.release`.
   * @default none: the delivery is due now
   */
  readonly claim?: OwnClaim;
}

/** Event to write, with a delivery for each handler that wants it. */
export interface NewEvent {
  readonly id: string;
  readonly type: string;
  readonly occurredAt: Date;
  /** JSON text with the event's times, and the run it is about. */
  readonly data: string;
  readonly deliveries: readonly NewDelivery[];
}

/** Deliveries to add to a stored event. */
export interface AddedDeliveries {
  readonly eventId: string;
  readonly deliveries: readonly NewDelivery[];
}

/** Result of a message: the new states of its run and job, its events and its tasks. Existing events stay unchanged. */
export interface RunDecision {
  readonly run?: RunState;
  /** Records to write, by job key. They replace existing ones. */
  readonly jobs?: JobRecords;
  readonly events: readonly NewEvent[];
  readonly tasks?: readonly NewTask[];
  /** Outcome that the message reports, if the run already has another one. The first outcome stays. */
  readonly contradicts?: RunOutcome;
  /** Whether a sweep found the run, or its end, before any webhook reported it. The store counts it. @default false */
  readonly isFoundBySweep?: true;
  /**
   * Mark in the reason of the run. The `trigger` of its source with it, if it is `intended`, `sent` or `unknown`, is answered by this
   * run. Only for a message with a run.
   */
  readonly actionMark?: string;
}

/** Fields of every entry of `Store.record`. */
export interface EntryFields {
  /** Token of the claim. */
  readonly lease: string;
  /** Run whose state is read under a lock and passed to {@link decide}. */
  readonly run?: RunKey;
  /**
   * Job of the run, as it is reported. Its record is read under a lock and passed to {@link decide}, with those of
   * {@link otherJobKeys} and of the job key in the run's state, and with those of the jobs that these keys are aliases of.
   */
  readonly job?: JobKey;
  /** Other keys under which the job is reported. */
  readonly otherJobKeys?: readonly string[];
  /** Names of other things that no other entry decides about at the same time. */
  readonly locks?: readonly string[];
  /** Versions of the handlers that the process has. Other registered versions are passed to {@link decide}. */
  readonly handlers?: readonly string[];
  /**
   * Returns what to write with the entry. Pure: the store calls it inside the transaction, and only if the claim has not
   * been lost. It calls it again if it must start over.
   *
   * @default nothing more is written
   */
  decide?(known: Known): RunDecision;
}

/** Recording of a parsed message, written in one transaction. */
export interface Recording extends EntryFields {
  readonly messageId: string;
  /** New state of the message. */
  readonly state: Exclude<MessageState, 'stored' | 'erased'>;
  /** Reason for a state other than `parsed`. */
  readonly reason?: string;
  /** Fields that were left out because they have an unexpected value, in the order found. They replace the notes of an earlier parse. */
  readonly notes?: readonly ParseNote[];
  /** The provider's own message type, if it is known. */
  readonly messageType?: string;
  /** Run that the message is about. */
  readonly run?: RunKey;
  decide(known: Known): RunDecision;
}

/** Result of one entry. */
export interface Recorded {
  /** Whether the entry was written. `false` if the claim has been lost: then nothing was written. */
  readonly recorded: boolean;
  /** Decided events that did not exist yet. */
  readonly events: readonly NewEvent[];
  /** Decided tasks. */
  readonly tasks: readonly NewTask[];
  /** Whether an earlier message has the same id and a different body. `false` for an attempt. */
  readonly idReused: boolean;
  /** `contradicts` of the decision. */
  readonly contradicts?: RunOutcome;
  /** `isFoundBySweep` of the decision. */
  readonly isFoundBySweep?: true;
  /** Error because of which this entry was not written, although others were. */
  readonly failure?: unknown;
}

/** Result of an entry of which nothing was written, because its claim has been lost. */
export const NOT_RECORDED: Recorded = Object.freeze({ recorded: false, events: [], tasks: [], idReused: false });

/**
 * Called with events that this process has just added to the inbox, and the message they were parsed from, if there is one.
 * Must not throw.
 */
export type OnEvents = (
  events: readonly NewEvent[],
  origin: Pick<StoredMessage, 'source' | 'provider'>,
  message?: StoredMessage,
) => void;

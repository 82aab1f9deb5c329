import type { NewDelivery } from '../handlers/router.js';
import type { ParseNote } from '../payloads/parse-note.js';
import type { JobState } from '../runs/incident.js';
import type { RunOutcome } from '../runs/run.js';
import type { KnownRun } from '../runs/run-update.js';
import type { RunKey, JobKey, RunState } from '../runs/run-state.js';
import type { MessageState } from '../sources/message.js';

/** What a task does: checks whether a run is stuck, joins finished runs, or routes a message to a handler its parser did not have. */
export type TaskKind = 'stuck-run' | 'all-runs' | 'hand-off';

/** Work of the inbox's own that is not a handler's: to look again, later, at what the inbox knows. */
export interface NewTask {
  /** Unique: the same task is never added twice. */
  readonly id: string;
  readonly kind: TaskKind;
  /** The handler it is for: only a process that has it can do the task. */
  readonly handlerId: string;
  readonly dueAt: Date;
  /** JSON text: what the task needs to know beside the state of the inbox. */
  readonly data: string;
}

/** What the inbox knows when a message about a run is recorded: both read under the lock of the job's row. */
export interface Known extends KnownRun {
  /** Versions of registered handlers that the reading process does not have; absent if there are none. */
  readonly otherHandlers?: readonly string[];
}

/** An event to be written, with a delivery for each handler that wants it. */
export interface NewEvent {
  readonly id: string;
  readonly type: string;
  readonly occurredAt: Date;
  /** JSON text made by `eventData`. */
  readonly data: string;
  readonly deliveries: readonly NewDelivery[];
}

/** Deliveries that are added to a stored event. */
export interface AddedDeliveries {
  readonly eventId: string;
  readonly deliveries: readonly NewDelivery[];
}

/** What to write about a message: run and job as they are now known, and the events. Events already there are left alone. */
export interface RunDecision {
  readonly run?: RunState;
  readonly job?: JobState;
  readonly events: readonly NewEvent[];
  readonly tasks?: readonly NewTask[];
  /** The message names another outcome than the one the run has had. */
  readonly contradicts?: RunOutcome;
}

/** What reading a message led to, to be recorded in one transaction. */
export interface Recording {
  readonly messageId: string;
  readonly lease: string;
  readonly state: Exclude<MessageState, 'stored' | 'erased'>;
  /** Why it is not simply `read`. */
  readonly reason?: string;
  /** What did not fit and was left out, in the order found. They take the place of those of an earlier reading. */
  readonly notes?: readonly ParseNote[];
  /** The provider's own message type, where one could be told. */
  readonly messageType?: string;
  /** The run this message is about, and its job. Their states are read under a lock and given to {@link decide}. */
  readonly run?: RunKey;
  readonly job?: JobKey;
  /** Versions of the handlers that the reading process has. Registered ones beyond them are given to {@link decide}. */
  readonly handlers?: readonly string[];
  /** Pure: what to write, from what is known. Called inside the transaction; may be called again. */
  decide(known: Known): RunDecision;
}

export interface Recorded {
  /** `false` if another worker holds the message by now: nothing was written. */
  readonly recorded: boolean;
  /** The decided events that did not exist yet. */
  readonly events: readonly NewEvent[];
  /** The decided tasks. */
  readonly tasks: readonly NewTask[];
  /** An earlier message has the same id and a different body. */
  readonly idReused: boolean;
  /** As decided. */
  readonly contradicts?: RunOutcome;
}

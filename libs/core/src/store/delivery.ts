import type { EntryFields } from './recording.js';
import type { AttemptError } from '../thrown.js';

/**
 * State of a delivery. `skipped`: the handler's `when` returned false. `dead`: a dead letter, kept until it is redriven or
 * purged. `dismissed`: canceled by an operator; it never runs.
 */
export type DeliveryState = 'pending' | 'succeeded' | 'skipped' | 'dead' | 'dismissed';

/** Record of a dismissal: the operator who canceled a delivery, when and why. */
export interface DismissalRecord {
  readonly at: Date;
  readonly by: string;
  readonly reason: string;
}

/** Outcome of one attempt. */
export type AttemptOutcome = 'succeeded' | 'skipped' | 'failed';

/** Record of one attempt. */
export interface AttemptRecord {
  readonly startedAt: Date;
  /** End of the attempt; never before `startedAt`. */
  readonly finishedAt: Date;
  readonly outcome: AttemptOutcome;
  /** Error of a failed attempt; absent if it did not fail. */
  readonly error?: AttemptError;
}

/**
 * End of an attempt, and the next state of its delivery. The events that it decides about belong to the message of the
 * delivery's event.
 */
export interface Settlement extends EntryFields {
  readonly deliveryId: string;
  readonly attempt: AttemptRecord;
  readonly next:
    /** The delivery is finished. `dead`: it becomes a dead letter. */
    | { readonly state: 'succeeded' | 'skipped' | 'dead' }
    /**
     * The delivery is retried at `dueAt`. With `waitingFor`, the attempt is not counted: the store takes it back, keeps no
     * record of it, and shows the text until the next attempt ends. `dueAt` is then at most an hour ahead.
     */
    | { readonly state: 'pending'; readonly dueAt: Date; readonly waitingFor?: string };
}

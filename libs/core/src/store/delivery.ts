import type { NewEvent } from './recording.js';
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

/** End of an attempt, and the next state of its delivery. */
export interface Settlement {
  readonly deliveryId: string;
  /** Token of the claim. */
  readonly lease: string;
  readonly attempt: AttemptRecord;
  readonly next:
    | { readonly state: 'succeeded' | 'skipped' }
    /** The delivery becomes a dead letter. `event`, written with it, is for `@OnDeadLetter` handlers; absent without any. */
    | { readonly state: 'dead'; readonly event?: NewEvent }
    /** The delivery is retried at `dueAt`. */
    | { readonly state: 'pending'; readonly dueAt: Date };
}

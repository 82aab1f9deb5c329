import type { NewEvent } from './recording.js';
import type { AttemptError } from '../thrown.js';

/** `dead`: given up; kept until it is redriven or purged. `dismissed`: somebody decided that nobody is to run it. */
export type DeliveryState = 'pending' | 'succeeded' | 'skipped' | 'dead' | 'dismissed';

/** Who decided that a delivery is not to be run, when and why. */
export interface DismissalRecord {
  readonly at: Date;
  readonly by: string;
  readonly reason: string;
}

export type AttemptOutcome = 'succeeded' | 'skipped' | 'failed';

/** What happened in one attempt. */
export interface AttemptRecord {
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly outcome: AttemptOutcome;
  readonly error?: AttemptError;
}

/** The end of an attempt and what becomes of its delivery. */
export interface Settlement {
  readonly deliveryId: string;
  readonly lease: string;
  readonly attempt: AttemptRecord;
  readonly next:
    | { readonly state: 'succeeded' | 'skipped' }
    /** Given up. `event` tells the handlers of dead letters, and is written with it; none if there are no such handlers. */
    | { readonly state: 'dead'; readonly event?: NewEvent }
    /** Tried again at `dueAt`. */
    | { readonly state: 'pending'; readonly dueAt: Date };
}

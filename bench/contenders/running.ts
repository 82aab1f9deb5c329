import type { InboxCounts } from 'nestjs-runhooks';

/** A contender that listens. */
export interface Running {
  readonly port: number;
  /** Returns the number of finished handlers, or of parsed payloads if there are no handlers. */
  readonly handled: () => number;
  readonly counts?: () => Promise<InboxCounts>;
  /** Returns when the handler of each run started, by run id, in milliseconds of the system's monotonic clock. */
  readonly startedAtMs?: () => Readonly<Record<string, number>>;
  readonly close: () => Promise<void>;
}

import type { InboxCounts } from 'nestjs-runhooks';

/** A contender that listens. */
export interface Running {
  readonly port: number;
  /** Handlers that ran to their end; where there are none, payloads that were parsed. */
  readonly handled: () => number;
  readonly counts?: () => Promise<InboxCounts>;
  /** When the handler of each run started, by run id: milliseconds of the system's monotonic clock. */
  readonly startedAtMs?: () => Readonly<Record<string, number>>;
  readonly close: () => Promise<void>;
}

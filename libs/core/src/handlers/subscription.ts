import { ConfigurationError } from '../errors.js';
import type { DEAD_LETTER_EVENT_TYPE } from '../events/event.js';
import { LIMITS } from '../limits.js';
import { requirePositive, requireWhole } from '../option-checks.js';
import type { RunEventType } from '../runs/run-signal.js';
import type { EventFilter } from './filter.js';

/** Which runs a barrier waits for. */
export interface OnAllRunsOptions {
  /** Jobs by id, name or pattern: one finished run of each is needed. At least two. */
  readonly jobs: readonly string[];
  /** From the first of the runs to the last, in milliseconds. */
  readonly withinMs: number;
  /** What counts as finished: a run that succeeded, or any run that is over. @default 'succeeded' */
  readonly outcome?: 'succeeded' | 'completed';
}

/** When a run counts as stuck: after a fixed time, or after a multiple of what its job usually takes. */
export type StuckAfter =
  | {
      /** Milliseconds since the start of the run. */
      readonly afterMs: number;
    }
  | {
      /** Times the 95th percentile of the job's last runs that succeeded, at most 100 of them. */
      readonly p95Times: number;
      /** With fewer of them in the inbox there is no usual duration, and no event. At most 100. @default 10 */
      readonly runsMin?: number;
    };

/** Throws {@link ConfigurationError} naming the option. */
export function checkStuckAfter(option: string, stuck: StuckAfter): void {
  if ('afterMs' in stuck) {
    requirePositive(`${option}.afterMs`, stuck.afterMs, LIMITS.dueAheadMsMax);
    return;
  }
  if (stuck.p95Times === undefined) {
    throw new ConfigurationError(option, 'expected afterMs or p95Times, got neither. Write { afterMs: 3_600_000 }');
  }
  requirePositive(`${option}.p95Times`, stuck.p95Times, LIMITS.stuckTimesMax);
  if (stuck.runsMin !== undefined) requirePositive(`${option}.runsMin`, stuck.runsMin, LIMITS.stuckRunsMax);
}

/** Throws {@link ConfigurationError} naming the option. */
export function checkBarrier(option: string, { jobs, withinMs, outcome = 'succeeded' }: OnAllRunsOptions): void {
  const max = LIMITS.barrierJobsMax;
  const areJobs = Array.isArray(jobs) && jobs.every((job) => typeof job === 'string' && job !== '');
  if (!areJobs || jobs.length < 2 || jobs.length > max || new Set(jobs).size < jobs.length) {
    throw new ConfigurationError(`${option}.jobs`, `expected 2 to ${max} different jobs by id, name or pattern`);
  }
  requireWhole(`${option}.withinMs`, withinMs, 1, LIMITS.dueAheadMsMax);
  if (outcome !== 'succeeded' && outcome !== 'completed') {
    throw new ConfigurationError(
      `${option}.outcome`,
      `found ${JSON.stringify(outcome)}; expected 'succeeded' or 'completed'`,
    );
  }
}

/** What a handler asked for. */
export type SubscribedTo =
  | { readonly types: readonly (RunEventType | typeof DEAD_LETTER_EVENT_TYPE)[] }
  /** A provider's own messages: all of them, if no type is named. */
  | { readonly provider: string; readonly messageType?: string }
  /** `run.stuck`, for runs that take this long. */
  | { readonly stuck: StuckAfter }
  /** `runs.joined`, of these runs. */
  | { readonly barrier: OnAllRunsOptions };

/** A kind of event a handler asked for, with its filter. */
export interface Subscription {
  readonly on: SubscribedTo;
  readonly filter: EventFilter;
  /** Also `run.started` of a run that is known to be over. */
  readonly includeLate?: boolean;
  /** User code, run in the attempt: false means the delivery is recorded as skipped. */
  readonly when?: (event: never) => boolean | Promise<boolean>;
}

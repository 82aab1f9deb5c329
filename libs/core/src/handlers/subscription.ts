import { ConfigurationError } from '../errors.js';
import type { DEAD_LETTER_EVENT_TYPE, ResultsEventType } from '../events/event.js';
import { kindOf } from '../kind-of.js';
import { LIMITS } from '../limits.js';
import { requirePositive, requireInteger } from '../option-checks.js';
import type { RunEventType } from '../runs/run-signal.js';
import type { EventFilter, NodeFilter } from './filter.js';

/** Options for waiting for runs of several jobs. */
export interface OnAllRunsOptions {
  /** Jobs by id, name or pattern, at least two. The handler waits for one finished run of each. */
  readonly jobs: readonly string[];
  /** Longest time from the first to the last of these runs, in milliseconds. */
  readonly withinMs: number;
  /** Runs that count: only successful ones, or all completed ones. @default 'succeeded' */
  readonly outcome?: 'succeeded' | 'completed';
}

/** Time after which a run is stuck: a fixed time, or a multiple of the job's usual duration. */
export type StuckAfter =
  | {
      /** Milliseconds since the start of the run. */
      readonly afterMs: number;
    }
  | {
      /** Multiple of the 95th percentile of the durations of the job's last successful runs, up to 100 runs. */
      readonly p95Times: number;
      /** Successful runs needed for a usual duration, up to 100. With fewer, runs are not watched. @default 10 */
      readonly runsMin?: number;
    };

/**
 * Checks the options of `@OnRunStuck`.
 *
 * @throws {ConfigurationError} if one is invalid.
 */
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

/**
 * Checks the options of `@OnAllRuns`.
 *
 * @throws {ConfigurationError} if one is invalid.
 */
export function checkBarrier(option: string, { jobs, withinMs, outcome = 'succeeded' }: OnAllRunsOptions): void {
  const max = LIMITS.barrierJobsMax;
  const areJobs = Array.isArray(jobs) && jobs.every((job) => typeof job === 'string' && job !== '');
  if (!areJobs || jobs.length < 2 || jobs.length > max || new Set(jobs).size < jobs.length) {
    throw new ConfigurationError(
      `${option}.jobs`,
      `expected 2 to ${max} different ids, names or patterns of jobs, got ${kindOf(jobs)}${Array.isArray(jobs) ? ` of ${jobs.length}` : ''}`,
    );
  }
  requireInteger(`${option}.withinMs`, withinMs, 1, LIMITS.dueAheadMsMax);
  if (outcome !== 'succeeded' && outcome !== 'completed') {
    throw new ConfigurationError(
      `${option}.outcome`,
      `expected 'succeeded' or 'completed', got ${JSON.stringify(outcome)}`,
    );
  }
}

/** Events of a handler. */
export type SubscribedTo =
  | { readonly types: readonly (RunEventType | ResultsEventType | typeof DEAD_LETTER_EVENT_TYPE)[] }
  /** A provider's own messages, of one type or of all types. */
  | { readonly provider: string; readonly messageType?: string }
  /** `run.stuck` of runs that take this long. */
  | { readonly stuck: StuckAfter }
  /** `runs.joined` of these runs. */
  | { readonly barrier: OnAllRunsOptions };

/** Events of a handler, with a filter. */
export interface Subscription {
  readonly on: SubscribedTo;
  readonly filter: EventFilter;
  /** Whether to include `run.started` of runs that are already over. @default false */
  readonly includeLate?: boolean;
  /** Filter for the nodes of `node.failed` and `node.recovered`. @default all nodes */
  readonly nodes?: NodeFilter;
  /** Whether to include `node.failed` of isolated runs. @default false */
  readonly includeIsolated?: boolean;
  /** Predicate of the app, which runs in the attempt. If it returns `false`, the delivery is skipped. */
  readonly when?: (event: never) => boolean | Promise<boolean>;
}

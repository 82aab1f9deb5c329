import { ConfigurationError } from './errors.js';
import { LIMITS } from './limits.js';

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

/**
 * How long a run may take before it is stuck, or undefined if too few durations are known. The percentile is the
 * smallest duration that at least 95 % of the runs did not exceed. Runs that took no time at all tell nothing.
 */
export function allowedMs(stuck: StuckAfter, durationsMs: readonly number[]): number | undefined {
  if ('afterMs' in stuck) return stuck.afterMs;
  const { p95Times, runsMin = LIMITS.stuckRunsMin } = stuck;
  const sorted = durationsMs.filter((ms) => ms > 0).sort((a, b) => a - b);
  if (sorted.length < runsMin) return undefined;
  const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1];
  return p95 === undefined ? undefined : Math.ceil(p95 * p95Times);
}

function requirePositive(option: string, value: unknown, max: number): void {
  if (typeof value === 'number' && value > 0 && value <= max) return;
  throw new ConfigurationError(option, `found ${String(value)}; expected a number above 0, at most ${max}`);
}

import { ConfigurationError } from './errors.js';
import { LIMITS } from './limits.js';

/** When a run counts as stuck: after a fixed time, or after a multiple of what its job usually takes. */
export type StuckAfter =
  | {
      /** Milliseconds since the start of the run. */
      readonly afterMs: number;
    }
  | {
      /** Times the 95th percentile of the job's last runs. */
      readonly p95Times: number;
      /** Without this many finished runs of the job in the inbox there is no usual duration, and no event. @default 10 */
      readonly runsMin?: number;
    };

/** Throws {@link ConfigurationError} naming the option. */
export function checkStuckAfter(option: string, stuck: StuckAfter): void {
  if ('afterMs' in stuck) {
    requirePositive(`${option}.afterMs`, stuck.afterMs);
    return;
  }
  requirePositive(`${option}.p95Times`, stuck.p95Times);
  if (stuck.runsMin !== undefined) requirePositive(`${option}.runsMin`, stuck.runsMin);
}

/**
 * How long a run may take before it is stuck, or undefined if too few runs are known. The percentile is the smallest
 * duration that at least 95 % of the runs did not exceed.
 */
export function allowedMs(stuck: StuckAfter, durationsMs: readonly number[]): number | undefined {
  if ('afterMs' in stuck) return stuck.afterMs;
  const { p95Times, runsMin = LIMITS.stuckRunsMin } = stuck;
  if (durationsMs.length < runsMin) return undefined;
  const sorted = [...durationsMs].sort((a, b) => a - b);
  const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1];
  return p95 === undefined ? undefined : p95 * p95Times;
}

function requirePositive(option: string, value: unknown): void {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return;
  throw new ConfigurationError(option, `found ${String(value)}; expected a number above 0`);
}

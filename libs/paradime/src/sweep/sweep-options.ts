import { requireInteger, requireKnownOptions, requirePatterns } from 'nestjs-runhooks/core';
import { PARADIME_LIMITS } from '../limits.js';

/** Options of the sweeps, which look for runs that no webhook reported. */
export interface ParadimeSweepOptions {
  /**
   * Schedules whose runs are looked for: slugs, names, or patterns for either, in which only `*` is special.
   * @default all schedules of the workspace
   */
  readonly schedules?: readonly string[];
  /**
   * Time that a webhook has to arrive before a sweep reports the run, in milliseconds, by the clock of Paradime.
   * @default 120_000 (2 min)
   */
  readonly graceMs?: number;
}

/** Checked options of the sweeps. */
export interface SweepSettings {
  /** Patterns; `undefined` means all schedules. */
  readonly schedules: readonly string[] | undefined;
  readonly graceMs: number;
}

const OPTIONS: Record<keyof ParadimeSweepOptions, true> = { schedules: true, graceMs: true };

/**
 * Checks the option `sweep`.
 *
 * @throws {ConfigurationError} if it is invalid.
 */
export function checkSweepOptions(options: unknown, option: string): SweepSettings {
  if (options !== undefined) requireKnownOptions(option, options, OPTIONS);
  const { schedules, graceMs = PARADIME_LIMITS.sweepGraceMs } = (options ?? {}) as ParadimeSweepOptions;
  requireInteger(`${option}.graceMs`, graceMs, 0, PARADIME_LIMITS.sweepGraceMsMax);
  if (schedules !== undefined) requirePatterns(`${option}.schedules`, schedules, PARADIME_LIMITS.schedulePatternsMax);
  return { schedules, graceMs };
}

import { requireInteger, requireKnownOptions, requirePatterns } from 'nestjs-runhooks/core';
import { DBT_CLOUD_LIMITS } from '../limits.js';

/** Options of the sweeps, which look for runs that no webhook reported. They need `api.readToken`. */
export interface DbtCloudSweepOptions {
  /**
   * Jobs whose runs are looked for: ids, names, or patterns for either, in which only `*` is special.
   * @default the jobs of the webhook subscriptions that end with the source's path if `api.webhooksToken` can read them,
   *   otherwise all jobs of the account
   */
  readonly jobs?: readonly string[];
  /**
   * Time that a webhook has to arrive before a sweep reports the run, in milliseconds, by the clock of dbt Cloud.
   * @default 120_000 (2 min)
   */
  readonly graceMs?: number;
  /**
   * Time before the source's first registration whose runs the first sweep looks for, in milliseconds. Such runs are
   * history: they are recorded, and no handler receives them.
   * @default 86_400_000 (24 h)
   */
  readonly historyMs?: number;
}

/** Checked options of the sweeps. */
export interface SweepSettings {
  /** Patterns; `undefined` for the default. */
  readonly jobs: readonly string[] | undefined;
  readonly graceMs: number;
  readonly historyMs: number;
}

const OPTIONS: Record<keyof DbtCloudSweepOptions, true> = { jobs: true, graceMs: true, historyMs: true };

/**
 * Checks the option `sweep`.
 *
 * @throws {ConfigurationError} if it is invalid.
 */
export function checkSweepOptions(options: unknown, option: string): SweepSettings {
  if (options !== undefined) requireKnownOptions(option, options, OPTIONS);
  const { jobs, graceMs, historyMs } = (options ?? {}) as DbtCloudSweepOptions;
  const checked = {
    jobs,
    graceMs: graceMs ?? DBT_CLOUD_LIMITS.graceMs,
    historyMs: historyMs ?? DBT_CLOUD_LIMITS.historyMs,
  };
  requireInteger(`${option}.graceMs`, checked.graceMs, 0, DBT_CLOUD_LIMITS.graceMsMax);
  requireInteger(`${option}.historyMs`, checked.historyMs, 0, DBT_CLOUD_LIMITS.historyMsMax);
  if (jobs !== undefined) requirePatterns(`${option}.jobs`, jobs, DBT_CLOUD_LIMITS.jobPatternsMax);
  return checked;
}

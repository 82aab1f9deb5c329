const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const MIB = 1_024 * 1_024;

/** Limits of dbt Cloud, with their units in their names. */
export const DBT_CLOUD_LIMITS = Object.freeze({
  /** Bytes of the shortest secret. dbt Cloud does not document their length; its documentation shows one of 10 characters. */
  secretBytesMin: 8,

  // --- the API ---
  /** Largest page of a list (dbt's OpenAPI specification). */
  pageItemsMax: 100,
  /** Time that dbt Cloud blocks an account after a 429 (https://docs.getdbt.com/docs/dbt-apis/rate-limits). */
  cooldownMs: 5 * MINUTE,

  // --- actions ---
  /** Difference of the clocks of dbt Cloud and of Runhooks that look-ups allow for. */
  lookSkewMs: 5 * MINUTE,
  /** Pages of runs that a look-up reads, from the time of the call on. */
  lookPagesMax: 3,

  // --- results ---
  /** Largest `run_results.json` or `sources.json` that is read, in bytes. */
  resultsBytesMax: 128 * MIB,
  /** Largest `manifest.json` that is read, in bytes. */
  manifestBytesMax: 512 * MIB,

  // --- sweeps ---
  /** Time between two rounds: runs that ended, runs that were canceled, open runs. Together about 2,000 calls a day. */
  endedEveryMs: MINUTE,
  canceledEveryMs: 5 * MINUTE,
  openEveryMs: 10 * MINUTE,
  /** Default and largest value of `sweep.graceMs`. */
  graceMs: 2 * MINUTE,
  graceMsMax: HOUR,
  /** Default and largest value of `sweep.historyMs`. */
  historyMs: 24 * HOUR,
  historyMsMax: 90 * 24 * HOUR,
  /** Time before the last round's end that a round looks at again, for runs that became visible late. */
  overlapMs: 15 * MINUTE,
  /** Age of the creation up to which runs are checked for a cancellation: it has no webhook, and can have no end. */
  canceledWindowMs: 48 * HOUR,
  /** Time after a run's end at which it is complete although its artifacts were not saved. */
  completeMs: 10 * MINUTE,
  /** Time ahead of now that a round asks for, whatever the clocks: the time of dbt Cloud decides which runs count. */
  aheadMs: 366 * 24 * HOUR,
  /** Open runs that one round looks at. */
  openRunsMax: 1_000,
  /** Runs in one step of a round. */
  reportMax: 200,
  /** Patterns of `sweep.jobs`. */
  jobPatternsMax: 1_000,
  /** Time that names of projects and environments are used, and before a name that is missing is asked for again. */
  namesMs: 3 * HOUR,
  namesMissingMs: 10 * MINUTE,
  /** Time that the jobs of the subscription are used. */
  scopeMs: 30 * MINUTE,
});

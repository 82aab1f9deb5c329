const SECOND = 1_000;
/** Units of the limits, in milliseconds. */
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MEBIBYTE = 1_048_576;

/** Limits and defaults of Paradime, with their units in their names. */
export const PARADIME_LIMITS = Object.freeze({
  /** Characters of the longest name that a job's key contains whole. Keys are in indexes. */
  labelCharsWholeMax: 255,
  /** Characters of a longer name that a job's key contains. A digest of the name follows them. */
  labelCharsInKey: 100,

  // --- calls to the API ---
  /** Defaults and largest values of `api.concurrency` and `api.callsPerSecond`. Paradime documents no limits. */
  apiConcurrency: 2,
  apiConcurrencyMax: 100,
  apiCallsPerSecond: 5,
  apiCallsPerSecondMax: 1_000,
  /** Cooldown after a 429 without `Retry-After`. */
  apiCooldownMs: MINUTE,
  /** Schedules of one page, the default of Paradime's SDK. */
  schedulesPageItems: 100,
  /** Runs of one page. The SDK accepts 1 to 1,000. */
  runsPageItems: 100,
  /** Largest id that a query accepts: `Int` of GraphQL has 32 bits. */
  idMax: 2_147_483_647,
  /** Last lines of a failed command that are returned, and batches of lines that are read until then. */
  logLinesMax: 1_000,
  logBatchesMax: 1_000,

  // --- actions ---
  /** Time for which an action waits for its turn among the calls. With the time of a call, it is shorter than the lease of an action. */
  actionTurnMsMax: 30 * SECOND,
  /** How far a run that an action started can seem to have started before the call, because the clocks of two hosts differ. */
  actionSkewMs: 10 * SECOND,
  /** Runs of a schedule among which one that an action started is looked for. */
  actionRunsMax: 1_000,

  // --- sweeps ---
  /** Time between two rounds of the schedules. */
  schedulesEveryMs: 2 * MINUTE,
  /** Time between two rounds that look at every schedule. */
  allEveryMs: 6 * HOUR,
  /** Default and longest `sweep.graceMs`. */
  sweepGraceMs: 2 * MINUTE,
  sweepGraceMsMax: HOUR,
  /** How far the listed runs of two looks overlap, because a run can become visible after a later one. */
  sweepOverlapMs: 15 * MINUTE,
  /** How far the first look at a schedule goes back: before the source's first registration, and at most. */
  sweepHistoryMs: 24 * HOUR,
  sweepFirstMsMax: 7 * DAY,
  /** How far a round that looks at every schedule goes back before the last one. */
  allOverlapMs: 48 * HOUR,
  /** Runs that are reported together. Each can need a call, and reporting renews the lease of the round. */
  reportStepRuns: 20,
  /** Age of an open run at which rounds stop waiting for its end. The round of all schedules still finds that. */
  openRunMsMax: 7 * DAY,
  /** Time after the end of a run at which it is reported without its commands, if they cannot be read. */
  commandsMsMax: HOUR,
  /** Schedules of one round whose runs cannot be listed before the round stops. */
  scheduleFailuresMax: 5,
  /** Schedules after which a round stores how far it came. */
  moveEverySchedules: 25,
  /** Open runs of the inbox that a round considers. */
  openRunsMax: 200,
  /** Patterns of `sweep.schedules`. */
  schedulePatternsMax: 100,

  // --- results of runs ---
  /** Largest `run_results.json` or `sources.json` that is read. */
  resultsBytesMax: 128 * MEBIBYTE,
  /** Largest `manifest.json` that is read. */
  manifestBytesMax: 512 * MEBIBYTE,
  /** Time between looks at a run that has ended by its webhook, and not by the API. */
  resultsOpenMs: 2 * MINUTE,
  /** Runs of a schedule among which a run is looked for. */
  resultsRunsMax: 1_000,
});

/** A minute in milliseconds. */
export const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A day in milliseconds. */
export const DAY = 24 * HOUR;

/**
 * Times that the port `Store` states in its comments, with their units in their names. The contract states them again, so
 * that it fails if the core's rules change.
 */
export const PORT_LIMITS = Object.freeze({
  /** Change of the time that is not yet a clock jump. */
  clockJumpMs: 10 * MINUTE,
  /** Time that purging brakes after a clock jump. */
  purgeBrakeMs: DAY,
  /** Time for which the rows that a braking purge removes are counted together. */
  purgeBrakeHourMs: HOUR,
  /** Coarsest precision that the stored time of a handler's registration can have. */
  handlerSeenMs: HOUR,
  /** Longest time ahead for which anything can be scheduled. */
  dueAheadMsMax: 366 * DAY,
  /** Longest time that a cooldown of a provider's API lasts. */
  cooldownMsMax: HOUR,
});

/** Limits of the fakes of providers, with their units in their names. */
export const FAKE_LIMITS = Object.freeze({
  /** Cooldown of an account after too many calls, as dbt documents it. */
  cooldownMs: 5 * MINUTE,
  /** Default delay of lists with the fault `lagLists`. */
  listLagMs: 90_000,
  /** Days in which the next time of a schedule is looked for: enough for each 29 February on a given day of the week. */
  cronDaysMax: 28 * 366,
  /** Time that the receiver of a webhook has to respond. dbt documents it. */
  webhookTimeoutMs: 10_000,
  /** Entries in a page of dbt Cloud's lists, by default and at most. */
  dbtPageMax: 100,
  /** Entries in a page of dbt Cloud's list of subscriptions, by default. */
  dbtSubscriptionsPage: 10,
  /** Steps of a run of dbt Cloud, whose ids are counted from the id of the run. */
  dbtStepsMax: 1_000,
  /** Calls a minute that an account of dbt Cloud has. */
  dbtCallsPerMinute: 5_000,
  /** Delays before the retries of dbt Cloud's webhooks. dbt documents five attempts, and no times. */
  dbtWebhookRetryDelaysMs: Object.freeze([MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR]),
  /** Failed webhooks in a row after which dbt Cloud deactivates a subscription. */
  dbtFailuresMax: 1_000,
  /** Time of failures only, after which dbt Cloud deactivates a subscription. */
  dbtFailuresMs: 7 * DAY,
  /** Runs in a page of `listBoltRuns`, at most. */
  paradimeRunsMax: 1_000,
  /** Schedules in a page of `listBoltSchedules`, at most: what Paradime's SDK asks for. No maximum is documented. */
  paradimeSchedulesMax: 100,
  /** Lines in a batch of `boltCommandLogs`. Paradime documents none. */
  paradimeLogLines: 100,
  /** Life of presigned URLs. Paradime documents none. */
  paradimeUrlMs: HOUR,
  /** Delays before the retries of Paradime's webhooks: those of Svix. Paradime documents none. */
  paradimeWebhookRetryDelaysMs: Object.freeze([
    5_000,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    10 * HOUR,
  ]),
});

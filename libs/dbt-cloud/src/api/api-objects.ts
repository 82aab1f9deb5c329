/**
 * Objects of dbt Cloud's Administrative API (v2 and v3), with the fields that Runhooks uses. Ids are strings, times are
 * dates, and a field that is null, missing or of another type is absent. `raw` is the object as the API returned it.
 */
type Raw = Readonly<Record<string, unknown>>;

/** A run. */
export interface DbtCloudApiRun {
  readonly id: string;
  readonly accountId: string;
  readonly jobId?: string;
  readonly projectId?: string;
  readonly environmentId?: string;
  /** 1 queued, 2 starting, 3 running, 10 success, 20 error, 30 cancelled. */
  readonly status?: number;
  readonly isComplete: boolean;
  readonly statusMessage?: string;
  /** Page of the run. */
  readonly href?: string;
  readonly gitBranch?: string;
  readonly gitSha?: string;
  readonly createdAt?: Date;
  readonly startedAt?: Date;
  /** Can be absent for a cancelled run. */
  readonly finishedAt?: Date;
  readonly updatedAt?: Date;
  readonly artifactsSaved: boolean;
  readonly canRetry: boolean;
  /** Why it cannot be retried, in a word of dbt Cloud such as `RETRY_NOT_LATEST_RUN`. */
  readonly retryRefusal?: string;
  /** Id of the run that this run is a retry of. */
  readonly retryOf?: string;
  readonly trigger?: DbtCloudApiTrigger;
  /** Name of the job. */
  readonly jobName?: string;
  /** `ci`, `scheduled`, `other`, `merge` or another word. */
  readonly jobType?: string;
  /** Steps, if they were asked for. */
  readonly steps?: readonly DbtCloudApiStep[];
  readonly raw: Raw;
}

/** Cause of a run. */
export interface DbtCloudApiTrigger {
  /** Free text. It can contain a person's email address. */
  readonly cause?: string;
  /** `api`, `ci`, `scheduled`, `ui`, `rerun`, `job completion`, `merge` or another word. */
  readonly category?: string;
  readonly gitBranch?: string;
  readonly gitSha?: string;
  /** Pull request or merge request, of any git provider. */
  readonly pullRequestId?: string;
  /** Schema that the run uses instead of that of its environment. */
  readonly schemaOverride?: string;
  /** Target of dbt that the run uses instead of that of its job. */
  readonly targetOverride?: string;
}

/** A step of a run. The first ones clone the repository and install dependencies. */
export interface DbtCloudApiStep {
  /** Number from 1, as the option `step` of artifacts. */
  readonly index: number;
  readonly name: string;
  /** The codes of a run. */
  readonly status?: number;
  readonly logs?: string;
}

/** A job. */
export interface DbtCloudApiJob {
  readonly id: string;
  readonly name: string;
  readonly projectId?: string;
  readonly environmentId?: string;
  /** `ci`, `scheduled`, `other`, `merge` or another word. */
  readonly jobType?: string;
  readonly cron?: string;
  readonly nextRunAt?: Date;
  readonly isScheduled: boolean;
  readonly raw: Raw;
}

/** A project or an environment. */
export interface DbtCloudApiPlace {
  readonly id: string;
  readonly name: string;
  readonly raw: Raw;
}

/** A webhook subscription. */
export interface DbtCloudApiSubscription {
  /** `wsu_…` */
  readonly id: string;
  readonly name?: string;
  readonly clientUrl: string;
  readonly isActive: boolean;
  readonly eventTypes: readonly string[];
  /** Ids of its jobs; empty for all jobs. */
  readonly jobIds: readonly string[];
  readonly deactivateReason?: string;
  /** Status of the last delivery; absent if there was none. */
  readonly lastStatus?: number;
  readonly lastDispatchedAt?: Date;
  readonly raw: Raw;
}

/** Log of a step that failed. */
export interface DbtCloudStepLog {
  readonly step: number;
  readonly name: string;
  readonly logs: string;
}

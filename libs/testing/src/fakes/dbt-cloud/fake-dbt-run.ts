/** Status codes of runs and steps: queued, starting, running, success, error, cancelled. */
export type FakeDbtStatus = 1 | 2 | 3 | 10 | 20 | 30;

/** Part of a run that dbt Cloud cannot retry. */
export type FakeDbtRetryUnsupported = 'command' | 'version';

/** Options for a new run. */
export interface FakeDbtRunOptions {
  /** @default a new id */
  readonly id?: string;
  /** Cause of the run, as text. It is also the `runReason` of webhooks. @default 'Kicked off by the scheduler' */
  readonly cause?: string;
  /**
   * `trigger.cause_category`: `api`, `ci`, `scheduled`, `ui`, `rerun`, `job completion`, `merge` and others.
   * @default 'scheduled'
   */
  readonly causeCategory?: string;
  /** @default 'main' */
  readonly gitBranch?: string;
  /** @default a constant */
  readonly gitSha?: string;
  /** Number of a pull request of GitHub. */
  readonly pullRequestId?: number;
  /** Schema that the run uses instead of that of its environment. */
  readonly schemaOverride?: string;
  /** Target of dbt that the run uses instead of that of its job. */
  readonly targetOverride?: string;
  /** Commands instead of those of the job, for example `['dbt retry']`. */
  readonly steps?: readonly string[];
  /** Id of a run of the same job that this one retries. @default none */
  readonly retryOf?: string;
  /**
   * Why dbt Cloud cannot retry the run, whatever its end: one of its commands, or its version of dbt.
   * @default that of the job
   */
  readonly retryUnsupported?: FakeDbtRetryUnsupported;
}

/** Files by path, for example `run_results.json`: an object, or a string to send as it is. */
export type FakeDbtFiles = Readonly<Record<string, object | string>>;

/** Options for the end of a run. A file that no option has is a 404, also of a run that says that its artifacts are saved. */
export interface FakeDbtEndOptions {
  /**
   * Command that failed, for example `dbt build`, or a step before those of the job: `dbt deps` or `Clone git repository`. Later
   * steps do not start. @default the last command
   */
  readonly step?: string;
  /** Error message of the run. @default none */
  readonly message?: string;
  /**
   * Content of `run_results.json` of the step that failed, or else of the last one: an object, or a string to send as it is.
   * @default no such file
   */
  readonly results?: object | string;
  /** Files of the step that failed, or else of the last one. */
  readonly artifacts?: FakeDbtFiles;
  /**
   * Files of several steps, by the command or by the index of the step. The commands of a job begin at step 4. A command that
   * the job has several times needs the index.
   */
  readonly files?: Readonly<Record<string, FakeDbtFiles>>;
  /** Whether the artifacts are saved. If not, `artifacts_saved` stays false and every file is a 404. @default true */
  readonly artifactsSaved?: boolean;
  /** Logs of the step that failed. @default a line with its name */
  readonly logs?: string;
}

/** Options for {@link FakeDbtRun.cancel}. */
export interface FakeDbtCancelOptions {
  /** Leaves `finished_at` null, as dbt Cloud does for some cancelled runs. @default true for a run that is queued */
  readonly withoutEnd?: boolean;
}

/** Run of a fake account. Each method resolves when its webhooks were sent or kept back. */
export interface FakeDbtRun {
  readonly id: string;
  readonly jobId: string;
  readonly status: FakeDbtStatus;
  readonly cause: string;
  /** Id of the run that this one retries. */
  readonly retryOf: string | undefined;
  /** Starts a queued run: `job.run.started`. */
  start(): Promise<this>;
  /** Ends the run with success: `job.run.completed`, once its artifacts are available. */
  succeed(options?: Omit<FakeDbtEndOptions, 'step' | 'message' | 'logs'>): Promise<this>;
  /** Ends the run with an error: `job.run.errored`, and `job.run.completed` once its artifacts are available. */
  fail(options?: FakeDbtEndOptions): Promise<this>;
  /** Cancels the run. dbt Cloud sends no webhook about it. */
  cancel(options?: FakeDbtCancelOptions): Promise<this>;
}

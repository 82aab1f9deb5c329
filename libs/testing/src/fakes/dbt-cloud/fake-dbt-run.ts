/** Status codes of runs and steps: queued, starting, running, success, error, cancelled. */
export type FakeDbtStatus = 1 | 2 | 3 | 10 | 20 | 30;

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
  /** Commands instead of those of the job. */
  readonly steps?: readonly string[];
}

/** Options for the end of a run. */
export interface FakeDbtEndOptions {
  /** Command that failed, for example `dbt build`. @default the last command */
  readonly step?: string;
  /** Error message of the run. @default none */
  readonly message?: string;
  /** Content of `run_results.json` of the step: an object, or a string to send as it is. @default no such file */
  readonly results?: object | string;
  /** Files of the step by path, for example `manifest.json`. */
  readonly artifacts?: Readonly<Record<string, object | string>>;
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
  /** Starts a queued run: `job.run.started`. */
  start(): Promise<this>;
  /** Ends the run with success: `job.run.completed`, once its artifacts are available. */
  succeed(options?: Omit<FakeDbtEndOptions, 'step' | 'message' | 'logs'>): Promise<this>;
  /** Ends the run with an error: `job.run.errored`, and `job.run.completed` once its artifacts are available. */
  fail(options?: FakeDbtEndOptions): Promise<this>;
  /** Cancels the run. dbt Cloud sends no webhook about it. */
  cancel(options?: FakeDbtCancelOptions): Promise<this>;
}

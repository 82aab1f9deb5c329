/** States of a run in Paradime's API. */
export type FakeBoltState = 'STARTING' | 'RUNNING' | 'SUCCESS' | 'ERROR' | 'FAILED' | 'CANCELED' | 'SKIPPED';

/** Options for a new run. */
export interface FakeBoltRunOptions {
  /** @default a new id */
  readonly id?: string;
  /** Cause of the run. @default 'Scheduler' */
  readonly actor?: string;
  /** @default null */
  readonly actorEmail?: string | null;
  /** @default 'main' */
  readonly branch?: string | null;
  /** @default a constant */
  readonly commitHash?: string | null;
  readonly pullRequestId?: number;
  /** Commands instead of those of the schedule. */
  readonly commands?: readonly string[];
  /** Id of the run that this one retries. @default none */
  readonly retryOf?: string;
}

/**
 * Content of a file: an object that is sent as JSON, or a string to send as it is. `null` is a file that is lost: it is listed,
 * but the API has no URL of it.
 */
export type FakeBoltFile = object | string | null;

/** Files of a command by path, for example `target/run_results.json`. */
export type FakeBoltFiles = Readonly<Record<string, FakeBoltFile>>;

/** Options for the end of a run. */
export interface FakeBoltEndOptions {
  /** Command that failed, for example `dbt run`. @default the last command */
  readonly command?: string;
  /** `error_string` of the webhook. @default null */
  readonly error?: string;
  /** Whether the commands after the one that failed ran as well, as with `continue_on_error`. @default false */
  readonly continueOnError?: boolean;
  /** `target/run_results.json` of the command that failed, or else of the last one. @default no such file */
  readonly results?: FakeBoltFile;
  /** Other files of the same command, for example `target/manifest.json`. */
  readonly artifacts?: FakeBoltFiles;
  /**
   * Files of each command, by the command: Paradime keeps them for each, even if the paths are the same. `runResultsFile` and
   * `sourcesFile` return content; with an earlier `generatedAt` it is a file that another run left.
   *
   * ```ts
   * await run.fail({
   *   command: 'dbt test',
   *   files: {
   *     'dbt run': { 'target/run_results.json': runResultsFile([{ id: 'model.shop.orders' }], { generatedAt }) },
   *     'dbt test': { 'target/run_results.json': null },
   *   },
   * });
   * ```
   */
  readonly files?: Readonly<Record<string, FakeBoltFiles>>;
  /** Standard output of the command. @default a line with the command */
  readonly stdout?: string;
  /** @default '' */
  readonly stderr?: string;
}

/** Options for {@link FakeBoltRun.cancel}. */
export interface FakeBoltCancelOptions {
  /** Leaves `endDttm` null. @default false */
  readonly withoutEnd?: boolean;
}

/** Run of a fake workspace. Each method resolves when its webhooks were sent or kept back. */
export interface FakeBoltRun {
  readonly id: string;
  /** Slug of the schedule, or its name if it has none. */
  readonly schedule: string;
  readonly state: FakeBoltState;
  /** Commands of the run, without those that Bolt runs before. A retry has those from the failed one. */
  readonly commands: readonly string[];
  readonly branch: string | null;
  /** `reason` of a run that was triggered through the API. */
  readonly reason: string | undefined;
  /** Id of the run that this one retries. */
  readonly retryOf: string | undefined;
  /** Starts a run: `bolt.run.started`. */
  start(): Promise<this>;
  /** Ends the run with success: `bolt.run.completed`. */
  succeed(options?: Omit<FakeBoltEndOptions, 'command' | 'error' | 'continueOnError'>): Promise<this>;
  /** Ends the run with the state `FAILED`: `bolt.run.completed`. */
  fail(options?: FakeBoltEndOptions): Promise<this>;
  /** Ends the run with the state `ERROR`: `bolt.run.completed`. */
  error(options?: FakeBoltEndOptions): Promise<this>;
  /** Cancels the run, without a webhook: Paradime documents those of failed and succeeded runs only. */
  cancel(options?: FakeBoltCancelOptions): Promise<this>;
  /** Skips a run that has not started, without a webhook. */
  skip(): Promise<this>;
}

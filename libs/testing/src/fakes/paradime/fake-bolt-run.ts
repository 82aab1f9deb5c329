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
}

/** Options for the end of a run. */
export interface FakeBoltEndOptions {
  /** Command that failed, for example `dbt run`. @default the last command */
  readonly command?: string;
  /** `error_string` of the webhook. @default null */
  readonly error?: string;
  /** Content of `target/run_results.json` of the command: an object, or a string to send as it is. @default no such file */
  readonly results?: object | string;
  /** Files of the command by path, for example `target/manifest.json`. */
  readonly artifacts?: Readonly<Record<string, object | string>>;
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
  /** `reason` of a run that was triggered through the API. */
  readonly reason: string | undefined;
  /** Starts a run: `bolt.run.started`. */
  start(): Promise<this>;
  /** Ends the run with success: `bolt.run.completed`. */
  succeed(options?: Omit<FakeBoltEndOptions, 'command' | 'error'>): Promise<this>;
  /** Ends the run with the state `FAILED`: `bolt.run.completed`. */
  fail(options?: FakeBoltEndOptions): Promise<this>;
  /** Ends the run with the state `ERROR`: `bolt.run.completed`. */
  error(options?: FakeBoltEndOptions): Promise<this>;
  /** Cancels the run, without a webhook: Paradime documents those of failed and succeeded runs only. */
  cancel(options?: FakeBoltCancelOptions): Promise<this>;
  /** Skips a run that has not started, without a webhook. */
  skip(): Promise<this>;
}

import type { RunStatus } from 'nestjs-runhooks/core';

/** A schedule, as Paradime's API reports it. Ids are strings. What the API does not report is absent. */
export interface ParadimeApiSchedule {
  /** Identifier, of newer schedules only. A schedule has a slug, a name, or both. */
  readonly slug?: string;
  /** Label of the schedule. */
  readonly name?: string;
  readonly uuid?: string;
  /** Cron expression, or `OFF`. */
  readonly schedule?: string;
  readonly owner?: string;
  readonly lastRunAt?: Date;
  /** {@link lastRunAt} as it was sent. */
  readonly lastRunText?: string;
  /** State of the last run as it was sent, for example `RUNNING` or `FAILED`. */
  readonly lastRunState?: string;
  readonly nextRunAt?: Date;
  readonly suspended?: boolean;
  readonly gitBranch?: string;
}

/** A run of a schedule, as Paradime's API reports it in a list. Ids are strings. */
export interface ParadimeApiRun {
  readonly id: string;
  /** Slug of the schedule whose runs were listed, or its name if it has no slug. */
  readonly schedule: string;
  /** State as it was sent, for example `SUCCESS`. Paradime adds new ones. */
  readonly state?: string;
  /** Meaning of {@link state}; `unknown` for one that Runhooks does not know. */
  readonly status: RunStatus;
  /** Cause of the run, for example `Scheduler` or `Manual`. */
  readonly actor?: string;
  readonly actorEmail?: string;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  /** Id of the run that this one retries. */
  readonly parentRunId?: string;
  readonly branch?: string;
  readonly commitHash?: string;
  readonly pullRequestId?: string;
}

/** State and commands of a run. The API reports no times and no schedule here; {@link ParadimeApiRun} has them. */
export interface ParadimeApiRunDetail {
  readonly id: string;
  /** State as it was sent, for example `SUCCESS`. */
  readonly state?: string;
  /** Meaning of {@link state}. */
  readonly status: RunStatus;
  /** Commands by id, which is the order in which they ran. */
  readonly commands: readonly ParadimeApiCommand[];
}

/** A command of a run. Bolt runs `git clone …` and `dbt deps` before the commands of the schedule. */
export interface ParadimeApiCommand {
  readonly id: string;
  readonly command: string;
  /** Exit code; absent while the command runs, or if it never ran. */
  readonly returnCode?: number;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
}

/** A command with its run and its files. */
export interface ParadimeApiCommandDetail extends ParadimeApiCommand {
  readonly runId?: string;
  readonly artifacts: readonly ParadimeApiArtifact[];
}

/** A file that a command wrote. */
export interface ParadimeApiArtifact {
  readonly id: string;
  /** Path, for example `target/run_results.json`. Several commands of a run can write the same path. */
  readonly path: string;
  readonly commandId: string;
}

/** End of the output of a failed command. It can contain data and secrets of the project. */
export interface ParadimeApiCommandLog {
  readonly command: ParadimeApiCommand;
  /** The last lines. Within a step of the output, lines of `stdout` come before those of `stderr`. */
  readonly lines: readonly { readonly stream: 'stdout' | 'stderr'; readonly line: string }[];
  /** Whether earlier lines were left out. */
  readonly isCut: boolean;
}

/** A workspace of the company. */
export interface ParadimeApiWorkspace {
  readonly uid: string;
  readonly name?: string;
}

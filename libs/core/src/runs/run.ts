/** Provider-neutral status of a run or a command. `unknown` is an unrecognized status, and never means a success. */
export type RunStatus = 'pending' | 'running' | 'succeeded' | 'failed' | 'canceled' | 'skipped' | 'unknown';

/** An object of the provider with an id, a name, or both. */
export interface Reference {
  readonly id?: string;
  readonly name?: string;
}

/** Cause of a run. */
export interface RunTrigger {
  readonly kind: 'schedule' | 'manual' | 'api' | 'ci' | 'unknown';
  /** Text of the provider. It can contain a person's name or email address. */
  readonly reason?: string;
  /**
   * Category of the cause, as the provider's API names it, for example `scheduled` or `job completion` (dbt Cloud). Webhooks
   * do not contain it. Filters use `kind`, which is the same for a run of a webhook and of the API.
   */
  readonly category?: string;
}

/** Commit that a run uses. Webhooks of dbt Cloud do not contain it, but its API does. */
export interface RunCommit {
  readonly branch?: string;
  readonly sha?: string;
  /** Id or number of the pull request, or merge request, that started the run. */
  readonly pullRequest?: string;
}

/** A file that a command wrote. */
export interface RunResource {
  readonly id: string;
  readonly path: string;
}

/** A command of a run (Paradime). */
export interface RunCommand {
  /** Id of the command; absent if the provider does not report it. */
  readonly id?: string;
  /** The command as text, which the provider can shorten. */
  readonly command: string;
  readonly status: RunStatus;
  readonly providerStatus?: string;
  readonly returnCode?: number;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
  readonly resources: readonly RunResource[];
}

/** An execution of a job, as one message reports it. Ids are strings, even if the provider sends numbers. */
export interface Run {
  readonly id: string;
  /** Page of the run. For dbt Cloud it requires the source's `accessUrl`, because payloads do not contain a host. */
  readonly url?: string;
  readonly status: RunStatus;
  /** Status as the provider sent it. */
  readonly providerStatus?: string;
  readonly statusMessage?: string;
  /** Job of the run. `key` identifies it within its source; id and name are those of the provider. */
  readonly job: Reference & { readonly key: string };
  /** Account of dbt Cloud, or workspace of Paradime (`id` is its `uid`). */
  readonly account: Reference & { readonly id: string };
  readonly project?: Reference;
  readonly environment?: Reference;
  readonly trigger: RunTrigger;
  readonly commit?: RunCommit;
  /** Id of the run that this run is a retry of, if the provider's API reports it, or an action of Runhooks has started it. */
  readonly retryOf?: string;
  /** Id of the run that a chain of retries began with. Present from the time at which an action of Runhooks has started the retry. */
  readonly rootRun?: string;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
  /** Milliseconds from start to end, if both are known. */
  readonly durationMs?: number;
  /** Commands of a finished run (Paradime), in the order in which they were sent. */
  readonly commands?: readonly RunCommand[];
}

/** A finished run of `@OnAllRuns`. */
export interface JoinedRun {
  /** Entry of `jobs` that the run fills. */
  readonly job: string;
  readonly source: string;
  readonly provider: string;
  readonly run: Run;
  readonly finishedAt: Date;
}

/** Returns `finishedAt - startedAt`, or `undefined` if either is missing or the result is negative. */
export function runDurationMs(startedAt: Date | undefined, finishedAt: Date | undefined): number | undefined {
  if (!startedAt || !finishedAt) return undefined;
  const durationMs = finishedAt.getTime() - startedAt.getTime();
  return durationMs >= 0 ? durationMs : undefined;
}

/** Outcome of a run. */
export type RunOutcome = 'succeeded' | 'failed' | 'canceled';

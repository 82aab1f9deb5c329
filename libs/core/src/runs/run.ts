/** Provider-neutral status of a run or of one of its commands. `unknown` is a status we do not know: never a success. */
export type RunStatus = 'pending' | 'running' | 'succeeded' | 'failed' | 'canceled' | 'skipped' | 'unknown';

/** Something of the provider's that has an id, a name, or both. */
export interface Reference {
  readonly id?: string;
  readonly name?: string;
}

/** What started a run, as far as the provider tells. */
export interface RunTrigger {
  readonly kind: 'schedule' | 'manual' | 'api' | 'ci' | 'unknown';
  /** The provider's own words. May hold a person's name or e-mail address. */
  readonly reason?: string;
}

/** A file a command left behind. */
export interface RunResource {
  readonly id: string;
  readonly path: string;
}

/** One command of a run (Paradime). */
export interface RunCommand {
  /** Absent where the provider did not tell it. */
  readonly id?: string;
  /** Display text, possibly shortened by the provider. */
  readonly command: string;
  readonly status: RunStatus;
  readonly providerStatus?: string;
  readonly returnCode?: number;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
  readonly resources: readonly RunResource[];
}

/** One execution of a job, as far as one message tells. Ids are strings, whatever the provider sends. */
export interface Run {
  readonly id: string;
  /** Page of the run; for dbt Cloud only if the source's `accessUrl` is configured, since payloads name no host. */
  readonly url?: string;
  readonly status: RunStatus;
  /** The status in the provider's words. */
  readonly providerStatus?: string;
  readonly statusMessage?: string;
  /** `key` names the job within its source; ids and names are the provider's. */
  readonly job: Reference & { readonly key: string };
  /** dbt Cloud: the account. Paradime: the workspace (`id` is its `uid`). */
  readonly account: Reference & { readonly id: string };
  readonly project?: Reference;
  readonly environment?: Reference;
  readonly trigger: RunTrigger;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
  /** From start to end, where both are known. */
  readonly durationMs?: number;
  /** Paradime: the commands of a finished run, in the order sent. */
  readonly commands?: readonly RunCommand[];
}

/** A run that has come to a barrier. */
export interface JoinedRun {
  /** The entry of `jobs` that it is for. */
  readonly job: string;
  readonly source: string;
  readonly provider: string;
  readonly run: Run;
  readonly finishedAt: Date;
}

/** `finishedAt - startedAt`, or nothing where either is missing or the clocks disagree. */
export function runDurationMs(startedAt: Date | undefined, finishedAt: Date | undefined): number | undefined {
  if (!startedAt || !finishedAt) return undefined;
  const durationMs = finishedAt.getTime() - startedAt.getTime();
  return durationMs >= 0 ? durationMs : undefined;
}

/** How a run can end. */
export type RunOutcome = 'succeeded' | 'failed' | 'canceled';

import type { DbtCloudApiRun } from './api-objects.js';

/** Options of every call. */
export interface DbtCloudCallOptions {
  /** Aborts the call, which then rejects with the signal's reason. In handlers: `delivery.signal`. */
  readonly signal?: AbortSignal | undefined;
}

/** A page of runs. */
export interface DbtCloudRunPage {
  readonly runs: readonly DbtCloudApiRun[];
  /** Time of dbt Cloud at its answer. */
  readonly serverTime?: Date;
  /** Whether more runs match. */
  readonly hasMore: boolean;
  /** Number of entries that are left out, because they have no valid ids. */
  readonly unreadable: number;
}

/** Filter for jobs. */
export interface DbtCloudJobFilter {
  readonly projectIds?: readonly string[];
  readonly environmentId?: string;
  /** Part of the name, in any case. */
  readonly nameContains?: string;
}

/** Options of a call for artifacts. */
export interface DbtCloudArtifactOptions extends DbtCloudCallOptions {
  /**
   * Index of the step that wrote the file.
   * @default the last step, which often is not the one that ran the models
   */
  readonly step?: number;
}

/** Options of a call for nodes of a manifest. */
export interface DbtCloudManifestOptions extends DbtCloudCallOptions {
  /**
   * Index of the step that wrote the manifest. All steps of a run read the same commit, so any of them has the same nodes.
   * @default the last step, or else the last one that has a manifest
   */
  readonly step?: number;
}

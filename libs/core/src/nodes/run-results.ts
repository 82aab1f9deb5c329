import type { NodeCounts, NodeKind, NodeResult, NodeStep } from './node-result.js';

/**
 * Reason why a run has no results. None of them means that all nodes passed.
 *
 * - `canceled`: the run was canceled.
 * - `nothing-ran`: its commands execute no nodes, such as `dbt parse` or `dbt docs generate`.
 * - `not-written`: the provider has no results of it, for example because the run failed before dbt began.
 * - `stale`: the provider only has results that were written before the run began.
 * - `unreadable`: the file is not the JSON that dbt writes.
 * - `too-large`: the file is larger than Runhooks reads.
 * - `unavailable`: the provider did not answer for seven days.
 */
export type MissingResultsReason =
  'canceled' | 'nothing-ran' | 'not-written' | 'stale' | 'unreadable' | 'too-large' | 'unavailable';

/** Step of a run whose results could not be read, although others could. */
export interface MissingStep {
  readonly step: NodeStep;
  readonly reason: MissingResultsReason;
}

/** Results of a run. */
export interface AvailableResults {
  readonly state: 'available';
  /** Numbers of all nodes. */
  readonly counts: NodeCounts;
  /** Numbers by kind. Kinds without nodes are absent. */
  readonly kinds: { readonly [Kind in NodeKind]?: NodeCounts };
  /** Numbers by status, in the words of dbt. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Nodes that failed, in the order in which dbt reported them. */
  readonly failed: readonly NodeResult[];
  /** Nodes that warned. */
  readonly warned: readonly NodeResult[];
  /** Number of failed and warned nodes that are left out of an event, which has 200. `inbox.results(run)` has all of them. */
  readonly omitted: number;
  /** Rows of the files that could not be read, and so are not counted. */
  readonly unreadableRows: number;
  /** Steps whose results are missing. */
  readonly missingSteps: readonly MissingStep[];
  /** Version of dbt in its own words. */
  readonly dbtVersion?: string;
  /** When dbt wrote the last file. */
  readonly generatedAt?: Date;
}

/** Absence of results. */
export interface MissingResults {
  readonly state: 'missing';
  readonly reason: MissingResultsReason;
}

/** Results of a run, or the reason why it has none. */
export type RunResults = AvailableResults | MissingResults;

/** Outcome of a node, by the plan. */
export type Outcome = 'succeeded' | 'warned' | 'failed' | 'skipped' | 'unknown';

/** Reason why a run has no results, by the plan. */
export type Reason = 'canceled' | 'nothing-ran' | 'not-written' | 'stale' | 'unreadable';

/** What a command did with a node. */
export interface PlannedNode {
  readonly id: string;
  readonly outcome: Outcome;
  /** Status in the words of dbt, as it stands in the file. */
  readonly status: string;
  /** Text as it stands in the file. */
  readonly message?: string;
  /** Text that handlers must receive. */
  readonly shown?: string;
}

/**
 * What became of the file of a command. `none`: the command writes no file. `lost`: the provider does not have it. `stale`: the
 * provider has the one of an earlier run.
 */
export type FileFate = 'written' | 'none' | 'lost' | 'stale' | 'unreadable';

/** A command of a run, and what it did. */
export interface PlannedStep {
  readonly command: string;
  /** `args.which` of its file. */
  readonly which: string;
  readonly fate: FileFate;
  readonly nodes: readonly PlannedNode[];
  /** Rows of the file in which no node can be recognized. */
  readonly oddRows: readonly unknown[];
}

/** Job of an account. */
export interface WorldJob {
  readonly name: string;
  readonly project: string;
  readonly environment: string;
  /** Target of dbt, as its files tell it. */
  readonly target?: string;
  readonly kind: JobKind;
}

/**
 * What a job runs. `build`: everything in one command. `run and test`: two commands, of which the second runs some nodes again.
 * `freshness`: sources, then everything. `docs`: everything, then the docs. `subset`: some nodes. `wide`: hundreds of tests. `parse`: no
 * nodes. `ci`: everything, for pull requests.
 */
export type JobKind = 'build' | 'run and test' | 'freshness' | 'docs' | 'subset' | 'wide' | 'parse' | 'ci';

/** A run as it happened, independently of the app and of the API of the fake. */
export interface WorldRun {
  readonly id: string;
  readonly source: string;
  readonly job: WorldJob;
  readonly outcome: 'succeeded' | 'failed' | 'canceled';
  /** Whether the run must open no incidents. */
  readonly isIsolated: boolean;
  /** Commands that it began, the first ones first. Empty if it was canceled, or failed before dbt began. */
  readonly steps: readonly PlannedStep[];
  /** Whether its files came later than Runhooks waits for them, which is 10 minutes. */
  readonly isLate: boolean;
  /** When it ended. No two runs end at the same time. */
  readonly endedAt: Date;
}

/** Whether the handler of results wants the run, independently of its filter in the app. */
export function isNightly({ job }: WorldRun): boolean {
  return job.name.startsWith('nightly-');
}

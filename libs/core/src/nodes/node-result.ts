/**
 * Kind of a node, as its `unique_id` begins in dbt. `operation` is a hook, or a macro that `dbt run-operation` ran. `other` is
 * a kind that Runhooks does not know.
 */
export const NODE_KINDS = [
  'model',
  'test',
  'unit_test',
  'snapshot',
  'seed',
  'source',
  'exposure',
  'operation',
  'analysis',
  'function',
  'saved_query',
  'other',
] as const;

/** Kind of a node. */
export type NodeKind = (typeof NODE_KINDS)[number];

/**
 * What a node came to. `warned` is a test or a source that warns without failing. `skipped` did not run, because another node
 * failed. `unknown` is a status that Runhooks does not know; it is neither good nor a failure.
 */
export type NodeOutcome = 'succeeded' | 'warned' | 'failed' | 'skipped' | 'unknown';

/** Step of a run of dbt Cloud, or command of a run of Paradime, that executed a node. */
export interface NodeStep {
  /** Number of the step from 1 (dbt Cloud), or id of the command (Paradime). */
  readonly id: string;
  /** Its name, for example `Invoke dbt with `dbt build``, or the command `dbt build`. */
  readonly name?: string;
}

/** Identity of a node within its project. */
export interface NodeName {
  /** `unique_id` of dbt, for example `test.shop.unique_orders_id.fed79b3a6e`. */
  readonly uniqueId: string;
  readonly kind: NodeKind;
  /** Name without kind, package and hash, for example `unique_orders_id`; of a source table `raw.orders`. */
  readonly name: string;
  /** Package or project that defines it. */
  readonly package?: string;
}

/** Outcome of one node of a run, with its details. */
export interface NodeResult extends NodeName {
  readonly outcome: NodeOutcome;
  /** Status in the words of dbt, in lower case, for example `runtime error`. */
  readonly status: string;
  /**
   * Text of dbt, for example an error of the database. It has no ANSI codes, at most 2,000 characters, and has passed the
   * `redact` option of the module. It can quote data.
   */
  readonly message?: string;
  /** Number of rows that a test found. Absent if dbt does not report it. */
  readonly failures?: number;
  /** Time of its execution, in milliseconds. */
  readonly executionMs?: number;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
  /** Table or view in the database, for example `"shop"."main"."orders"`. */
  readonly relation?: string;
  readonly step?: NodeStep;
}

/** Numbers of nodes by outcome. */
export type NodeCounts = { readonly [Outcome in NodeOutcome | 'total']: number };

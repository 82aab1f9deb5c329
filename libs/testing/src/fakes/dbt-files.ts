import { randomUUID } from 'node:crypto';

/** A row of `run_results.json` or `sources.json` to make. */
export interface DbtFileRow {
  /** `unique_id`, for example `test.shop.unique_orders_id.fed79b3a6e`. */
  readonly id: string;
  /** Status in the words of dbt. @default 'success', or 'pass' for tests and sources */
  readonly status?: string;
  readonly message?: string | null;
  readonly failures?: number | null;
  /** Execution time, in seconds. @default 1 */
  readonly seconds?: number;
  readonly relation?: string | null;
  /** Fields that replace those of the row, or are added to it. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Options for a file of dbt. */
export interface DbtFileOptions {
  /** When dbt wrote it. */
  readonly generatedAt: Date;
  /** Command of dbt. @default 'build' */
  readonly which?: string;
  /** Target of dbt. @default none */
  readonly target?: string;
  /** @default '1.11.0' */
  readonly dbtVersion?: string;
  /** Id of the invocation of dbt, which all files of one command share. @default a new id */
  readonly invocationId?: string;
}

/**
 * Returns the content of a `run_results.json` for the fakes of providers, in the shape that dbt 1.8 to 1.11 writes.
 *
 * @example
 * const results = runResultsFile([{ id: 'model.shop.orders', status: 'error', message: 'no such table' }], {
 *   generatedAt: clock.now(),
 * });
 * await run.fail({ step: 'dbt build', results });
 */
export function runResultsFile(rows: readonly DbtFileRow[], options: DbtFileOptions): object {
  const { generatedAt, which = 'build', target } = options;
  return {
    metadata: metadataOf('run-results/v6', options),
    results: rows.map((row) => runRow(row, generatedAt)),
    elapsed_time: rows.reduce((sum, { seconds = 1 }) => sum + seconds, 0),
    args: { which, ...(target !== undefined && { target }) },
  };
}

/** Returns the content of a `sources.json`. */
export function sourcesFile(rows: readonly DbtFileRow[], options: DbtFileOptions): object {
  return {
    metadata: metadataOf('sources/v3', options),
    results: rows.map(({ id, status = 'pass', message, fields }) =>
      status === 'runtime error'
        ? { unique_id: id, status, error: message ?? null, ...fields }
        : { unique_id: id, status, max_loaded_at_time_ago_in_s: 60, criteria: {}, timing: [], ...fields },
    ),
    elapsed_time: 1,
  };
}

function metadataOf(schema: string, options: DbtFileOptions): object {
  const { generatedAt, dbtVersion = '1.11.0', invocationId = randomUUID() } = options;
  return {
    dbt_schema_version: `https://schemas.getdbt.com/dbt/${schema}.json`,
    dbt_version: dbtVersion,
    generated_at: generatedAt.toISOString(),
    invocation_id: invocationId,
    env: {},
  };
}

function runRow({ id, status, message, failures, seconds = 1, relation, fields }: DbtFileRow, at: Date): object {
  const isTest = id.startsWith('test.') || id.startsWith('unit_test.');
  const word = status ?? (isTest ? 'pass' : 'success');
  const started = new Date(at.getTime() - seconds * 1000).toISOString();
  const timing = [{ name: 'execute', started_at: started, completed_at: at.toISOString() }];
  return {
    status: word,
    timing: word === 'skipped' ? [] : timing,
    thread_id: 'Thread-1 (worker)',
    execution_time: word === 'skipped' ? 0 : seconds,
    adapter_response: {},
    message: message ?? null,
    failures: failures ?? null,
    unique_id: id,
    compiled: word !== 'skipped',
    compiled_code: null,
    relation_name: relation ?? null,
    batch_results: null,
    ...fields,
  };
}

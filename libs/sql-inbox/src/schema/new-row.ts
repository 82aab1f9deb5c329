import type { Schema } from './schema.js';

/** Columns that an insert sets, by table. A column that is missing here starts as null or is numbered by the engine. */
// prettier-ignore
const COLUMNS = {
  message_keys: ['source', 'message_key', 'digest', 'message_id'],
  messages: [
    'id', 'source', 'provider', 'message_key', 'digest', 'headers', 'body', 'received_at', 'state', 'reason',
    'id_reused', 'claims', 'without_handlers', 'due_at', 'lease',
  ],
  jobs: ['source', 'job_key', 'alias_of', 'latest_success_at', 'incident', 'facts', 'updated_at'],
  runs: [
    'source', 'account_id', 'run_id', 'job_key', 'origin', 'outcome', 'contradicted', 'types', 'started_at',
    'finished_at', 'retry_of', 'root_run', 'facts', 'updated_at',
  ],
  events: ['id', 'type', 'source', 'provider', 'message_id', 'occurred_at', 'recorded_at', 'data'],
  deliveries: [
    'id', 'event_id', 'handler_id', 'source', 'replay_id', 'lane', 'in_lane', 'state', 'attempts', 'attempts_before',
    'due_at', 'lease',
  ],
  attempts: [
    'delivery_id', 'attempt', 'started_at', 'finished_at', 'outcome', 'error_name', 'error_message', 'error_stack',
  ],
  barriers: ['name', 'waiting', 'updated_at'],
  tasks: ['id', 'kind', 'handler_id', 'source', 'provider', 'message_id', 'data', 'claims', 'due_at'],
  processes: [
    'id', 'role', 'label', 'host', 'pid', 'lease', 'handlers', 'abandoned', 'started_at', 'seen_at', 'clock_ahead_ms',
  ],
  handlers: ['id', 'version', 'subscriptions', 'since', 'seen_at'],
  audit: ['id', 'decided_at', 'action', 'actor', 'reason', 'details', 'affected'],
  refusals: ['source', 'signature_check', 'requests', 'latest_at'],
  sources: ['name', 'since'],
  rounds: ['source', 'kind', 'failures', 'due_at'],
  cooldowns: ['host', 'account_id', 'until'],
  results: [
    'source', 'account_id', 'run_id', 'state', 'scope', 'finished_at', 'reason', 'failing', 'recorded', 'updated_at',
    'counts', 'good', 'skipped',
  ],
  result_nodes: ['source', 'account_id', 'run_id', 'part', 'nodes'],
  actions: [
    'source', 'action_key', 'kind', 'target', 'account_id', 'state', 'mark', 'request', 'root_run', 'handler_id',
    'event_id', 'asked_source', 'asked_account', 'asked_run', 'created_at', 'updated_at', 'looks', 'due_at',
    'lease',
  ],
  nodes: ['source', 'scope', 'node_id', 'place', 'latest_success_at', 'observed_at', 'incident', 'history'],
} as const satisfies { readonly [T in keyof Schema]?: readonly (keyof Schema[T])[] };

/** A table that rows are inserted into. */
export type InsertedTable = keyof typeof COLUMNS;

/** Returns the columns that an insert sets. */
export function columnsOf<T extends InsertedTable>(table: T): readonly (keyof NewRow<T> & string)[] {
  return COLUMNS[table] as readonly string[] as readonly (keyof NewRow<T> & string)[];
}

/** A row as it is inserted. */
export type NewRow<T extends InsertedTable> = Pick<Schema[T], (typeof COLUMNS)[T][number] & keyof Schema[T]>;

/**
 * Returns a placeholder for each column of a new row. Without a column that must be set, the row does not fit an
 * insert.
 */
export function newRow<T extends InsertedTable>(
  table: T,
  value: <C extends keyof NewRow<T>>(column: C) => NewRow<T>[C],
): NewRow<T> {
  const columns: readonly string[] = COLUMNS[table];
  return Object.fromEntries(columns.map((column) => [column, value(column as keyof NewRow<T>)])) as NewRow<T>;
}

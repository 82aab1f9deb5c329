import type { Schema } from '../schema/schema.js';

export type Table = Exclude<keyof Schema, 'processes'>;

/** Tables that are moved, with their columns that may be large. Registrations are not: each process registers again. */
export const LARGE_COLUMNS = {
  message_keys: [],
  purged_keys: [],
  messages: ['headers', 'body', 'notes'],
  jobs: ['incident', 'facts'],
  runs: ['facts'],
  events: ['data'],
  deliveries: [],
  attempts: ['error_message', 'error_stack'],
  tasks: ['data'],
  barriers: ['waiting'],
  handlers: ['subscriptions'],
  clock: [],
  audit: ['details'],
  refusals: [],
  series: [],
  sources: [],
  rounds: ['cursor'],
  cooldowns: [],
  results: ['counts', 'good', 'skipped'],
  result_nodes: ['nodes'],
  nodes: ['incident', 'history'],
  actions: ['request', 'answer', 'refusal'],
} as const satisfies { readonly [T in Table]: readonly (keyof Schema[T])[] };

export const TABLES = Object.keys(LARGE_COLUMNS) as readonly Table[];

/** Tables that SQLite stores in their primary key, with its columns. They have no row ids. */
export const IN_KEY: { readonly [T in Table]?: readonly (keyof Schema[T] & string)[] } = {
  message_keys: ['source', 'message_key', 'digest'],
  purged_keys: ['message_id'],
  jobs: ['source', 'job_key'],
  runs: ['source', 'account_id', 'run_id'],
  series: ['minute', 'source', 'kind', 'process_id'],
};

/** Rows of one table that are moved in one transaction. */
export interface Step {
  readonly table: Table;
  readonly rows: readonly object[];
  /**
   * Positions in the table of the last row before these rows, and of the last of these rows: the row id, or how many
   * rows come up to it in the order of the key.
   */
  readonly after: number;
  readonly upTo: number;
}

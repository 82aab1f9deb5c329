import type { Schema } from '../schema/schema.js';

export type Table = Exclude<keyof Schema, 'processes'>;

/**
 * The tables that are moved, and their columns that may be large. Processes stay where they are: none may be alive, and
 * each tells the new inbox of itself.
 */
export const LARGE_COLUMNS = {
  message_keys: [],
  messages: ['headers', 'body', 'notes'],
  jobs: ['incident'],
  runs: [],
  events: ['data'],
  deliveries: [],
  attempts: ['error_message', 'error_stack'],
  tasks: ['data'],
  barriers: ['waiting'],
  handlers: ['subscriptions'],
  clock: [],
  audit: ['details'],
  refusals: [],
} as const satisfies { readonly [T in Table]: readonly (keyof Schema[T])[] };

export const TABLES = Object.keys(LARGE_COLUMNS) as readonly Table[];

/** Rows of one table that are moved together. */
export interface Step {
  readonly table: Table;
  readonly rows: readonly object[];
  /** The place in its table of the last row before them, and of the last of them. */
  readonly after: number;
  readonly upTo: number;
}

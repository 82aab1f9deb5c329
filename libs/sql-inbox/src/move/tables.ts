import type { Schema } from '../schema/schema.js';

export type Table = Exclude<keyof Schema, 'processes'>;

/** Tables that are moved, with their columns that may be large. Registrations are not: each process registers again. */
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

/** Rows of one table that are moved in one transaction. */
export interface Step {
  readonly table: Table;
  readonly rows: readonly object[];
  /** Positions in the table of the last row before these rows, and of the last of these rows. */
  readonly after: number;
  readonly upTo: number;
}

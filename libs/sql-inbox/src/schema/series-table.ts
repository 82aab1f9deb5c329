/**
 * Rows that are counted. Messages, deliveries and actions are counted in the states in which they usually end. `runs.found`
 * counts runs that a sweep found before any webhook reported them; its total also has runs that were purged since.
 */
export type SeriesKind =
  'messages.parsed' | 'events' | 'deliveries.succeeded' | 'runs.found' | 'actions.answered' | 'actions.refused';

/**
 * Numbers of rows. Minute 0 has the totals: rows that exist now. Other minutes have the rows that came in them, for plots, even
 * if those were purged or erased since. They are kept as long as finished messages.
 */
export interface SeriesTable {
  /** Minutes since 1970 (UTC), or 0. */
  minute: number;
  source: string;
  kind: SeriesKind;
  /** On Postgres the server process that counted, because two transactions must not wait for each other. Else empty. */
  process_id: string;
  amount: number;
}

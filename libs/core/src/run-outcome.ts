/** How a run can end. */
export type RunOutcome = 'succeeded' | 'failed' | 'canceled';

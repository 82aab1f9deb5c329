/** Which runs a barrier waits for. */
export interface BarrierOptions {
  /** Jobs by id, name or pattern: one finished run of each is needed. At least two. */
  readonly jobs: readonly string[];
  /** From the first of the runs to the last, in milliseconds. */
  readonly withinMs: number;
  /** What counts as finished: a run that succeeded, or any run that is over. @default 'succeeded' */
  readonly outcome?: 'succeeded' | 'completed';
}

/** A contender that listens. */
export interface Running {
  readonly port: number;
  /** Returns the number of finished handlers, or of parsed payloads if there are no handlers. */
  readonly handled: () => number;
  /** Returns the number of stored webhooks; absent if the contender stores nothing or deletes what was handled. */
  readonly stored?: () => Promise<number>;
  /** Returns when the handler of each run started, by run id, in milliseconds of the system's monotonic clock. */
  readonly startedAtMs?: () => Readonly<Record<string, number>>;
  /** Returns the CPU time of further processes of the contender. */
  readonly otherCpuMs?: () => number;
  readonly close: () => Promise<void>;
}

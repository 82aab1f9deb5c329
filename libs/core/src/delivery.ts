/** `dead`: given up; kept until it is redriven or purged. `dismissed`: somebody decided that nobody is to run it. */
export type DeliveryState = 'pending' | 'succeeded' | 'skipped' | 'dead' | 'dismissed';

/** Who decided that a delivery is not to be run, when and why. */
export interface DismissalRecord {
  readonly at: Date;
  readonly by: string;
  readonly reason: string;
}

export type AttemptOutcome = 'succeeded' | 'skipped' | 'failed';

/** What happened in one attempt. */
export interface AttemptRecord {
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly outcome: AttemptOutcome;
  readonly error?: AttemptError;
}

/** What is kept of a thrown value; bounded. */
export interface AttemptError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** A transaction of the inbox's own database, for what a handler writes there. */
export interface InboxTransaction {
  /** Runs one statement; `$1` and so on stand for `values`. Rejects with the driver's error. */
  query<Row = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: Row[]; readonly rowCount: number }>;
}

/** Outcome of a run, by its plan. */
export type Outcome = 'succeeded' | 'failed' | 'canceled';

/** Job of the account, and what filters must find in its runs. */
export interface WorldJob {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly environment: string;
  /** Whether the app's subscription has the job. The runs of others are none of its business. */
  readonly isSubscribed: boolean;
  /** Whether its only runs are a failure before the install and one after it. */
  readonly isSore: boolean;
}

/** A run as it happened, independently of the app and of the fake's API. */
export interface WorldRun {
  readonly id: string;
  readonly job: WorldJob;
  /** Kind of its trigger. */
  readonly trigger: string;
  readonly outcome: Outcome;
  /** When it ended by the provider's clock; absent while it has not. */
  endedAt?: Date;
}

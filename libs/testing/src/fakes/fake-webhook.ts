/** Attempt of a fake to send a webhook. */
export interface FakeWebhookAttempt {
  readonly at: Date;
  /** HTTP status of the response, or 0 without one. */
  readonly status: number;
}

/** Webhook of a fake. */
export interface FakeWebhook {
  /** Id of the message. It is the same in all attempts. */
  readonly id: string;
  /** Type of the message, for example `job.run.errored` or `bolt.run.completed`. */
  readonly type: string;
  readonly runId: string;
  /** `waiting` for its time or its next attempt; `failed` after the last attempt; `lost` if it was never sent. */
  readonly state: 'waiting' | 'delivered' | 'failed' | 'lost';
  readonly attempts: readonly FakeWebhookAttempt[];
}

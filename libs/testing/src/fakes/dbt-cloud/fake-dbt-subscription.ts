import type { FakeDbtJob } from './fake-dbt-job.js';

/** Message types of dbt Cloud. */
export type FakeDbtMessageType = 'job.run.started' | 'job.run.completed' | 'job.run.errored';

/** Options for a subscription. */
export interface FakeDbtSubscriptionOptions {
  /** URL of the source in the app, for example `http://127.0.0.1:3000/webhooks/dbt`. */
  readonly url: string;
  /** Secret that signs the webhooks. @default TEST_SECRETS.dbtCloud */
  readonly secret?: string;
  /** Jobs whose runs are announced; an empty array means all. @default [] */
  readonly jobs?: readonly Pick<FakeDbtJob, 'id'>[];
  /** @default all three */
  readonly types?: readonly FakeDbtMessageType[];
  /** @default 'Runhooks' */
  readonly name?: string;
}

/** Webhook subscription of a fake account. */
export interface FakeDbtSubscription {
  readonly id: string;
  readonly isActive: boolean;
  /** Switches the subscription off, as dbt Cloud does after many failures. What happens while it is off is never sent. */
  deactivate(reason?: string): void;
  /** Switches the subscription on again. */
  activate(): void;
  /** Removes the subscription. */
  delete(): void;
}

import type { StandardWebhooksFamily, StandardWebhooksSecret } from 'nestjs-runhooks/core';

/** Events of Paradime. They are not in the body of a webhook. */
export type FakeBoltMessageType = 'bolt.run.started' | 'bolt.run.completed';

/** Options for a subscription. */
export interface FakeBoltSubscriptionOptions {
  /** URL of the source in the app, for example `http://127.0.0.1:3000/webhooks/paradime`. */
  readonly url: string;
  /** Secret that signs the webhooks. @default TEST_SECRETS.paradime */
  readonly secret?: StandardWebhooksSecret;
  /** Family of header names. @default 'webhook' */
  readonly family?: StandardWebhooksFamily;
  /** @default both */
  readonly types?: readonly FakeBoltMessageType[];
}

/** Webhook subscription of a fake workspace. */
export interface FakeBoltSubscription {
  readonly isActive: boolean;
  /** Switches the subscription off. What happens while it is off is never sent. */
  deactivate(): void;
  /** Switches the subscription on again. */
  activate(): void;
}

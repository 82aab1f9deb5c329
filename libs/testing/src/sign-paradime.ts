import {
  signStandardWebhooks,
  TEST_SECRETS,
  type StandardWebhooksFamily,
  type StandardWebhooksSecret,
} from 'nestjs-runhooks/core';
import { randomKsuid } from './random-ids.js';
import { formsOf, type SignedWebhook } from './signed-webhook.js';

export interface ParadimeSignatureOptions {
  /** @default TEST_SECRETS.paradime */
  readonly secret?: StandardWebhooksSecret;
  /** Of the message: the same on every resend. @default a new one */
  readonly id?: string;
  /** When it is sent; this time is signed. @default now */
  readonly now?: Date;
  /** Whose header names are used: `webhook-id` or `svix-id`. @default 'webhook' */
  readonly family?: StandardWebhooksFamily;
}

/** Signs any bytes as Standard Webhooks do: a payload of your own, or something that is no payload at all. */
export function signParadime(body: string | Uint8Array, options: ParadimeSignatureOptions = {}): SignedWebhook {
  const { secret = TEST_SECRETS.paradime, id = randomKsuid('msg'), now = new Date(), family } = options;
  return {
    provider: 'paradime',
    ...formsOf(body),
    headers: {
      'content-type': 'application/json',
      ...signStandardWebhooks({ secret, id, timestamp: now, body, family }),
    },
  };
}

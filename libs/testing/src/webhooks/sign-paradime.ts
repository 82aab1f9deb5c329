import {
  signStandardWebhooks,
  TEST_SECRETS,
  type StandardWebhooksFamily,
  type StandardWebhooksSecret,
} from 'nestjs-runhooks/core';
import { randomKsuid } from './random-ids.js';
import { formsOf, type SignedWebhook } from './signed-webhook.js';

/** Options for the signature of Paradime. */
export interface ParadimeSignatureOptions {
  /** Secret that signs the webhook. @default TEST_SECRETS.paradime */
  readonly secret?: StandardWebhooksSecret;
  /** Id of the message. A provider sends the same id again on a retry. @default a new id */
  readonly id?: string;
  /** Time of sending, which is part of the signature. @default now */
  readonly now?: Date;
  /** Family of header names: `webhook` for `webhook-id`, `svix` for `svix-id`. @default 'webhook' */
  readonly family?: StandardWebhooksFamily;
}

/** Signs any bytes by Standard Webhooks, for example a payload of your own or invalid JSON. */
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

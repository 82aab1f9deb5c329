import { signHmacHex, TEST_SECRETS } from 'nestjs-runhooks/core';
import { formsOf, type SignedWebhook } from './signed-webhook.js';

/**
 * Signs any bytes as dbt Cloud does, for example a payload of your own or invalid JSON.
 *
 * ```ts
 * await sendWebhook(app, '/webhooks/dbt', signDbtCloud('not JSON'));
 * ```
 */
export function signDbtCloud(body: string | Uint8Array, secret: string = TEST_SECRETS.dbtCloud): SignedWebhook {
  return {
    provider: 'dbt-cloud',
    ...formsOf(body),
    headers: { 'content-type': 'application/json', authorization: signHmacHex(secret, body) },
  };
}

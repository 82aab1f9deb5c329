import { request, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import type { INestApplication } from '@nestjs/common';
import { ConfigurationError, kindOf } from 'nestjs-runhooks/core';
import { listenOnce } from './listen-once.js';
import type { SignedWebhook } from './signed-webhook.js';

/** Response of an app to a webhook. */
export interface WebhookResponse {
  /** HTTP status. */
  readonly status: number;
  /** Body of Runhooks. A body of other code in the app is unchanged if it is JSON, and is otherwise the `message`. */
  readonly body: { readonly status: string; readonly message: string; readonly id?: string };
  readonly headers: IncomingHttpHeaders;
}

/**
 * Sends a webhook to an app over HTTP, as its provider would. If the app does not listen yet, it starts to listen on a free
 * port of 127.0.0.1.
 *
 * ```ts
 * const { status } = await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ event: 'failed' }));
 * expect(status).toBe(200);
 * ```
 *
 * @throws ConfigurationError if `path` is not a path, or `webhook.body` has no bytes
 */
export async function sendWebhook(
  app: INestApplication,
  path: string,
  webhook: Pick<SignedWebhook, 'body' | 'headers'>,
): Promise<WebhookResponse> {
  requirePath(path);
  requireBody(webhook.body);
  const { statusCode = 0, headers, body } = await post({ ...(await listenOnce(app)), path }, webhook);
  return { status: statusCode, headers, body: parse(body) };
}

function requirePath(path: unknown): void {
  if (typeof path === 'string' && path.startsWith('/')) return;
  throw new ConfigurationError(
    'sendWebhook(app, path, webhook)',
    `path: expected the path of the source, for example "/webhooks/dbt", got ${JSON.stringify(path)}`,
  );
}

function requireBody(body: unknown): void {
  if (typeof body === 'string' || body instanceof Uint8Array) return;
  throw new ConfigurationError(
    'sendWebhook(app, path, webhook)',
    `webhook.body: expected the bytes that were signed, got ${kindOf(body)}. Pass payloads to a builder: dbtCloudWebhook({ payload })`,
  );
}

interface Received {
  readonly statusCode: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request over a new connection, so that none is open when the app closes. */
function post(
  to: { host: string; port: number; path: string },
  { body, headers }: Pick<SignedWebhook, 'body' | 'headers'>,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    request({ ...to, method: 'POST', agent: false, headers }, (response) => {
      text(response).then(
        (content) => resolve({ statusCode: response.statusCode, headers: response.headers, body: content }),
        reject,
      );
    })
      .on('error', reject)
      .end(body);
  });
}

function parse(body: string): WebhookResponse['body'] {
  try {
    return JSON.parse(body) as WebhookResponse['body'];
  } catch {
    return { status: '', message: body };
  }
}

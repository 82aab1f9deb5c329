import { request, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import type { INestApplication } from '@nestjs/common';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { listenOnce } from './listen-once.js';
import type { SignedWebhook } from './signed-webhook.js';

export interface WebhookAnswer {
  /** The HTTP status. */
  readonly status: number;
  /** As Runhooks answers. What something else in the app answered is here too; a text as `message`. */
  readonly body: { readonly status: string; readonly message: string; readonly id?: string };
  readonly headers: IncomingHttpHeaders;
}

/**
 * Sends a webhook to an app over HTTP, as its provider would. An app that does not listen yet starts to, on a free
 * port of 127.0.0.1.
 */
export async function sendWebhook(
  app: INestApplication,
  path: string,
  webhook: Pick<SignedWebhook, 'body' | 'headers'>,
): Promise<WebhookAnswer> {
  requirePath(path);
  requireBody(webhook.body);
  const { statusCode = 0, headers, body } = await post({ ...(await listenOnce(app)), path }, webhook);
  return { status: statusCode, headers, body: parse(body) };
}

function requirePath(path: unknown): void {
  if (typeof path === 'string' && path.startsWith('/')) return;
  throw new ConfigurationError(
    'sendWebhook(app, path, webhook)',
    `path: found ${JSON.stringify(path)}; expected the path of the source, for example "/webhooks/dbt"`,
  );
}

function requireBody(body: unknown): void {
  if (typeof body === 'string' || body instanceof Uint8Array) return;
  const found = body === null ? 'null' : typeof body;
  throw new ConfigurationError(
    'sendWebhook(app, path, webhook)',
    `webhook.body: found ${found}; expected the bytes that were signed. Payloads are given to dbtCloudWebhook({ payload }) and the like`,
  );
}

interface Received {
  readonly statusCode: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A connection of its own each time, so that none is left open when the app closes. */
function post(
  to: { host: string; port: number; path: string },
  { body, headers }: Pick<SignedWebhook, 'body' | 'headers'>,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    request({ ...to, method: 'POST', agent: false, headers }, (response) => {
      text(response).then(
        (answer) => resolve({ statusCode: response.statusCode, headers: response.headers, body: answer }),
        reject,
      );
    })
      .on('error', reject)
      .end(body);
  });
}

function parse(body: string): WebhookAnswer['body'] {
  try {
    return JSON.parse(body) as WebhookAnswer['body'];
  } catch {
    return { status: '', message: body };
  }
}

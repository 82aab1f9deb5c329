/**
 * Webhook as its provider would send it. Send it with {@link sendWebhook} or with any HTTP client:
 *
 * ```ts
 * await request(app.getHttpServer()).post('/webhooks/dbt').set(webhook.headers).send(webhook.text);
 * ```
 */
export interface SignedWebhook {
  /** Name of the provider, as in `event.provider`. */
  readonly provider: string;
  /** Bytes that were signed. Clients such as supertest encode a `Buffer` as JSON; pass `text` to them. */
  readonly body: Buffer;
  /** The body as a string, which clients send unchanged. It is only equal to `body` if the bytes are UTF-8. */
  readonly text: string;
  /** Headers with names in lower case. */
  readonly headers: Record<string, string>;
}

/** Returns a body in both forms. */
export function formsOf(body: string | Uint8Array): Pick<SignedWebhook, 'body' | 'text'> {
  const bytes = Buffer.from(body);
  return { body: bytes, text: bytes.toString('utf8') };
}

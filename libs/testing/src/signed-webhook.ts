/**
 * A webhook as its provider would send it. {@link sendWebhook} sends one; so does any HTTP client that is given the
 * headers and `text`, for example `request(server).post(path).set(webhook.headers).send(webhook.text)`.
 */
export interface SignedWebhook {
  /** Name of the provider, as in `event.provider`. */
  readonly provider: string;
  /** The bytes that were signed. Clients such as supertest encode a `Buffer` as JSON: give them `text`. */
  readonly body: Buffer;
  /** The same as a string, which clients send as it is. Other bytes if `body` is not UTF-8. */
  readonly text: string;
  /** Names in lower case. */
  readonly headers: Record<string, string>;
}

/** The body in both forms. */
export function formsOf(body: string | Uint8Array): Pick<SignedWebhook, 'body' | 'text'> {
  const bytes = Buffer.from(body);
  return { body: bytes, text: bytes.toString('utf8') };
}

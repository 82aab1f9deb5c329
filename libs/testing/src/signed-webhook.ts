/** A webhook as its provider would send it: {@link sendWebhook} sends one. */
export interface SignedWebhook {
  /** Name of the provider, as in `event.provider`. */
  readonly provider: string;
  /** The bytes that were signed. */
  readonly body: Buffer;
  /** Names in lower case. */
  readonly headers: Record<string, string>;
}

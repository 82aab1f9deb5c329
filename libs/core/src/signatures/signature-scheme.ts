import type { HeaderMap, ReceivedMessage } from '../sources/message.js';
import type { Verification } from '../sources/verification.js';

/** One way of proving who sent a message. Made at boot from checked options; holds its secrets where nothing prints them. */
export interface SignatureScheme {
  /** Name of the scheme, for boot logs: `unsigned` must be called out there. */
  readonly kind: string;
  /** Headers to store with the message, in lower case. Never one that could be used again to get in. */
  readonly headersKept: readonly string[];
  /** Checks the raw bytes. Synchronous, never throws, and does not look into the body. */
  verify(message: ReceivedMessage): Verification;
  /** The sender's id of a message that {@link verify} accepted, if the signature covers it; else empty. */
  signedId(headers: HeaderMap): string;
}

import type { HeaderMap, ReceivedMessage } from '../sources/message.js';
import type { Verification } from '../sources/verification.js';

/** A way to check who sent a message. It is created at startup from checked options, and does not expose its secrets. */
export interface SignatureScheme {
  /** Description for the startup log, for example `Standard Webhooks, 2 secrets`. It contains no secret. */
  readonly description: string;
  /** Whether everyone who knows the path can send messages. The startup log then warns. @default false */
  readonly isOpenToAnyone: boolean;
  /** Headers to store with a message, in lower case. None of them may allow a replay. */
  readonly headersKept: readonly string[];
  /** Checks the raw bytes. Never throws, and does not parse the body. */
  verify(message: ReceivedMessage): Verification;
  /** Returns the sender's id of a message that {@link verify} accepted, or `''` unless the signature covers an id. */
  signedId(headers: HeaderMap): string;
}

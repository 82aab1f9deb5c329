/** Request headers: names in lower case, a header sent twice joined by `, ` as Node does. */
export type HeaderMap = Readonly<Record<string, string>>;

/** One webhook as received: nothing about it is known to be true yet. */
export interface ReceivedMessage {
  /** Name of the source whose path was called. */
  readonly source: string;
  /** The bytes as sent; signatures are over these and nothing else. */
  readonly body: Uint8Array;
  readonly headers: HeaderMap;
  readonly receivedAt: Date;
}

declare const verified: unique symbol;

/**
 * A message whose signature was checked, either just now or before it was stored. Only {@link markVerified} and
 * {@link restoreMessage} make one, so nothing can identify or read a message that was not verified.
 */
export type VerifiedMessage = ReceivedMessage & { readonly [verified]: true };

/**
 * What became of a stored message. `stored` is waiting to be read; the others are settled but can be read again, except
 * `erased`: of such a message only the fact that it came is left.
 */
export type MessageState = 'stored' | 'parsed' | 'test' | 'unrecognized' | 'quarantined' | 'erased';

/** A message as a store keeps it. */
export interface StoredMessage extends ReceivedMessage {
  readonly id: string;
  readonly provider: string;
  /** The id the sender gave it, taken from signed data only; empty if there is none. */
  readonly messageKey: string;
  readonly state: MessageState;
}

/** A stored message was verified before it was appended: this is the store's side of the brand. */
export function restoreMessage(message: StoredMessage): StoredMessage & VerifiedMessage {
  return message as StoredMessage & VerifiedMessage;
}

/** For the receiver alone, right after a successful verification. */
export function markVerified(message: ReceivedMessage): VerifiedMessage {
  return message as VerifiedMessage;
}

/** Request headers. Names are in lower case. Node joins the values of repeated headers with `, `. */
export type HeaderMap = Readonly<Record<string, string>>;

/** A received webhook that is not verified. */
export interface ReceivedMessage {
  /** Name of the source that the path belongs to. */
  readonly source: string;
  /** Raw bytes, which signatures cover. */
  readonly body: Uint8Array;
  readonly headers: HeaderMap;
  readonly receivedAt: Date;
}

declare const verified: unique symbol;

/**
 * A message with a checked signature. Only `markVerified` and {@link restoreMessage} return this type, so a message
 * that was not verified cannot be identified or parsed.
 */
export type VerifiedMessage = ReceivedMessage & { readonly [verified]: true };

/**
 * State of a stored message. `stored` messages wait to be parsed. Messages in the other states can be reparsed, except
 * `erased`, whose content was deleted.
 */
export type MessageState = 'stored' | 'parsed' | 'test' | 'unrecognized' | 'quarantined' | 'erased';

/** Way in which a message came: as a webhook, or from the API of the provider, where a sweep found it. */
export type MessageOrigin = 'webhook' | 'api';

/** A message in the store. */
export interface StoredMessage extends ReceivedMessage {
  readonly id: string;
  readonly provider: string;
  /** The sender's id, from signed data only; `''` if there is none. */
  readonly messageKey: string;
  readonly state: MessageState;
  /** Parsing depends on it, never on the content. @default 'webhook' */
  readonly origin?: MessageOrigin;
  /** Whether its run ended before the source was registered: it is recorded, and no handler receives it. @default false */
  readonly history?: boolean;
}

/** Returns a stored message as verified, because only verified messages are stored. */
export function restoreMessage(message: StoredMessage): StoredMessage & VerifiedMessage {
  return message as StoredMessage & VerifiedMessage;
}

/** Returns a message as verified. Only the receiver may call it, after a successful verification. */
export function markVerified(message: ReceivedMessage): VerifiedMessage {
  return message as VerifiedMessage;
}

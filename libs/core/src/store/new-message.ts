import type { HeaderMap, MessageOrigin } from '../sources/message.js';
import type { OwnClaim } from './claim.js';

/** Verified message to store. */
export interface NewMessage {
  readonly id: string;
  readonly source: string;
  readonly provider: string;
  /** The sender's id, from signed data; may be empty. */
  readonly messageKey: string;
  /** SHA-256 digest of the body; of `messageKey` if `origin` is `api`, because a run object changes at every call. */
  readonly digest: Uint8Array;
  /** Headers that the provider keeps. */
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly receivedAt: Date;
  /** Claim with which the message is stored, only for stores with `Store.release`. @default none */
  readonly claim?: OwnClaim;
  /** `api` only for messages that `RoundStore.appendReported` stores. @default 'webhook' */
  readonly origin?: MessageOrigin;
  /** Whether the run of an `api` message ended before the source was registered. @default false */
  readonly history?: boolean;
}

/** Result of `Store.append`. */
export interface Appended {
  readonly status: 'accepted' | 'duplicate';
  /** Id of the stored message; for a duplicate, of the message that was stored first. */
  readonly id: string;
}

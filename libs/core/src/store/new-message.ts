import type { HeaderMap } from '../sources/message.js';
import type { OwnClaim } from './claim.js';

/** Verified message to store. */
export interface NewMessage {
  readonly id: string;
  readonly source: string;
  readonly provider: string;
  /** The sender's id, from signed data; may be empty. */
  readonly messageKey: string;
  /** SHA-256 digest of the body. */
  readonly digest: Uint8Array;
  /** Headers that the provider keeps. */
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly receivedAt: Date;
  /** Claim with which the message is stored, only for stores with `Store.release`. @default none */
  readonly claim?: OwnClaim;
}

/** Message that a round has found. Its digest is that of `messageKey`, because a run object changes at every call. */
export interface ReportedMessage extends Omit<NewMessage, 'claim'> {
  /** Whether its run ended before the source was registered. */
  readonly history: boolean;
}

/** Result of `Store.append`. */
export interface Appended {
  readonly status: 'accepted' | 'duplicate';
  /** Id of the stored message; for a duplicate, of the message that was stored first. */
  readonly id: string;
}

import type { RunSignal } from '../runs/run-signal.js';
import type { HeaderMap, ReceivedMessage, VerifiedMessage } from './message.js';
import type { ParseNote } from '../payloads/parse-note.js';
import type { Verification } from './verification.js';

interface Noted {
  /** What did not fit and was left out of the payload: kept with the message and shown by `Inbox`. */
  readonly notes?: readonly ParseNote[];
}

/** The outcome of reading one message. */
export type ParseResult =
  | (Noted & {
      readonly state: 'parsed';
      /** The provider's own message type. */
      readonly messageType: string;
      readonly payload: object;
      readonly signal: RunSignal;
    })
  | (Noted & {
      /** The sender's test button, or a shape that means one: runs no handler. */
      readonly state: 'test';
      readonly reason: string;
    })
  | (Noted & {
      /** A well-formed message of a type this version does not know. `@OnMessage` handlers get it. */
      readonly state: 'unrecognized';
      readonly reason: string;
      readonly messageType: string;
      readonly payload: object;
    })
  | {
      /** Verified, but not of the documented shape. */
      readonly state: 'quarantined';
      readonly reason: string;
    };

/**
 * Port: one configured provider. The receiver calls {@link verify} and {@link identify} before the answer, so both
 * must be quick and must not write anywhere; the dispatcher calls {@link read} later, as often as it needs.
 */
export interface Provider {
  /** Name of the provider, as in `event.provider`. */
  readonly name: string;
  /**
   * How messages are signed, for the boot log: a few words that name no secret, for example `Standard Webhooks,
   * 2 secrets` or `HMAC-SHA256 in authorization, 1 secret`.
   */
  readonly signature: string;
  /** True if whoever knows the path may send: the boot log warns. @default false */
  readonly isOpenToAnyone?: boolean;
  /** Headers kept with a stored message, in lower case. Never one that carries a secret. */
  readonly headersKept: readonly string[];
  /** Types of messages that {@link read} knows. At boot, a warning names `@OnMessage` handlers of any other type. */
  readonly messageTypes?: readonly string[];
  /** Checks the signature over the raw bytes. Must not look into the body before that. */
  verify(message: ReceivedMessage): Verification | Promise<Verification>;
  /** The sender's id of the message, from signed data only; empty if there is none. Must not throw. */
  identify(message: VerifiedMessage): string;
  /** Turns a message into what it says. Bad content is a `quarantined` reading, not an exception. */
  parse(message: VerifiedMessage): ParseResult;
  /** For a request without a usable signature: what its headers look like, to help the operator. */
  hint?(headers: HeaderMap): string | undefined;
}

import type { RunSignal } from '../runs/run-signal.js';
import type { HeaderMap, ReceivedMessage, VerifiedMessage } from './message.js';
import type { ParseNote } from '../payloads/parse-note.js';
import type { Verification } from './verification.js';

interface Noted {
  /** Invalid fields that were left out of the payload. They are stored with the message, and `Inbox` lists them. */
  readonly notes?: readonly ParseNote[];
}

/** Result of parsing a message. */
export type ParseResult =
  | (Noted & {
      readonly state: 'parsed';
      /** Message type of the provider. */
      readonly messageType: string;
      readonly payload: object;
      readonly signal: RunSignal;
    })
  | (Noted & {
      /** A test message of the sender. It runs no handlers. */
      readonly state: 'test';
      readonly reason: string;
    })
  | (Noted & {
      /** A well-formed message of a type that this version does not know. It runs `@OnMessage` handlers. */
      readonly state: 'unrecognized';
      readonly reason: string;
      readonly messageType: string;
      readonly payload: object;
    })
  | {
      /** A verified message whose content is invalid. */
      readonly state: 'quarantined';
      readonly reason: string;
    };

/**
 * Port: a configured provider. The receiver calls {@link verify} and {@link identify} before it responds, so both must be
 * fast and write nothing. Workers call {@link parse} later, as often as they need.
 */
export interface Provider {
  /** Name of the provider, as in `event.provider`. */
  readonly name: string;
  /**
   * Signature scheme for the startup log, without secrets: for example `Standard Webhooks, 2 secrets` or
   * `HMAC-SHA256 in authorization, 1 secret`.
   */
  readonly signature: string;
  /** Whether everyone who knows the path can send messages: `isOpenToAnyone` of the scheme. The startup log then warns. */
  readonly isOpenToAnyone: boolean;
  /** Headers to store with a message, in lower case. None of them may contain a secret. */
  readonly headersKept: readonly string[];
  /** Message types that {@link parse} returns. Startup warns about `@OnMessage` handlers for other types. */
  readonly messageTypes?: readonly string[];
  /** Checks the signature of the raw bytes. It must not parse the body first. */
  verify(message: ReceivedMessage): Verification | Promise<Verification>;
  /** Returns the sender's id of the message, from signed data only, or `''` if there is none. It must not throw. */
  identify(message: VerifiedMessage): string;
  /** Parses a message. For invalid content it returns a `quarantined` result and does not throw. */
  parse(message: VerifiedMessage): ParseResult;
  /**
   * Parses a message that a round of `ProviderApi` has reported, with the same result as for a webhook about the same run.
   * All workers claim such messages, also those without access to the API. It must not throw.
   * @default such messages are quarantined. A source with rounds needs it
   */
  parseReported?(message: VerifiedMessage): ParseResult;
  /** Returns a hint for the operator about the headers of a request without a valid signature. */
  hint?(headers: HeaderMap): string | undefined;
}

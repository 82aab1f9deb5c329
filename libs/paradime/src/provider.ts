import {
  parseJson,
  type Provider,
  type ParseResult,
  type ReceivedMessage,
  type SignatureScheme,
  type Verification,
  type VerifiedMessage,
} from 'nestjs-runhooks/core';
import { PARADIME_MESSAGE_TYPES } from './message-type.js';
import { parseRun } from './parse-run.js';
import { parseEnvelope } from './sweep/envelope.js';

/** Provider for the two messages of Paradime's Bolt scheduler. It never opens a URL or runs a query of a message. */
export class ParadimeProvider implements Provider {
  readonly name = 'paradime';
  readonly messageTypes = PARADIME_MESSAGE_TYPES;
  readonly signature: string;
  readonly isOpenToAnyone: boolean;
  readonly headersKept: readonly string[];
  readonly #scheme: SignatureScheme;
  readonly #appOrigin: string | undefined;

  /** @param appOrigin origin of the pages of runs, if it follows from the address of the API */
  constructor(scheme: SignatureScheme, appOrigin?: string) {
    this.#scheme = scheme;
    this.#appOrigin = appOrigin;
    this.signature = scheme.description;
    this.isOpenToAnyone = scheme.isOpenToAnyone;
    this.headersKept = scheme.headersKept;
  }

  verify(message: ReceivedMessage): Verification {
    return this.#scheme.verify(message);
  }

  identify({ headers }: VerifiedMessage): string {
    return this.#scheme.signedId(headers);
  }

  parse({ body, receivedAt }: VerifiedMessage): ParseResult {
    const json = parseJson(body);
    return json.ok ? parseRun(json.value, receivedAt) : { state: 'quarantined', reason: json.reason };
  }

  parseReported(message: VerifiedMessage): ParseResult {
    return parseEnvelope(message, this.#appOrigin);
  }
}

import {
  describeNote,
  parseJson,
  validatePayload,
  type Provider,
  type ParseResult,
  type ReceivedMessage,
  type SignatureScheme,
  type Verification,
  type VerifiedMessage,
} from 'nestjs-runhooks/core';
import { messageKindOf } from './message-kind.js';
import { PARADIME_MESSAGE_TYPES } from './message-type.js';
import { ParadimePayload } from './payload.js';
import { completedSignal, startedSignal } from './signal.js';

/** Provider for the two messages of Paradime's Bolt scheduler. It never opens a URL or runs a query of a message. */
export class ParadimeProvider implements Provider {
  readonly name = 'paradime';
  readonly messageTypes = PARADIME_MESSAGE_TYPES;
  readonly signature: string;
  readonly isOpenToAnyone: boolean;
  readonly headersKept: readonly string[];
  readonly #scheme: SignatureScheme;

  constructor(scheme: SignatureScheme) {
    this.#scheme = scheme;
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
    if (!json.ok) return { state: 'quarantined', reason: json.reason };
    const validated = validatePayload(ParadimePayload, json.value);
    if (!validated.ok) return { state: 'quarantined', reason: validated.reason };
    const { payload, notes } = validated;
    const found = messageKindOf(payload, json.value as Readonly<Record<string, unknown>>);
    const oddStatus = notes.find(({ path }) => path === 'status');
    switch (found.kind) {
      case 'started':
        return {
          state: 'parsed',
          messageType: 'bolt.run.started',
          payload,
          notes,
          signal: startedSignal(payload, receivedAt),
        };
      case 'completed':
        // The status decides the outcome of completed runs only.
        if (oddStatus) return { state: 'quarantined', reason: describeNote(oddStatus) };
        return {
          state: 'parsed',
          messageType: 'bolt.run.completed',
          payload,
          notes,
          signal: completedSignal(payload, receivedAt),
        };
      case 'unclear':
        return { state: 'unrecognized', reason: found.reason, messageType: 'unknown', payload, notes };
    }
  }
}

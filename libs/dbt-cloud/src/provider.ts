import {
  parseJson,
  parseTimestamp,
  readId,
  validatePayload,
  type HeaderMap,
  type Provider,
  type ParseResult,
  type ReceivedMessage,
  type SignatureScheme,
  type Verification,
  type VerifiedMessage,
} from 'nestjs-runhooks/core';
import { filled } from './blank.js';
import { messageKindOf } from './message-kind.js';
import { toCurrentShape } from './generations.js';
import { hintOf } from './header-hint.js';
import { DBT_CLOUD_MESSAGE_TYPES } from './message-type.js';
import { DbtCloudPayload } from './payload.js';
import { signalOf } from './signal.js';
import { parseEnvelope } from './sweep/envelope.js';

/** Checked options of a source. */
export interface DbtCloudSettings {
  readonly scheme: SignatureScheme;
  readonly signatureHeader: string;
  readonly accessUrl: string | undefined;
  readonly testRunIds: ReadonlySet<string>;
  /** Milliseconds; `undefined` for no limit. */
  readonly maxAgeMs: number | undefined;
}

/** Fields that are read before a message is stored. */
interface Envelope {
  readonly eventId?: unknown;
  readonly event_id?: unknown;
  readonly timestamp?: unknown;
}

/** Provider for dbt's account-level webhooks. */
export class DbtCloudProvider implements Provider {
  readonly name = 'dbt-cloud';
  readonly messageTypes = DBT_CLOUD_MESSAGE_TYPES;
  readonly signature: string;
  readonly isOpenToAnyone: boolean;
  readonly headersKept: readonly string[];
  readonly #settings: DbtCloudSettings;

  constructor(settings: DbtCloudSettings) {
    this.signature = settings.scheme.description;
    this.isOpenToAnyone = settings.scheme.isOpenToAnyone;
    this.headersKept = settings.scheme.headersKept;
    this.#settings = settings;
  }

  /** Accepts a message without a valid `timestamp`, because its age is unknown. */
  verify(message: ReceivedMessage): Verification {
    const { scheme, maxAgeMs } = this.#settings;
    const verification = scheme.verify(message);
    if (!verification.ok || maxAgeMs === undefined) return verification;
    const { timestamp } = envelopeOf(message.body);
    const sentAt = typeof timestamp === 'string' ? parseTimestamp(timestamp) : undefined;
    if (!sentAt || message.receivedAt.getTime() - sentAt.getTime() <= maxAgeMs) return verification;
    const reason = `The timestamp in the body is older than this source's maxAgeMs of ${maxAgeMs} ms.`;
    return { ok: false, check: 'timestamp-too-old', reason };
  }

  /** Returns `eventId`, because the signature covers only the body. */
  identify({ body }: VerifiedMessage): string {
    const { eventId, event_id } = envelopeOf(body);
    return filled(readId(eventId ?? event_id)) ?? '';
  }

  parse({ body, receivedAt }: VerifiedMessage): ParseResult {
    const { accessUrl, testRunIds } = this.#settings;
    const json = parseJson(body);
    if (!json.ok) return { state: 'quarantined', reason: json.reason };
    const { value, draft } = toCurrentShape(json.value);
    const checked = validatePayload(DbtCloudPayload, value);
    if (!checked.ok) return { state: 'quarantined', reason: checked.reason };
    const { payload, notes } = checked;
    const found = messageKindOf(payload, notes, draft, testRunIds);
    switch (found.kind) {
      case 'run': {
        const { messageType } = found;
        return {
          state: 'parsed',
          messageType,
          payload,
          notes,
          signal: signalOf(messageType, payload, { receivedAt, accessUrl }),
        };
      }
      case 'unrecognized':
        return { state: 'unrecognized', reason: found.reason, messageType: payload.eventType, payload, notes };
      case 'test':
        return { state: 'test', reason: found.reason, notes };
      case 'quarantined':
        return { state: 'quarantined', reason: found.reason };
    }
  }

  parseReported(message: VerifiedMessage): ParseResult {
    return parseEnvelope(message, this.#settings);
  }

  hint(headers: HeaderMap): string | undefined {
    return hintOf(headers, this.#settings.signatureHeader);
  }
}

/** One for all bodies, because a decoder costs more than its use. */
const UTF8 = new TextDecoder();

/** Returns no fields for a body that is not JSON; `parse` quarantines it later. */
function envelopeOf(body: Uint8Array): Envelope {
  try {
    return (JSON.parse(UTF8.decode(body)) ?? {}) as Envelope;
  } catch {
    return {};
  }
}

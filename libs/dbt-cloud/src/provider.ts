import {
  parseJson,
  readId,
  validatePayload,
  type HeaderMap,
  type Provider,
  type Reading,
  type ReceivedMessage,
  type SignatureScheme,
  type Verification,
  type VerifiedMessage,
} from 'nestjs-runhooks/core';
import { toCurrentShape } from './generations.js';
import { hintOf } from './hint.js';
import { told } from './nothing.js';
import { DbtCloudPayload } from './payload.js';
import { shapeOf } from './shape.js';
import { signalOf } from './signal.js';

/** A source's options after boot. */
export interface DbtCloudSettings {
  readonly scheme: SignatureScheme;
  /** In words, for the boot log. */
  readonly signature: string;
  readonly signatureHeader: string;
  readonly accessUrl: string | undefined;
  readonly testRunIds: ReadonlySet<string>;
}

/** Reads the messages of dbt's account-level webhooks. */
export class DbtCloudProvider implements Provider {
  readonly name = 'dbt-cloud';
  readonly signature: string;
  readonly headersKept: readonly string[];
  readonly #settings: DbtCloudSettings;

  constructor(settings: DbtCloudSettings) {
    this.signature = settings.signature;
    this.headersKept = settings.scheme.headersKept;
    this.#settings = settings;
  }

  verify(message: ReceivedMessage): Verification {
    return this.#settings.scheme.verify(message);
  }

  /** `eventId`: the signature covers the body and nothing else. */
  identify({ body }: VerifiedMessage): string {
    try {
      const value = JSON.parse(new TextDecoder().decode(body)) as { eventId?: unknown; event_id?: unknown } | null;
      return told(readId(value?.eventId ?? value?.event_id)) ?? '';
    } catch {
      return '';
    }
  }

  read({ body, receivedAt }: VerifiedMessage): Reading {
    const { accessUrl, testRunIds } = this.#settings;
    const json = parseJson(body);
    if (!json.ok) return { state: 'quarantined', reason: json.reason };
    const { value, draft } = toCurrentShape(json.value);
    const checked = validatePayload(DbtCloudPayload, value);
    if (!checked.ok) return { state: 'quarantined', reason: checked.reason };
    const { payload } = checked;
    const shape = shapeOf(payload, draft, testRunIds);
    switch (shape.kind) {
      case 'run': {
        const { messageType } = shape;
        return {
          state: 'read',
          messageType,
          payload,
          signal: signalOf(messageType, payload, { receivedAt, accessUrl }),
        };
      }
      case 'unknown':
        return { state: 'unknown', reason: shape.reason, messageType: payload.eventType, payload };
      case 'test':
      case 'quarantined':
        return { state: shape.kind, reason: shape.reason };
    }
  }

  hint(headers: HeaderMap): string | undefined {
    return hintOf(headers, this.#settings.signatureHeader);
  }
}

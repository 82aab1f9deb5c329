import { createHash } from 'node:crypto';
import type { Clock } from '../time/clock.js';
import type { IdSequence } from '../ids.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { markVerified, type HeaderMap, type ReceivedMessage } from '../sources/message.js';
import type { Refusals } from './refusals.js';
import { describeRequest, SenderLog } from './sender-log.js';
import type { OpenSource } from '../sources/source.js';
import type { Store } from '../store/store.js';
import type { SignatureCheck } from '../sources/verification.js';

/** Result of receiving a request; the HTTP response follows from it. */
export type Receipt =
  | { readonly status: 'accepted' | 'duplicate'; readonly id: string }
  | { readonly status: 'refused'; readonly check: SignatureCheck; readonly reason: string };

export interface ReceiverOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: IdSequence;
  readonly logger: Logger;
  readonly refusals: Refusals;
  /** Called after a message was stored, so that it is parsed at once. */
  readonly onAccepted: () => void;
}

/** The only way in: verify, identify, append. It responds after the message is stored, and does nothing else. */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #log: SenderLog;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#log = new SenderLog(options.logger);
  }

  /**
   * Stores a request whose signature is valid. `onVerified` is called before the message is stored.
   *
   * @throws StoreUnavailableError if it is unknown whether the message was stored
   */
  async receive(source: OpenSource, body: Uint8Array, headers: HeaderMap, onVerified?: () => void): Promise<Receipt> {
    const { store, clock, ids, refusals, onAccepted } = this.#options;
    const receivedAt = clock.now();
    const received: ReceivedMessage = { source: source.name, body, headers, receivedAt };
    const verification = await source.provider.verify(received);
    if (!verification.ok) {
      const { check } = verification;
      const hint = source.provider.hint?.(headers);
      refusals.failed(source.name, check, () => describeRequest(headers, hint));
      return { status: 'refused', check, reason: hint ? `${verification.reason} ${hint}` : verification.reason };
    }
    onVerified?.();
    refusals.verified(source.name);
    this.#log.verified(source.name, verification.secretIndex);
    const kept = pick(headers, source.provider.headersKept);
    const messageKey = source.provider.identify(markVerified({ ...received, headers: kept }));
    const appended = await store.append({
      id: ids.next('msg', receivedAt),
      source: source.name,
      provider: source.provider.name,
      messageKey: messageKey.slice(0, LIMITS.messageIdCharsMax),
      digest: createHash('sha256').update(body).digest(),
      headers: kept,
      body,
      receivedAt,
    });
    this.#log.appended(source.name, appended);
    if (appended.status === 'accepted') onAccepted();
    return appended;
  }
}

function pick(headers: HeaderMap, names: readonly string[]): HeaderMap {
  const kept: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

import { Buffer } from 'node:buffer';
import type { Clock } from '../time/clock.js';
import { isStoreUnavailableError } from '../errors.js';
import type { IdSequence } from '../ids.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { sha256 } from './sha-256.js';
import { markVerified, type HeaderMap, type ReceivedMessage } from '../sources/message.js';
import type { OwnMessages } from './own-messages.js';
import type { Refusals } from './refusals.js';
import { describeRequest, SenderLog } from './sender-log.js';
import type { OpenSource } from '../sources/source.js';
import type { OwnClaim } from '../store/claim.js';
import type { Appended, NewMessage } from '../store/new-message.js';
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
  /** Stores messages as already claimed. @default messages are stored unclaimed */
  readonly own?: OwnMessages;
  /** Called after a message was stored, so that it is parsed at once. `isOwn`: it is in `own`, already claimed. */
  readonly onAccepted: (isOwn: boolean) => void;
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
    const { clock, ids, refusals, own } = this.#options;
    const receivedAt = clock.now();
    const received: ReceivedMessage = { source: source.name, body, headers, receivedAt };
    const verified = source.provider.verify(received);
    // Awaiting a result that is already there would cost a turn of the microtasks for each request.
    const verification = 'ok' in verified ? verified : await verified;
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
    const messageKey = source.provider.identify(markVerified({ source: source.name, body, headers: kept, receivedAt }));
    const message: NewMessage = {
      id: ids.next('msg', receivedAt),
      source: source.name,
      provider: source.provider.name,
      messageKey: messageKey.slice(0, LIMITS.messageIdCharsMax),
      digest: sha256(body),
      headers: kept,
      body,
      receivedAt,
    };
    // What a claim reserves is given back by the next step only, so nothing may fail in between.
    const claim = own?.claimFor(body, receivedAt);
    // The app may change the bytes of its request while they are stored; what is kept must be what is stored.
    const appended = await this.#append(claim ? { ...message, claim, body: Buffer.from(body) } : message, claim);
    this.#log.appended(source.name, appended);
    return appended;
  }

  async #append(message: NewMessage, claim: OwnClaim | undefined): Promise<Appended> {
    const { store, own, onAccepted } = this.#options;
    let isOwn = false;
    if (!claim) own?.beginUnclaimed();
    try {
      const appended = await store.append(message);
      if (appended.status === 'accepted') {
        isOwn = claim !== undefined;
        if (claim) own?.keep(message, claim);
        onAccepted(isOwn);
      }
      return appended;
    } catch (error) {
      if (claim && isStoreUnavailableError(error)) own?.lose(message.id, claim);
      throw error;
    } finally {
      if (!claim) own?.endUnclaimed();
      else if (!isOwn) own?.forget(message.body);
    }
  }

  /** Logs the count of messages whose lines were not logged. Call it after the last request. */
  stop(): void {
    this.#log.stop();
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

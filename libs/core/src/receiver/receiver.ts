import { createHash } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { IdSequence } from '../ids.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../logger.js';
import { markVerified, type HeaderMap, type ReceivedMessage } from '../sources/message.js';
import type { Refusals } from './refusals.js';
import type { OpenSource } from '../sources/source.js';
import type { Store } from '../store/store.js';
import type { SignatureCheck } from '../sources/verification.js';

/** What the sender is told. */
export type Receipt =
  | { readonly status: 'accepted' | 'duplicate'; readonly id: string }
  | { readonly status: 'refused'; readonly check: SignatureCheck; readonly reason: string };

export interface ReceiverOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: IdSequence;
  readonly logger: Logger;
  readonly refusals: Refusals;
  /** Called after a message was stored, so that it is read at once. */
  readonly onAccepted: () => void;
}

/** The only way in: verify, identify, append. Nothing is answered before it is stored, and nothing else happens here. */
export class Receiver {
  readonly #options: ReceiverOptions;
  /** By source: which of its secrets matched a message. */
  readonly #secretsUsed = new Map<string, Set<number>>();

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /**
   * Rejects with `StoreUnavailableError` if it is unknown whether the message was stored. `onVerified` is called once
   * the signature was found to be right, before the message is stored.
   */
  async receive(source: OpenSource, body: Uint8Array, headers: HeaderMap, onVerified?: () => void): Promise<Receipt> {
    const { store, clock, ids, logger, refusals, onAccepted } = this.#options;
    const receivedAt = clock.now();
    const received: ReceivedMessage = { source: source.name, body, headers, receivedAt };
    const verification = await source.provider.verify(received);
    if (!verification.ok) {
      const { check } = verification;
      const hint = source.provider.hint?.(headers);
      refusals.failed(source.name, check, () => describe(headers, hint));
      return { status: 'refused', check, reason: hint ? `${verification.reason} ${hint}` : verification.reason };
    }
    onVerified?.();
    refusals.verified(source.name);
    this.#logSecret(source, verification.secretIndex);
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
    const fields = { source: source.name, messageId: appended.id };
    const subject = `Message ${appended.id} from source "${source.name}"`;
    if (appended.status === 'accepted') {
      onAccepted();
      logger.log(`${subject} was accepted`, fields);
    } else {
      logger.debug(`${subject} is a duplicate; ignored`, fields);
    }
    return appended;
  }

  /**
   * Once per secret: whoever replaces one sees when the new one is in use, and after a restart whether the old one still
   * is. That the first one matches is nothing to tell, unless another one did before.
   */
  #logSecret({ name }: OpenSource, secretIndex: number | undefined): void {
    if (secretIndex === undefined) return;
    const used = this.#secretsUsed.get(name) ?? new Set();
    if (used.has(secretIndex)) return;
    this.#secretsUsed.set(name, used.add(secretIndex));
    if (secretIndex === 0 && used.size === 1) return;
    this.#options.logger.log(
      `Source "${name}": secrets[${secretIndex}] verified a message for the first time since startup`,
      { source: name },
    );
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

/** What the log says of a refused request, for the operator: names of its headers, never their values. */
function describe(headers: HeaderMap, hint: string | undefined): string {
  const names = Object.keys(headers).slice(0, LIMITS.headerNamesLoggedMax).join(', ');
  return `Headers: ${names}. They look like ${schemeOf(headers)}${hint ? `. ${hint.replace(/\.$/, '')}` : ''}`;
}

/** The signature scheme that the names of the headers suggest. */
function schemeOf(headers: HeaderMap): string {
  if ('svix-signature' in headers || 'webhook-signature' in headers) return 'Standard Webhooks (Svix)';
  if ('authorization' in headers) return 'a signature or token in authorization';
  return 'no signature scheme that Runhooks knows';
}

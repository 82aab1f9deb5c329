import { LIMITS } from '../limits.js';
import { CountedLines } from '../log/counted-lines.js';
import type { Logger } from '../log/logger.js';
import type { HeaderMap } from '../sources/message.js';
import type { Appended } from '../store/new-message.js';

/** Logs what senders send. */
export class SenderLog {
  readonly #logger: Logger;
  readonly #accepted: CountedLines;
  /** Indexes of the secrets that have verified a message, by source. */
  readonly #secretsUsed = new Map<string, Set<number>>();

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#accepted = new CountedLines(logger, 'accepted');
  }

  /** Logs a message that was stored now or before. */
  appended(source: string, { status, id }: Appended): void {
    const isAccepted = status === 'accepted';
    if (isAccepted && !this.#accepted.isLogged(source)) return;
    const fields = { source, messageId: id };
    const subject = `Message ${id} from source "${source}"`;
    if (isAccepted) this.#logger.log(`${subject} was accepted`, fields);
    else this.#logger.debug(`${subject} is a duplicate; ignored`, fields);
  }

  /** Logs the count of messages whose lines were not logged. */
  stop(): void {
    this.#accepted.flush();
  }

  /**
   * Logs the first use of each secret, so that an operator who replaces one sees when the new one is in use and, after a
   * restart, whether the old one still is. The first secret is logged only if another one was used before.
   */
  verified(source: string, secretIndex: number | undefined): void {
    if (secretIndex === undefined) return;
    const used = this.#secretsUsed.get(source) ?? new Set();
    if (used.has(secretIndex)) return;
    this.#secretsUsed.set(source, used.add(secretIndex));
    if (secretIndex === 0 && used.size === 1) return;
    this.#logger.log(
      `Source "${source}": secrets[${secretIndex}] verified a message for the first time since startup`,
      {
        source,
      },
    );
  }
}

/** Describes a rejected request for the operator: the names of its headers, never their values. */
export function describeRequest(headers: HeaderMap, hint: string | undefined): string {
  const names = Object.keys(headers).slice(0, LIMITS.headerNamesLoggedMax).join(', ');
  return `Headers: ${names}. They look like ${schemeOf(headers)}${hint ? `. ${hint.replace(/\.$/, '')}` : ''}`;
}

/** Returns the signature scheme that the names of the headers suggest. */
function schemeOf(headers: HeaderMap): string {
  if ('svix-signature' in headers || 'webhook-signature' in headers) return 'Standard Webhooks (Svix)';
  if ('authorization' in headers) return 'a signature or token in authorization';
  return 'no signature scheme that Runhooks knows';
}

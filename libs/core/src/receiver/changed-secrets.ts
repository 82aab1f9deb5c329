import { durationText } from '../time/duration-text.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';

/** Mismatches of a source since a signature last matched in this process. */
interface Mismatches {
  requests: number;
  sinceMs: number;
  isReported: boolean;
}

/**
 * Detects that a sender's secret was probably changed: a source that used to accept messages gets only requests whose
 * signatures do not match. Logged once until a signature matches again, so that strangers cannot fill the log.
 */
export class ChangedSecrets {
  readonly #logger: Logger;
  readonly #bySource = new Map<string, Mismatches>();
  /** Sources with a signature that matched, here or in another process. */
  readonly #proven = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  mismatched(source: string, nowMs: number): void {
    const mismatches = this.#bySource.get(source);
    if (mismatches) mismatches.requests += 1;
    else this.#bySource.set(source, { requests: 1, sinceMs: nowMs, isReported: false });
  }

  matched(source: string): void {
    this.#proven.add(source);
    const mismatches = this.#bySource.get(source);
    if (!mismatches) return;
    this.#bySource.delete(source);
    if (!mismatches.isReported) return;
    this.#logger.log(
      `Source "${source}" accepts webhooks again after ${mismatches.requests} requests with a wrong signature`,
      { source },
    );
  }

  /** Notes sources that have messages in the inbox. */
  stored(sources: readonly string[]): void {
    for (const source of sources) this.#proven.add(source);
  }

  look(nowMs: number): void {
    for (const [source, mismatches] of this.#bySource) {
      const forMs = nowMs - mismatches.sinceMs;
      const isLasting = mismatches.requests >= LIMITS.secretChangedMin && forMs >= LIMITS.secretChangedMs;
      if (mismatches.isReported || !isLasting || !this.#proven.has(source)) continue;
      mismatches.isReported = true;
      this.#logger.error(
        `Source "${source}" has stopped accepting webhooks: none of ${mismatches.requests} requests in ` +
          `${durationText(forMs)} had a matching signature, but earlier ones did. The sender's secret has probably changed. ` +
          'Add the new secret to "secrets" of this source (a static token to "tokens"), and keep the old one until the ' +
          'sender uses only the new one',
        { source, code: 'RUNHOOKS_SECRET_CHANGED' },
      );
    }
  }
}

import { durationText } from '../duration-text.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../logger.js';

/** What is known of a source since a signature last matched here. */
interface Mismatches {
  requests: number;
  sinceMs: number;
  isReported: boolean;
}

/**
 * Suspects that a sender's secret was changed: signatures of a source that used to be fine do not match, and none does.
 * That is logged once, until one matches again, so that strangers who send junk cannot fill the log with it.
 */
export class ChangedSecrets {
  readonly #logger: Logger;
  readonly #bySource = new Map<string, Mismatches>();
  /** Sources of which a signature has matched, here or in another process. */
  readonly #fine = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  mismatched(source: string, nowMs: number): void {
    const mismatches = this.#bySource.get(source);
    if (mismatches) mismatches.requests += 1;
    else this.#bySource.set(source, { requests: 1, sinceMs: nowMs, isReported: false });
  }

  matched(source: string): void {
    this.#fine.add(source);
    const mismatches = this.#bySource.get(source);
    if (!mismatches) return;
    this.#bySource.delete(source);
    if (!mismatches.isReported) return;
    this.#logger.log(
      `Source "${source}" accepts webhooks again after ${mismatches.requests} requests with a wrong signature`,
      { source },
    );
  }

  /** The inbox has messages of these sources. */
  stored(sources: readonly string[]): void {
    for (const source of sources) this.#fine.add(source);
  }

  look(nowMs: number): void {
    for (const [source, mismatches] of this.#bySource) {
      const forMs = nowMs - mismatches.sinceMs;
      const isLasting = mismatches.requests >= LIMITS.secretChangedMin && forMs >= LIMITS.secretChangedMs;
      if (mismatches.isReported || !isLasting || !this.#fine.has(source)) continue;
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

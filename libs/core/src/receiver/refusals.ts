import { ChangedSecrets } from './changed-secrets.js';
import type { Clock } from '../clock.js';
import { durationText } from '../duration-text.js';
import type { RefusalCount } from '../store/inbox-reader.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../logger.js';
import type { Store } from '../store/store.js';
import type { StoreGuard } from '../store/store-guard.js';
import { timers } from '../timers.js';
import type { SignatureCheck } from '../sources/verification.js';

export interface RefusalsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly guard: StoreGuard;
  /** Milliseconds by a clock that nobody sets; for tests. @default that of the process */
  readonly monotonicMs?: () => number;
}

/** Requests to one source that are refused for one cause, from the first one until none comes any more. */
interface Refused {
  readonly source: string;
  readonly cause: string;
  readonly sinceMs: number;
  latestMs: number;
  requests: number;
  loggedMs: number;
  loggedRequests: number;
}

/**
 * The requests that are refused: logged at the first of a cause, then as a count while they go on, and when they are
 * over; and counted in the inbox. For each request it only counts, whatever strangers send: lines and writes come from
 * {@link look}, twice a minute. Memory is bounded by the sources and the causes that there are.
 */
export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #monotonicMs: () => number;
  readonly #secrets: ChangedSecrets;
  readonly #refused = new Map<string, Refused>();
  /** By source and check: what the inbox does not have yet. */
  readonly #unstored = new Map<string, RefusalCount>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: RefusalsOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => timers.monotonicMs());
    this.#secrets = new ChangedSecrets(options.logger);
  }

  /** For each request whose signature matched. */
  verified(source: string): void {
    this.#secrets.matched(source);
  }

  /** For each request that failed a check of its signature. `describe` is called for the first of a kind: what the log says of it. */
  failed(source: string, check: SignatureCheck, describe: () => string): void {
    const key = keyOf(source, check);
    const requests = (this.#unstored.get(key)?.requests ?? 0) + 1;
    this.#unstored.set(key, { source, check, requests, latestAt: this.#options.clock.now() });
    if (check === 'signature-mismatch') this.#secrets.mismatched(source, this.#monotonicMs());
    this.refused(source, `401 ${check}`, describe);
  }

  /** For each request that is refused for any cause: the status that it is answered with, and a word; one of a few. */
  refused(source: string, cause: string, describe?: () => string): void {
    const nowMs = this.#monotonicMs();
    const key = keyOf(source, cause);
    const known = this.#refused.get(key);
    if (known) {
      known.requests += 1;
      known.latestMs = nowMs;
      return;
    }
    const times = { sinceMs: nowMs, latestMs: nowMs, loggedMs: nowMs };
    this.#refused.set(key, { source, cause, ...times, requests: 1, loggedRequests: 1 });
    this.#options.logger.warn(
      `Source "${source}" rejected a request: ${cause}.${describe ? ` ${describe()}.` : ''} Further rejections are counted`,
      { source, code: 'RUNHOOKS_REQUEST_REJECTED' },
    );
  }

  /** What this process has counted and not stored yet. */
  unstored(): readonly RefusalCount[] {
    return [...this.#unstored.values()];
  }

  /** From now on {@link look} is called by itself. */
  start(): void {
    this.#timer ??= timers
      .setInterval(() => {
        this.#looking ??= this.look().finally(() => {
          this.#looking = undefined;
        });
      }, LIMITS.refusalLookMs)
      .unref();
  }

  /** Logs what is due, and stores what was counted. Never rejects. */
  async look(): Promise<void> {
    const nowMs = this.#monotonicMs();
    for (const [key, refused] of this.#refused) {
      if (nowMs - refused.latestMs >= LIMITS.refusalQuietMs) {
        this.#refused.delete(key);
        this.#options.logger.log(`Source "${refused.source}" no longer rejects requests: ${totalOf(refused)}`, {
          source: refused.source,
        });
      } else if (nowMs - refused.loggedMs >= LIMITS.refusalEveryMs) this.#logCount(refused, nowMs);
    }
    await this.#store();
    this.#secrets.look(nowMs);
  }

  /** Logs and stores what is left. To be called when no request comes any more, before the store is closed. */
  async stop(): Promise<void> {
    timers.clearInterval(this.#timer);
    await this.#looking;
    for (const refused of this.#refused.values()) {
      if (refused.requests === refused.loggedRequests) continue;
      this.#options.logger.warn(
        `Source "${refused.source}" rejected requests until the shutdown: ${totalOf(refused)}`,
        { source: refused.source, code: 'RUNHOOKS_REQUEST_REJECTED' },
      );
    }
    this.#refused.clear();
    await this.#store();
  }

  #logCount(refused: Refused, nowMs: number): void {
    const requests = refused.requests - refused.loggedRequests;
    const forMs = nowMs - refused.loggedMs;
    refused.loggedMs = nowMs;
    if (requests === 0) return;
    refused.loggedRequests = refused.requests;
    this.#options.logger.warn(
      `Source "${refused.source}" still rejects requests: ${refused.cause}, ${requests} in the last ` +
        `${durationText(forMs)}, ${refused.requests} in ${durationText(nowMs - refused.sinceMs)}`,
      { source: refused.source, code: 'RUNHOOKS_REQUEST_REJECTED' },
    );
  }

  async #store(): Promise<void> {
    const { store, guard } = this.#options;
    const refusals = this.unstored();
    if (refusals.length === 0) return;
    const known = await guard.write(() => store.countRefusals(refusals), undefined);
    // Kept, and tried again with the next ones.
    if (!known) return;
    this.#secrets.stored(known);
    for (const stored of refusals) {
      const key = keyOf(stored.source, stored.check);
      const now = this.#unstored.get(key) ?? stored;
      if (now.requests === stored.requests) this.#unstored.delete(key);
      else this.#unstored.set(key, { ...now, requests: now.requests - stored.requests });
    }
  }
}

/** Returns stored sums and what a process has not stored yet, added up. */
export function addedUp(stored: readonly RefusalCount[], unstored: readonly RefusalCount[]): RefusalCount[] {
  const sums = new Map<string, RefusalCount>();
  for (const one of [...stored, ...unstored]) {
    const key = keyOf(one.source, one.check);
    const { requests = 0, latestAt = one.latestAt } = sums.get(key) ?? {};
    sums.set(key, {
      ...one,
      requests: requests + one.requests,
      latestAt: latestAt > one.latestAt ? latestAt : one.latestAt,
    });
  }
  const byKey = [...sums].sort(([one], [other]) => (one < other ? -1 : 1));
  return byKey.map(([, sum]) => sum);
}

/** Names of sources hold no space, which sorts before all that they hold. */
function keyOf(source: string, cause: string): string {
  return `${source} ${cause}`;
}

function totalOf({ cause, requests, sinceMs, latestMs }: Refused): string {
  return `${cause}, ${requests} in ${durationText(latestMs - sinceMs)}`;
}

import { ChangedSecrets } from './changed-secrets.js';
import type { Clock } from '../time/clock.js';
import { durationText } from '../time/duration-text.js';
import type { RefusalCount } from '../store/inbox-reader.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import type { Store } from '../store/store.js';
import type { StoreGuard } from '../store/store-guard.js';
import { timers } from '../time/timers.js';
import type { SignatureCheck } from '../sources/verification.js';

export interface RefusalsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly guard: StoreGuard;
  /** Returns milliseconds of a monotonic clock; for tests. @default the clock of the process */
  readonly monotonicMs?: () => number;
}

/** An episode of rejected requests to one source for one cause, from the first until none arrives for a while. */
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
 * Counts rejected requests in the inbox, and logs the first of each cause, a count while they continue, and their end. Per
 * request it only counts, so that strangers cannot cause load: {@link look} logs and writes twice a minute. Its memory is
 * bounded by the number of sources and causes.
 */
export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #monotonicMs: () => number;
  readonly #secrets: ChangedSecrets;
  readonly #refused = new Map<string, Refused>();
  /** Counts that are not in the inbox yet, by source and check. */
  readonly #unstored = new Map<string, RefusalCount>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: RefusalsOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => timers.monotonicMs());
    this.#secrets = new ChangedSecrets(options.logger);
  }

  /** Notes a request whose signature matched. */
  verified(source: string): void {
    this.#secrets.matched(source);
  }

  /** Counts a request that failed a check of its signature. `describe` is called for the first of its kind, for the log. */
  failed(source: string, check: SignatureCheck, describe: () => string): void {
    const key = keyOf(source, check);
    const requests = (this.#unstored.get(key)?.requests ?? 0) + 1;
    this.#unstored.set(key, { source, check, requests, latestAt: this.#options.clock.now() });
    if (check === 'signature-mismatch') this.#secrets.mismatched(source, this.#monotonicMs());
    this.refused(source, `401 ${check}`, describe);
  }

  /** Counts a request rejected for `cause`: the HTTP status and a word; one of a few. */
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

  /** Returns the counts that this process has not stored yet. */
  unstored(): readonly RefusalCount[] {
    return [...this.#unstored.values()];
  }

  /** Calls {@link look} regularly from now on. */
  start(): void {
    this.#timer ??= timers
      .setInterval(() => {
        this.#looking ??= this.look().finally(() => {
          this.#looking = undefined;
        });
      }, LIMITS.refusalCheckMs)
      .unref();
  }

  /** Logs due lines, and stores the counts. Never rejects. */
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

  /** Logs and stores the rest. Must be called after the last request, before the store is closed. */
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
    // The counts are kept and stored with the next ones.
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

/** Returns the sums of stored counts and those a process has not stored yet. */
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

/** Names of sources contain no space, and a space sorts before every character they can contain. */
function keyOf(source: string, cause: string): string {
  return `${source} ${cause}`;
}

function totalOf({ cause, requests, sinceMs, latestMs }: Refused): string {
  return `${cause}, ${requests} in ${durationText(latestMs - sinceMs)}`;
}

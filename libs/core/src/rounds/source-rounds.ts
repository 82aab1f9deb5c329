import { isRetryLater, isStoreUnavailableError, OwnError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { Reasons } from '../log/reasons.js';
import type { Round, RoundContext } from '../sources/provider-api.js';
import { claimToken } from '../store/claim-token.js';
import type { ClaimedRound, HeldRound, RoundStore } from '../store/round-store.js';
import type { StoreGuard } from '../store/store-guard.js';
import { describeFailure } from '../thrown.js';
import type { Clock } from '../time/clock.js';
import { timers } from '../time/timers.js';
import type { ReportedSource, Reporter } from './reporter.js';

/** Options for the rounds of one source. */
export interface SourceRoundsOptions {
  readonly rounds: RoundStore;
  readonly source: ReportedSource;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  readonly logger: Logger;
  /** Token of all claims that this process makes of its own work. */
  readonly lease: string;
}

/** Reason why a round was aborted: it is given back, and does not count as a failure. */
export class RoundAbortedError extends OwnError {
  protected static override readonly className = 'RoundAbortedError';
  readonly code = 'RUNHOOKS_ROUND_ABORTED';
}

/** Result of one round: it has ended, it failed, or it was aborted. */
export type RoundResult = { readonly kind: string; readonly error?: unknown };

/** Runs the rounds of one source, one at a time. */
export class SourceRounds {
  readonly #options: SourceRoundsOptions;
  readonly #byKind: ReadonlyMap<string, Round>;
  /** Reasons for failures that this process has logged, by kind. */
  readonly #reasons = new Map<string, Reasons>();
  readonly #stop = new AbortController();
  /** The last round of this process. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SourceRoundsOptions) {
    this.#options = options;
    this.#byKind = new Map(options.source.api.rounds.map((round) => [round.kind, round]));
  }

  /** Kinds of the rounds. */
  get kinds(): readonly string[] {
    return [...this.#byKind.keys()];
  }

  /** Aborts a running round and resolves when it was given back. No round can be started any more. */
  async stop(): Promise<void> {
    this.#stop.abort(new RoundAbortedError('the app is shutting down; the round will be continued'));
    await this.#last;
  }

  /**
   * Claims and runs the round that has been due longest, after the round that this process is running. Returns `undefined` if
   * none is due. With `early`, a round that is not due can be claimed as well. Rejects if the store is unavailable.
   */
  runNext(since: Date, { kinds = this.kinds, early = false } = {}): Promise<RoundResult | undefined> {
    const next = this.#last.then(() => this.#claimAndRun(since, kinds, early));
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #claimAndRun(since: Date, kinds: readonly string[], early: boolean): Promise<RoundResult | undefined> {
    if (this.#stop.signal.aborted) return undefined;
    const { rounds, source, clock } = this.#options;
    const now = clock.now();
    const lease = claimToken(this.#options.lease);
    const claimed = await rounds.claim({
      source: source.name,
      rounds: kinds.map((kind) => ({ kind, latestDueAt: this.#latestDueAt(kind, now) })),
      now,
      leaseMs: LIMITS.roundLeaseMs,
      lease,
      early,
    });
    const round = claimed && this.#byKind.get(claimed.kind);
    return round && (await this.#run(round, claimed, { source: source.name, kind: round.kind, lease }, since));
  }

  /** A clock that was ahead can have delayed a round until a time that is later than any delay. */
  #latestDueAt(kind: string, now: Date): Date {
    const everyMs = this.#byKind.get(kind)?.everyMs ?? 0;
    const longestMs = Math.max(everyMs, LIMITS.roundDelayMsMax, LIMITS.roundLeaseMs);
    return new Date(now.getTime() + longestMs + LIMITS.clockSkewMs);
  }

  async #run(round: Round, claimed: ClaimedRound, held: HeldRound, since: Date): Promise<RoundResult> {
    const { kind } = round;
    const lost = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, lost.signal]);
    const renew = async (cursor?: string): Promise<void> => {
      signal.throwIfAborted();
      await this.#renew(held, lost, cursor);
      signal.throwIfAborted();
    };
    // A call of the API may take longer than a lease.
    const timer = timers.setInterval(() => {
      void this.#options.guard.read(() => this.#renew(held, lost), undefined);
    }, LIMITS.roundLeaseMs / 3);
    let error: unknown;
    const cut = new Cut(signal);
    try {
      await Promise.race([round.run(this.#contextOf(claimed, since, signal, renew)), cut.passed]);
      signal.throwIfAborted();
    } catch (thrown) {
      error = thrown ?? new Error('the round rejected without a reason');
    } finally {
      timers.clearInterval(timer);
      cut.clear();
    }
    if (!lost.signal.aborted) await this.#settle(round, claimed, held, error);
    return { kind, ...(error !== undefined && { error }) };
  }

  #contextOf(
    { source, cursor }: ClaimedRound,
    since: Date,
    signal: AbortSignal,
    renew: (cursor?: string) => Promise<void>,
  ): RoundContext {
    const { rounds, reporter, clock, source: reported } = this.#options;
    return {
      source,
      cursor,
      since,
      signal,
      now: () => clock.now(),
      report: async (runs) => {
        await renew();
        await reporter.report(reported, runs, since);
        await renew();
      },
      lacking: (runs) => reporter.lacking(reported, runs),
      moveTo: (to) => renew(to),
      openRuns: (limit) => rounds.openRuns(source, limit),
    };
  }

  async #renew(held: HeldRound, lost: AbortController, cursor?: string): Promise<void> {
    const { rounds, clock } = this.#options;
    const renewal = { now: clock.now(), leaseMs: LIMITS.roundLeaseMs, ...(cursor !== undefined && { cursor }) };
    if (await rounds.renew(held, renewal)) return;
    lost.abort(
      new RoundAbortedError(`another worker has claimed the round, because its lease was not renewed in time`),
    );
  }

  /** If the store fails, the round is due again when its lease has expired. */
  async #settle(round: Round, claimed: ClaimedRound, held: HeldRound, error: unknown): Promise<void> {
    const { rounds, clock, guard } = this.#options;
    const now = clock.now();
    const dueInMs = (ms: number): Date => new Date(now.getTime() + ms);
    const settle = (failures: number, dueAt: Date, lastError?: string): Promise<boolean> => {
      const settlement = { failures, dueAt, ...(lastError !== undefined && { lastError }) };
      return guard.write(() => rounds.settle(held, settlement), false);
    };
    if (this.#stop.signal.aborted && error !== undefined) {
      await settle(claimed.failures, now, claimed.lastError);
    } else if (error === undefined) {
      const settled = await settle(0, dueInMs(round.everyMs));
      if (settled) this.#worked(claimed);
    } else if (isStoreUnavailableError(error)) {
      await guard.write(() => Promise.reject(error), undefined);
      await settle(claimed.failures, dueInMs(LIMITS.pollMs), claimed.lastError);
    } else {
      const failures = claimed.failures + 1;
      const delayMs = delayAfter(error, round.everyMs, failures);
      const failure = describeFailure(error);
      this.#failed(claimed, failure, delayMs);
      await settle(failures, dueInMs(delayMs), failure);
    }
  }

  #worked({ source, kind, failures }: ClaimedRound): void {
    this.#reasons.delete(kind);
    if (failures === 0) return;
    const count = failures === 1 ? '1 failure' : `${failures} failures`;
    this.#options.logger.log(`Round "${kind}" of source "${source}" works again after ${count}`, { source });
  }

  /** Other processes may have run the round before, so the row decides which failure is the first one. */
  #failed({ source, kind, failures, lastError }: ClaimedRound, failure: string, delayMs: number): void {
    const reasons = this.#reasons.get(kind) ?? new Reasons();
    this.#reasons.set(kind, reasons);
    if (!reasons.isNew(failure) || (failures > 0 && lastError === failure)) return;
    const count = failures === 0 ? '' : ` (failure ${failures + 1} in a row)`;
    this.#options.logger.warn(
      `Round "${kind}" of source "${source}" failed${count}: ${failure}. It will be retried in ` +
        `${Math.ceil(delayMs / 1_000)} s`,
      { source, code: 'RUNHOOKS_ROUND_FAILED' },
    );
  }
}

/** End of a round that ignores its signal, some time after the abort. */
class Cut {
  readonly #signal: AbortSignal;
  #timer: NodeJS.Timeout | undefined;
  #wait = (): void => undefined;
  /** Rejects with the reason of the abort. */
  readonly passed: Promise<never>;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.passed = new Promise((_, reject) => {
      this.#wait = () => {
        this.#timer = timers.setTimeout(() => reject(signal.reason as Error), LIMITS.drainGraceMs);
      };
      signal.addEventListener('abort', this.#wait);
    });
  }

  /** Ends the wait, because the round has ended. */
  clear(): void {
    this.#signal.removeEventListener('abort', this.#wait);
    timers.clearTimeout(this.#timer);
  }
}

/** Returns the time until the next round: the time that the error asks for, or twice as long after each failure. */
function delayAfter(error: unknown, everyMs: number, failures: number): number {
  const wantedMs = isRetryLater(error) ? error.delayMs : everyMs * 2 ** failures;
  const delayMs = Number.isFinite(wantedMs) ? wantedMs : LIMITS.roundDelayMsMax;
  return Math.max(LIMITS.pollMs, Math.min(delayMs, LIMITS.roundDelayMsMax));
}

import type { Clock } from '../time/clock.js';
import { durationText } from '../time/duration-text.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { SharedClock } from './shared-clock.js';
import type { Store } from '../store/store.js';
import type { StoreGuard } from '../store/store-guard.js';
import { timers } from '../time/timers.js';

/** Options for {@link ClockWatch}. */
export interface ClockWatchOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly guard: StoreGuard;
}

/** A moment by a clock that can be set, and by a monotonic clock. */
interface Moment {
  readonly nowMs: number;
  readonly elapsedMs: number;
}

/** Logs that a clock was set, or differs from the inbox's clock, and pulls back work that a wrong clock postponed. */
export class ClockWatch {
  readonly #options: ClockWatchOptions;
  /** Last moments of the deciding clock and of the host's clock; `undefined` before the first check. */
  #seen: Moment | undefined;
  #ownSeen: Moment | undefined;
  #pulledBackAtMs = -Infinity;
  /** Last logged difference. */
  #loggedAheadMs = 0;

  constructor(options: ClockWatchOptions) {
    this.#options = options;
  }

  /** Whether the host's clock was set, or the host slept, since the last check. */
  get hasStepped(): boolean {
    return isStep(stepMs(this.#own, this.#ownSeen));
  }

  /** Milliseconds that the host's clock is ahead of the inbox's clock; negative if it is behind. */
  get ownAheadMs(): number {
    const { clock } = this.#options;
    return clock instanceof SharedClock ? Math.round(clock.ownAheadMs) : 0;
  }

  /** Checks the clocks. Call it at startup, regularly, and if the clock {@link hasStepped}. Never rejects. */
  async look(): Promise<void> {
    const { clock, guard } = this.#options;
    if (clock instanceof SharedClock) await guard.read(() => clock.adjust(), undefined);
    this.#logAhead();
    const movedMs = stepMs(clock, this.#seen);
    if (isStep(movedMs)) this.#logStep(movedMs);
    this.#ownSeen = momentOf(this.#own);
    this.#seen = momentOf(clock);
    const isTime = elapsedMs(clock) - this.#pulledBackAtMs >= LIMITS.pullBackEveryMs;
    if (!isTime && !isStep(movedMs)) return;
    this.#pulledBackAtMs = elapsedMs(clock);
    await guard.write(() => this.#pullBack(), undefined);
  }

  get #own(): Clock {
    const { clock } = this.#options;
    return clock instanceof SharedClock ? clock.own : clock;
  }

  async #pullBack(): Promise<void> {
    const { store, clock, logger } = this.#options;
    const found = { messages: 0, deliveries: 0, tasks: 0 };
    let after: string | undefined;
    do {
      const range = { now: clock.now(), leaseMs: LIMITS.leaseMs, limit: LIMITS.pullBackRowsMax };
      const step = await store.pullBack({ ...range, ...(after !== undefined && { after }) });
      found.messages += step.messages;
      found.deliveries += step.deliveries;
      found.tasks += step.tasks;
      after = step.next;
    } while (after !== undefined);
    const { messages, deliveries, tasks } = found;
    if (messages + deliveries + tasks === 0) return;
    logger.warn(
      `Inbox found work that a wrong clock had postponed, and made it due sooner: ${messages} messages, ` +
        `${deliveries} deliveries, ${tasks} checks. Synchronize the clocks of all hosts, for example by NTP`,
      { code: 'RUNHOOKS_CLOCK_POSTPONED_WORK' },
    );
  }

  #logStep(movedMs: number): void {
    this.#options.logger.warn(
      `Clock jumped ${movedMs < 0 ? 'back' : 'ahead'} by ${durationText(Math.abs(movedMs))}: it was set, or this host ` +
        'was asleep. Check that it is right now, because retries, leases and retention depend on it',
      { code: 'RUNHOOKS_CLOCK_JUMPED' },
    );
  }

  /** Logs each difference once, and once that it is over. */
  #logAhead(): void {
    const { logger } = this.#options;
    const aheadMs = this.ownAheadMs;
    if (Math.abs(aheadMs - this.#loggedAheadMs) < LIMITS.clockStepMs) return;
    if (Math.abs(aheadMs) < LIMITS.clockStepMs) {
      logger.log('Clock of this host agrees with the clock of the inbox again');
      this.#loggedAheadMs = 0;
      return;
    }
    const difference = `${durationText(Math.abs(aheadMs))} ${aheadMs < 0 ? 'behind' : 'ahead of'}`;
    logger.warn(
      `Clock of this host is ${difference} the clock of the inbox, which decides. Correct one of them, for example by NTP`,
      { code: 'RUNHOOKS_CLOCKS_DIFFER' },
    );
    this.#loggedAheadMs = aheadMs;
  }
}

function elapsedMs(clock: Clock): number {
  return clock.elapsedMs?.() ?? timers.monotonicMs();
}

function momentOf(clock: Clock): Moment | undefined {
  const passedMs = clock.elapsedMs?.();
  return passedMs === undefined ? undefined : { nowMs: clock.now().getTime(), elapsedMs: passedMs };
}

/** Returns how far the clock moved beyond the elapsed time. */
function stepMs(clock: Clock, seen: Moment | undefined): number {
  const moment = momentOf(clock);
  return moment && seen ? moment.nowMs - seen.nowMs - (moment.elapsedMs - seen.elapsedMs) : 0;
}

function isStep(movedMs: number): boolean {
  return Math.abs(movedMs) >= LIMITS.clockStepMs;
}

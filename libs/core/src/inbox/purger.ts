import type { Clock } from '../time/clock.js';
import { durationText } from '../time/duration-text.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { NOTHING_PURGED, rowsOf, type ClockJump, type Purge, type Purged } from '../store/purge.js';
import type { Store } from '../store/store.js';
import type { StoreGuard } from '../store/store-guard.js';
import { timers } from '../time/timers.js';
import { purgeAt, type RetentionOptions } from './retention.js';

/** Options for a purger. */
export interface PurgerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  readonly logger: Logger;
  readonly retention: Required<RetentionOptions>;
}

/** Removes old data in small steps, so that no webhook waits for it. */
export class Purger {
  readonly #options: PurgerOptions;
  #timer: NodeJS.Timeout | undefined;
  #step: Promise<unknown> = Promise.resolve();
  #stopped = false;
  /** Time of the clock jump that was logged last. */
  #loggedJumpAtMs: number | undefined;

  constructor(options: PurgerOptions) {
    this.#options = options;
  }

  /** Starts to purge every 10 minutes. A second call changes nothing. */
  start(): void {
    this.#timer ??= timers
      .setInterval(() => {
        this.#step = this.#options.guard.write(() => this.purge(), 0);
      }, LIMITS.purgeEveryMs)
      .unref();
  }

  /** Stops purging. Resolves when the current step has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    timers.clearInterval(this.#timer);
    await this.#step;
  }

  /**
   * Removes all data that is older than the retention, and logs the numbers. After a clock jump, it removes little and logs
   * the reason. Returns how many rows were removed.
   */
  async purge(): Promise<number> {
    const { store, clock, retention } = this.#options;
    const purge = purgeAt(clock.now(), retention);
    let removed = NOTHING_PURGED;
    try {
      while (!this.#stopped) {
        const step = await store.purge(purge);
        removed = sum(removed, step);
        if (rowsOf(step) === 0) break;
      }
    } finally {
      this.#log(removed, purge);
    }
    return rowsOf(removed);
  }

  #log(removed: Purged, { finishedBefore, deadBefore, deduplicationBefore }: Purge): void {
    const { logger } = this.#options;
    const { messages, events, results, nodes, keys, runs, barriers, decisions, tasks, actions, heldBackBy } = removed;
    if (rowsOf(removed) > 0) {
      const alone = events > 0 ? ` and ${events} events without a message` : '';
      const ofActions = actions > 0 ? `${actions} actions, ` : '';
      const ofResults = results + nodes > 0 ? `results of ${results} runs, ${nodes} nodes, ` : '';
      logger.log(
        `Purged ${messages} messages${alone} received before ${finishedBefore.toISOString()} (with dead letters: before ` +
          `${deadBefore.toISOString()}), ${ofResults}${tasks} checks and, from before ${deduplicationBefore.toISOString()}, ` +
          `${keys} deduplication keys, ${ofActions}${runs} runs, ${barriers} waits for several jobs and ${decisions} audit entries`,
      );
    }
    if (heldBackBy && heldBackBy.at.getTime() !== this.#loggedJumpAtMs) {
      this.#loggedJumpAtMs = heldBackBy.at.getTime();
      logger.warn(brakeLine(heldBackBy), { code: 'RUNHOOKS_PURGE_HELD_BACK' });
    }
  }
}

function sum(one: Purged, { heldBackBy, ...other }: Purged): Purged {
  return {
    messages: one.messages + other.messages,
    events: one.events + other.events,
    results: one.results + other.results,
    nodes: one.nodes + other.nodes,
    keys: one.keys + other.keys,
    runs: one.runs + other.runs,
    barriers: one.barriers + other.barriers,
    decisions: one.decisions + other.decisions,
    tasks: one.tasks + other.tasks,
    actions: one.actions + other.actions,
    ...(heldBackBy && { heldBackBy }),
  };
}

function brakeLine({ at, ms }: ClockJump): string {
  return (
    `Purging is held back until ${new Date(at.getTime() + LIMITS.purgeBrakeMs).toISOString()}: the time of this inbox ` +
    `jumped ${ms < 0 ? 'back' : 'ahead'} by ${durationText(Math.abs(ms))} at ${at.toISOString()}. If no process ran for ` +
    'that long, there is nothing to do. Otherwise check the clock of the host: purged work cannot be restored'
  );
}

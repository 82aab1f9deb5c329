import { equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { RetryLater } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { ManualClock } from 'nestjs-runhooks/testing';
import { DispatchHarness } from '../dispatch/dispatch-harness.js';
import { checkProperty, type PropertyBudget } from '../property.js';
import type { InboxSite } from './inbox-site.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const YEAR = 365 * DAY;
const RETENTION = { finishedMs: 30 * DAY, deadMs: 90 * DAY, deduplicationMs: 400 * DAY };
/** More messages than the purge may delete at once with a doubtful clock, so that the limit shows. */
const OLD_MESSAGES = 2 * LIMITS.purgeBrakeRowsMin;
/** Duration of every command by a correct clock, so that all commands are over within an hour. */
const STEP_MS = MINUTE;

type Command =
  | { readonly do: 'send' | 'work' | 'purge' | 'reboot'; readonly process: 0 | 1 }
  /** Sets the clock of one process, or of the host that both processes share. */
  | { readonly do: 'set'; readonly process: 0 | 1; readonly aheadMs: number };

const process = fc.constantFrom<0 | 1>(0, 1);
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ do: fc.constantFrom('send', 'work', 'purge', 'reboot' as const), process }),
  fc.record({
    do: fc.constant('set' as const),
    process,
    aheadMs: fc.constantFrom(0, 0, 3 * MINUTE, -3 * MINUTE, 45 * DAY, 2 * YEAR, -2 * YEAR, 20 * YEAR),
  }),
);

/** Two processes whose clocks are set at random. A process registers before each command, as running processes do. */
class ClockStepsSession {
  readonly #place: InboxSite;
  readonly #clocks: readonly [ManualClock, ManualClock];
  readonly #aheadMs: [number, number] = [0, 0];
  #benches: DispatchHarness[] = [];
  readonly #handled = new Set<string>();
  #runs = 0;

  constructor(place: InboxSite) {
    this.#place = place;
    const start = new Date('2026-11-23T12:00:00Z');
    this.#clocks = [new ManualClock(start), new ManualClock(start)];
  }

  /** Runs the commands. Throws soon after `signal` is aborted. */
  async play(commands: readonly Command[], signal: AbortSignal): Promise<void> {
    for (const process of [0, 1] as const) await this.#boot(process);
    for (let index = 0; index < OLD_MESSAGES; index += 1) await this.#send(0);
    await this.#harness(0).idle();
    for (const one of commands) {
      signal.throwIfAborted();
      await this.#do(one);
    }
    // Purges so far used wrong or correct clocks, but nothing was old enough to be deleted.
    await this.#checkKept();
    await this.#finish();
  }

  async end(): Promise<void> {
    try {
      for (const harness of this.#benches) await harness.close();
    } finally {
      await this.#place.remove();
    }
  }

  #harness(process: 0 | 1): DispatchHarness {
    return this.#benches[process] as DispatchHarness;
  }

  async #boot(process: 0 | 1): Promise<void> {
    const store = await this.#place.open();
    const harness = await DispatchHarness.open({ store, clock: this.#clocks[process], retention: RETENTION });
    // Some deliveries need a second attempt, so that retries are due while the clock is set.
    harness.on('handler', ({ id }, { attempt }) => {
      if (attempt === 1 && Number(/(\d+)$/.exec(id)?.[1]) % 3 === 0) throw new RetryLater(10_000);
      this.#handled.add(id);
    });
    this.#benches[process] = harness;
    await harness.presence.start();
  }

  async #do(one: Command): Promise<void> {
    for (const clock of this.#clocks) clock.advance(STEP_MS);
    const harness = this.#harness(one.process);
    await harness.presence.renew();
    if (one.do === 'send') await this.#send(one.process);
    if (one.do === 'work') await harness.idle();
    if (one.do === 'purge') await harness.inbox.purge();
    if (one.do === 'set') this.#set(one.process, one.aheadMs);
    if (one.do === 'reboot') {
      await harness.close();
      await this.#boot(one.process);
    }
  }

  #set(process: 0 | 1, aheadMs: number): void {
    this.#clocks[process].step(aheadMs - this.#aheadMs[process]);
    this.#aheadMs[process] = aheadMs;
  }

  async #send(process: 0 | 1): Promise<void> {
    this.#runs += 1;
    await this.#harness(process).send({ run: `${this.#runs}` });
  }

  /** Checks that nothing was deleted, because everything was stored within the last hour. */
  async #checkKept(): Promise<void> {
    const { items } = await this.#harness(0).inbox.messages({}, { limit: 1_000 });
    const gone = this.#runs - items.length;
    ok(gone <= LIMITS.purgeBrakeRowsMin, `${gone} of ${this.#runs} young messages were purged`);
  }

  /** With correct clocks, everything must be handled after a lease and a retry, and duplicates must be recognized. */
  async #finish(): Promise<void> {
    for (const process of [0, 1] as const) {
      this.#set(process, 0);
      await this.#harness(process).presence.renew();
    }
    for (let round = 0; round < 4; round += 1) {
      for (const process of [0, 1] as const) await this.#harness(process).idle();
      for (const clock of this.#clocks) clock.advance(LIMITS.leaseMs);
    }
    const { messages, deliveries } = await this.#harness(0).inbox.counts();
    equal(messages.stored, 0, 'a message was not read');
    equal(deliveries.pending, 0, 'a delivery was not run');
    equal(this.#handled.size, this.#runs, 'an event was not handled');
  }
}

/**
 * Sets the clocks of two processes on one inbox at random. Throws unless everything acknowledged was handled and kept.
 */
export async function clockSteps(
  newPlace: () => InboxSite | Promise<InboxSite>,
  budget: PropertyBudget,
): Promise<void> {
  await checkProperty(
    fc.array(command, { minLength: 10, maxLength: 40, size: 'max' }),
    async (commands, signal) => {
      const session = new ClockStepsSession(await newPlace());
      try {
        await session.play(commands, signal);
      } finally {
        await session.end();
      }
    },
    budget,
  );
}

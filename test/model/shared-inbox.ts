import type { Store } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { ManualClock, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { DispatchHarness, START } from '../dispatch/dispatch-harness.js';

/** A new inbox that several processes share. */
export interface SharedInbox {
  /** Opens the inbox again, as the store of another process. */
  open(): Promise<Store>;
  /** Deletes the inbox after all its stores are closed. */
  remove(): void;
}

/** Creates a shared inbox. */
export type NewInbox = () => Promise<SharedInbox>;

/** Two processes that share an inbox and a clock, each with a source of both providers. Either can be restarted. */
export class TwoProcesses {
  readonly clock = new ManualClock(START);
  readonly #inbox: SharedInbox;
  readonly #begin: (harness: DispatchHarness) => void;
  readonly #wrap: (store: Store) => Store;
  readonly #open = new Set<DispatchHarness>();
  #benches: readonly [DispatchHarness, DispatchHarness] | undefined;

  private constructor(inbox: SharedInbox, begin: (harness: DispatchHarness) => void, wrap: (store: Store) => Store) {
    this.#inbox = inbox;
    this.#begin = begin;
    this.#wrap = wrap;
  }

  /** Opens both processes. `begin` adds the handlers of a starting process; `wrap` may watch the calls of its store. */
  static async on(
    inbox: SharedInbox,
    begin: (harness: DispatchHarness) => void,
    wrap = (store: Store): Store => store,
  ): Promise<TwoProcesses> {
    const two = new TwoProcesses(inbox, begin, wrap);
    try {
      two.#benches = [await two.#start(), await two.#start()];
    } catch (error) {
      await two.end();
      throw error;
    }
    return two;
  }

  /** Returns the first or the second process. */
  process(which: 0 | 1): DispatchHarness {
    if (!this.#benches) throw new Error('not started');
    return this.#benches[which];
  }

  /** Runs both processes at the same time until no work is left. */
  async work(): Promise<void> {
    await Promise.all([this.process(0).idle(), this.process(1).idle()]);
    // Work that one process added last may belong to the other one.
    await Promise.all([this.process(0).idle(), this.process(1).idle()]);
  }

  async restart(which: 0 | 1): Promise<void> {
    await this.process(which).close();
    this.#open.delete(this.process(which));
    const started = await this.#start();
    this.#benches = which === 0 ? [started, this.process(1)] : [this.process(0), started];
  }

  async end(): Promise<void> {
    try {
      for (const harness of this.#open) await harness.close();
    } finally {
      this.#inbox.remove();
    }
  }

  async #start(): Promise<DispatchHarness> {
    const sources = [
      dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] }),
      paradime({ name: 'paradime', secrets: [TEST_SECRETS.paradime] }),
    ];
    const harness = await DispatchHarness.open({
      store: this.#wrap(await this.#inbox.open()),
      clock: this.clock,
      sources,
    });
    this.#open.add(harness);
    this.#begin(harness);
    return harness;
  }
}

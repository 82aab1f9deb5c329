import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import type { HeaderMap, Logger, Role, Source, Store, DispatchTransport } from 'nestjs-runhooks/core';
import {
  Engine,
  SharedClock,
  resolveHandlerOptions,
  type ClockWatch,
  type DeliveryContext,
  type Dispatcher,
  type HandlerOptions,
  type HandlerSet,
  type Inbox,
  type OpenSource,
  type Presence,
  type Purger,
  type Receiver,
  type Refusals,
  type RetentionOptions,
  type RoundRunner,
  type Subscription,
  type WebhookEvent,
} from 'nestjs-runhooks/internal';
import { ManualClock, memoryInbox } from 'nestjs-runhooks/testing';
import { ProbeProvider, SIGNATURE, type ProbeMessage } from './probe-provider.js';

export const START = new Date('2026-11-23T12:00:00.000Z');

export interface HarnessOptions {
  /** Store of another harness, to simulate two processes on one inbox. */
  readonly store?: Store;
  readonly clock?: ManualClock;
  readonly concurrency?: number;
  readonly abortGraceMs?: number;
  readonly retention?: RetentionOptions;
  /** Clock of the host. With it the store uses its own clock, as in an app that sets no `clock`. */
  readonly hostClock?: ManualClock;
  readonly role?: Role;
  readonly transport?: DispatchTransport;
  /** Sources in addition to the probe's. */
  readonly sources?: readonly Source[];
}

export type Run = (event: WebhookEvent, delivery: DeliveryContext) => unknown;

/** Options of a handler and its subscription. */
export interface Handling extends HandlerOptions {
  readonly types?: readonly string[];
  /** Subscribes to messages of the probe instead of run events. */
  readonly messages?: boolean;
  /** Subscribes to an event derived from several messages instead of run events. */
  readonly on?: Subscription['on'];
  readonly filter?: Subscription['filter'];
}

/** Options for a handler whose deliveries are claimed from the store or brought by a transport, never by their recording. */
export const CARRIED = { concurrency: 1_000 } as const;

/** Runs the engine of one app on a real store, with a clock controlled by the test. */
export class DispatchHarness {
  readonly lines: string[] = [];
  /** Log lines about parsed messages. */
  readonly parsedLines: string[] = [];
  readonly debugged: string[] = [];
  /** Events that this process announced, as plain listeners receive them. */
  readonly announced: WebhookEvent[] = [];
  readonly logger: Logger;
  readonly provider = new ProbeProvider();
  readonly source: OpenSource;
  readonly #sources: ReadonlyMap<string, OpenSource>;
  readonly handlers: HandlerSet;
  readonly receiver: Receiver;
  readonly dispatcher: Dispatcher;
  /** Registration of the process. The harness does not start it; tests about processes do. */
  readonly presence: Presence;
  /** Clock controlled by the test: either the deciding one or the host's. */
  readonly clock: ManualClock;
  readonly purger: Purger;
  readonly watch: ClockWatch;
  readonly inbox: Inbox;
  /** Rounds of sources with access to their provider's API. The harness does not start them; tests about rounds do. */
  readonly rounds: RoundRunner;
  /** Counter of rejected requests. It flushes when a test calls it, with the time of the clock. */
  readonly refusals: Refusals;

  private constructor(
    readonly store: Store,
    manualClock: ManualClock,
    {
      concurrency = 10,
      abortGraceMs = 5,
      retention = {},
      role = 'both',
      transport,
      sources: others = [],
      hostClock,
    }: HarnessOptions,
  ) {
    this.clock = hostClock ?? manualClock;
    const note = (level: string) => (line: string) => void this.lines.push(`${level}: ${line}`);
    // Lines about single messages are kept apart because most tests do not need them.
    const log = (line: string) => {
      if (line.startsWith('Message ') && !line.includes(' is a test webhook')) {
        if (!line.endsWith('was accepted')) this.parsedLines.push(line);
      } else note('log')(line);
    };
    this.logger = { debug: (line) => void this.debugged.push(line), log, warn: note('warn'), error: note('error') };
    const { logger, provider } = this;
    const clock = hostClock ? new SharedClock(store, hostClock) : manualClock;
    const engine = new Engine({
      sources: [{ name: 'probe', provider: 'probe', open: () => provider }, ...others],
      store,
      clock,
      logger,
      role,
      concurrency,
      abortGraceMs,
      retention,
      ...(transport && { transport }),
      monotonicMs: () => clock.now().getTime(),
      onRecorded: (event) => void this.announced.push(event),
    });
    this.source = engine.sources[0]!;
    this.#sources = new Map(engine.sources.map((source) => [source.name, source]));
    this.handlers = engine.handlers;
    this.watch = engine.watch;
    this.presence = engine.presence;
    this.dispatcher = engine.dispatcher;
    this.refusals = engine.refusals;
    this.receiver = engine.receiver;
    this.purger = engine.purger;
    this.inbox = engine.inbox;
    this.rounds = engine.rounds;
  }

  static async open(options: HarnessOptions = {}): Promise<DispatchHarness> {
    const { store = await openStore(), clock = new ManualClock(START) } = options;
    return new DispatchHarness(store, clock, options);
  }

  /** Adds a handler. Its retries have no delay unless `handling` sets one. */
  on(id: string, run: Run, handling: Handling = {}): void {
    const { types = ['run.succeeded'], messages, filter = {}, on: derived, ...options } = handling;
    const retry = options.retry === false ? false : { delayMs: 0, ...options.retry };
    const on = derived ?? ((messages ? { provider: 'probe' } : { types }) as Subscription['on']);
    this.handlers.add({
      ...resolveHandlerOptions(id, { ...options, retry }),
      label: id,
      subscriptions: [{ on, filter, includeLate: true }],
      invoke: async (event, delivery) => void (await run(event, delivery)),
    });
  }

  /** Receives a probe message and returns its id. */
  async send(message: ProbeMessage = {}): Promise<string> {
    return await this.receive('probe', { body: Buffer.from(JSON.stringify(message)), headers: SIGNATURE });
  }

  /** Receives a request for a source and returns the id of the message. */
  async receive(name: string, { body, headers }: { body: Uint8Array; headers: HeaderMap }): Promise<string> {
    const source = this.#sources.get(name);
    if (!source) throw new Error(`no source ${name}`);
    const receipt = await this.receiver.receive(source, body, headers);
    if (receipt.status === 'refused') throw new Error(`refused: ${receipt.reason}`);
    return receipt.id;
  }

  idle(): Promise<void> {
    return this.dispatcher.runUntilIdle();
  }

  /** Returns the deliveries of a handler, oldest first. */
  async deliveries(handlerId: string) {
    return [...(await this.inbox.deliveries({ handlerId }, { limit: 1_000 })).items].reverse();
  }

  /** Returns the state of the only delivery of a handler and the outcomes of its attempts. */
  async outcome(handlerId: string): Promise<[state: string, ...outcomes: string[]]> {
    const [delivery, ...more] = await this.deliveries(handlerId);
    if (!delivery || more.length > 0) throw new Error(`expected one delivery of ${handlerId}`);
    const attempts = await this.inbox.attempts(delivery.id);
    return [delivery.state, ...attempts.map(({ outcome, error }) => (error ? error.name : outcome))];
  }

  async close(): Promise<void> {
    await this.purger.stop();
    await this.rounds.stop();
    await this.dispatcher.stop(0);
    await this.presence.stop();
    this.receiver.stop();
    await this.store.close();
  }
}

export async function openStore(factory = memoryInbox()): Promise<Store> {
  const silent = () => undefined;
  const store = factory.createStore({ debug: silent, log: silent, warn: silent, error: silent });
  await store.open();
  return store;
}

/**
 * Resolves as soon as the condition holds. Checks after every turn of the event loop, and after some turns pauses so
 * that other processes get the CPU. The time limit only guards against a hang; no machine may be too slow for it.
 */
export async function until(condition: () => boolean | Promise<boolean>, waitMsMax = 60_000): Promise<void> {
  const deadline = performance.now() + waitMsMax;
  for (let round = 0; !(await condition()); round += 1) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${condition.toString()}`);
    await (round < 100 ? turn() : pause(1));
  }
}

/** Returns a promise that the test settles. */
export function held() {
  let release = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { promise, release };
}

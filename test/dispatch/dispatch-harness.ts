import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import {
  Engine,
  SharedClock,
  resolveHandlerOptions,
  type ClockWatch,
  type DeliveryContext,
  type Dispatcher,
  type HandlerOptions,
  type HandlerSet,
  type HeaderMap,
  type Inbox,
  type Logger,
  type OpenSource,
  type Presence,
  type Purger,
  type Receiver,
  type Refusals,
  type RetentionOptions,
  type Role,
  type Source,
  type Store,
  type Subscription,
  type DispatchTransport,
  type WebhookEvent,
} from 'nestjs-runhooks/core';
import { ManualClock, memoryInbox } from 'nestjs-runhooks/testing';
import { ProbeProvider, SIGNATURE, type ProbeMessage } from './probe-provider.js';

export const START = new Date('2026-11-23T12:00:00.000Z');

export interface HarnessOptions {
  /** Shared with another harness: as two processes on one inbox. */
  readonly store?: Store;
  readonly clock?: ManualClock;
  readonly concurrency?: number;
  readonly abortGraceMs?: number;
  readonly retention?: RetentionOptions;
  /** In place of `clock`: the store's own, as an app has it that names none. */
  readonly hostClock?: ManualClock;
  readonly role?: Role;
  readonly transport?: DispatchTransport;
  /** Beside the probe's. */
  readonly sources?: readonly Source[];
}

export type Run = (event: WebhookEvent, delivery: DeliveryContext) => unknown;

/** What a handler is added with: its options, and what it wants. */
export interface Handling extends HandlerOptions {
  readonly types?: readonly string[];
  /** Messages of the probe instead of events about runs. */
  readonly messages?: boolean;
  /** What is derived from several messages, instead of events about runs. */
  readonly on?: Subscription['on'];
  readonly filter?: Subscription['filter'];
}

/** The engine of one app on a real store, with a clock that the test holds. */
export class DispatchHarness {
  readonly lines: string[] = [];
  /** Lines about messages that were read. */
  readonly parsedLines: string[] = [];
  readonly debugged: string[] = [];
  readonly logger: Logger;
  readonly provider = new ProbeProvider();
  readonly source: OpenSource;
  readonly #sources: ReadonlyMap<string, OpenSource>;
  readonly handlers: HandlerSet;
  readonly receiver: Receiver;
  readonly dispatcher: Dispatcher;
  /** Not started: a test that is about processes does that. */
  readonly presence: Presence;
  /** Held by the test: the one that decides, or its host's. */
  readonly clock: ManualClock;
  readonly purger: Purger;
  readonly watch: ClockWatch;
  readonly inbox: Inbox;
  /** Looks when a test says so; its time is that of the clock. */
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
    // What is said of every message would only be in the way.
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
  }

  static async open(options: HarnessOptions = {}): Promise<DispatchHarness> {
    const { store = await openStore(), clock = new ManualClock(START) } = options;
    return new DispatchHarness(store, clock, options);
  }

  /** A handler, tried again without delay unless told otherwise. */
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

  /** Receives a message; answers its id. */
  async send(message: ProbeMessage = {}): Promise<string> {
    return await this.receive('probe', { body: Buffer.from(JSON.stringify(message)), headers: SIGNATURE });
  }

  /** Receives what a source was sent; answers the id of the message. */
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

  /** The deliveries of a handler, oldest first. */
  async deliveries(handlerId: string) {
    return [...(await this.inbox.deliveries({ handlerId }, { limit: 1_000 })).items].reverse();
  }

  /** The state of the only delivery of a handler, and the outcomes of its attempts. */
  async outcome(handlerId: string): Promise<[state: string, ...outcomes: string[]]> {
    const [delivery, ...more] = await this.deliveries(handlerId);
    if (!delivery || more.length > 0) throw new Error(`expected one delivery of ${handlerId}`);
    const attempts = await this.inbox.attempts(delivery.id);
    return [delivery.state, ...attempts.map(({ outcome, error }) => (error ? error.name : outcome))];
  }

  async close(): Promise<void> {
    await this.purger.stop();
    await this.dispatcher.stop(0);
    await this.presence.stop();
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
 * Resolves as soon as the condition holds: looks again whenever the event loop has gone round, and after some rounds
 * leaves the processor to whom it waits for. The time only guards against a hang; no machine may be too slow for it.
 */
export async function until(condition: () => boolean | Promise<boolean>, waitMsMax = 60_000): Promise<void> {
  const deadline = performance.now() + waitMsMax;
  for (let round = 0; !(await condition()); round += 1) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${condition.toString()}`);
    await (round < 100 ? turn() : pause(1));
  }
}

/** A promise to be settled by the test. */
export function held() {
  let release = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { promise, release };
}

import { Carrier } from '../deliveries/carrier.js';
import { DeliveryRunner, type DeliveryRunning } from '../deliveries/delivery-runner.js';
import type { DispatchTransport } from '../deliveries/dispatch-transport.js';
import type { WebhookEvent } from '../events/event.js';
import { LIMITS } from '../limits.js';
import { MessageLog } from '../parsing/message-log.js';
import { MessageParser } from '../parsing/message-parser.js';
import { MessageRunner } from '../parsing/message-runner.js';
import type { OwnMessages } from '../receiver/own-messages.js';
import type { OpenSource } from '../sources/source.js';
import type { Claim } from '../store/claim.js';
import type { OnEvents } from '../store/recording.js';
import { claimToken } from '../store/claim-token.js';
import { TaskEvaluator } from '../tasks/task-evaluator.js';
import { TaskPlanner } from '../tasks/task-planner.js';
import { TaskRunner } from '../tasks/task-runner.js';
import { timers } from '../time/timers.js';
import { announcerOf } from './announce-events.js';
import type { Presence } from './presence.js';
import { WakeUp } from '../time/wake-up.js';

/** Options for a dispatcher. */
export interface DispatcherOptions extends DeliveryRunning {
  /** Messages that this process stores as already claimed. */
  readonly own: OwnMessages;
  readonly sources: readonly OpenSource[];
  readonly presence: Presence;
  /** Brings due deliveries to workers. @default none: workers claim them from the inbox */
  readonly transport?: DispatchTransport;
  /**
   * Called for each new event after this process has recorded it. It is called in one process only, and not for messages
   * that are reparsed without running handlers. Must not throw.
   */
  readonly onRecorded?: (event: WebhookEvent) => void;
}

/**
 * Worker: claims due work under a lease, parses messages and runs handlers. It is woken when this process stores a message,
 * or when the store reports work of another process. It also polls once a second.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** Passes new events of this process to the app. Absent if the app does not listen. */
  readonly onEvents: OnEvents | undefined;
  readonly #sources: ReadonlyMap<string, OpenSource>;
  readonly #messages: MessageRunner;
  readonly #log: MessageLog;
  readonly #tasks: TaskRunner;
  readonly #deliveries: DeliveryRunner;
  readonly #carrier: Carrier | undefined;
  readonly #wakeUp = new WakeUp();
  /** Wakes a pass when a handler has ended, or when messages were recorded. */
  readonly #change = new WakeUp();
  /** The last pass. Passes run one after the other, so that no two use the same free places. */
  #lastPass: Promise<unknown> = Promise.resolve();
  #loop: Promise<void> | undefined;
  #endHeartbeats: (() => void) | undefined;
  #stopping = false;

  constructor(options: DispatcherOptions) {
    const { store, handlers, router, clock, logger, guard, transport, own, onRecorded } = options;
    const concurrency = Math.min(options.concurrency, transport?.concurrency ?? Infinity);
    this.#options = options;
    this.#sources = new Map(options.sources.map((source) => [source.name, source]));
    const planner = new TaskPlanner(handlers);
    const onEvents = onRecorded && announcerOf(this.#sources, onRecorded);
    this.onEvents = onEvents;
    this.#log = new MessageLog(logger, handlers);
    const evaluator = new TaskEvaluator(handlers, router, planner);
    this.#tasks = new TaskRunner({ store, handlers, evaluator, logger, guard, ...(onEvents && { onEvents }) });
    const deliveries = new DeliveryRunner({
      ...options,
      concurrency,
      lease: own.lease,
      readyMax: concurrency * LIMITS.readyPerPlaceMax,
      readyMs: transport ? LIMITS.readyWithTransportMs : LIMITS.readyMs,
      sources: this.#sources,
      onChange: () => {
        this.#wakeUp.now();
        this.#change.now();
      },
      ...(onEvents && { onEvents }),
    });
    this.#deliveries = deliveries;
    this.#messages = new MessageRunner({
      store,
      sources: [...this.#sources.keys()],
      parser: new MessageParser({ sources: this.#sources, router, planner, ready: deliveries.ready }),
      log: this.#log,
      own,
      onClaimed: (claimed, claimedAt) => deliveries.runClaimed(claimed, claimedAt),
      onDue: () => this.wake(),
      ...(onEvents && { onEvents }),
    });
    this.#carrier = transport && new Carrier({ transport, deliveries, concurrency, clock, logger });
  }

  /** Starts to claim work. A second call changes nothing. */
  start(): void {
    if (this.#loop) return;
    this.#options.store.onWork?.(() => this.wake());
    this.#endHeartbeats = this.#options.presence.keepLate();
    this.#options.own.open();
    this.#carrier?.start();
    this.#loop = this.#work();
  }

  /** Asks the store for due work now, because a message was stored or work became due. */
  wake(): void {
    this.#messages.hint.give();
    this.#tasks.hint.give();
    this.#deliveries.hint.give();
    this.#wakeUp.now();
  }

  /** Parses the messages that this process has stored as already claimed. */
  wakeForOwn(): void {
    this.#wakeUp.now();
  }

  /** Gives back the deliveries that this process keeps claimed and has not started. They are due, and run where they are claimed. */
  async giveBack(): Promise<void> {
    await this.#deliveries.giveBackAll();
  }

  /**
   * Stops claiming, waits up to `drainMs` for running handlers, then aborts them. Handlers that are still running 5 seconds
   * later are abandoned, and their deliveries are retried. A second call changes nothing.
   */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    this.wake();
    const carried = this.#carrier?.stop();
    const claimed = this.#deliveries.stop();
    await this.#options.own.close();
    await this.#loop;
    await this.#lastPass;
    await claimed;
    await this.#deliveries.giveBackAll();
    await this.#deliveries.drain(drainMs);
    await carried;
    this.#endHeartbeats?.();
    this.#log.stop();
  }

  /**
   * Parses and runs due work in this process, without the transport, until no work is due. Rejects if the store fails.
   */
  async runUntilIdle(): Promise<void> {
    while (!this.#stopping) {
      const settledBefore = this.#deliveries.settledCount;
      this.wake();
      const claimed = await this.#nextPass(() => this.#deliveries.startIfDue());
      // A delivery settled during the pass may have made work due that the pass did not see.
      if (this.#deliveries.settledCount !== settledBefore) continue;
      const settled = this.#deliveries.nextSettled();
      if (settled) await settled;
      else if (claimed === 0) return;
    }
  }

  async #work(): Promise<void> {
    const { guard, presence } = this.#options;
    const deliver = (): Promise<number> => this.#carrier?.carryDue() ?? this.#deliveries.startIfDue();
    while (!this.#stopping) {
      this.#wakeUp.reset();
      if (presence.isDue) await presence.renew();
      await this.#deliveries.giveBackOverdue();
      const claimed = await guard.write(() => this.#nextPass(deliver), 0);
      if (claimed === 0) await this.#rest();
    }
  }

  /** Sleeps until work is due. Work of this process wakes it; work of other processes is found by polling. */
  async #rest(): Promise<void> {
    const { clock } = this.#options;
    let waitMs: number = LIMITS.pollMs;
    while (!this.#stopping) {
      const { ready } = this.#deliveries;
      const woken = (await this.#wakeUp.wait(Math.min(waitMs, ready.overdueInMs))) || ready.overdueInMs <= 0;
      // Work that could not be recorded or given back is claimed, so a poll does not find it.
      if (woken || this.#options.own.isWaiting || this.#deliveries.hasLost) return;
      const dueAt = await this.#poll();
      const dueInMs = dueAt ? dueAt.getTime() - clock.now().getTime() : LIMITS.pollMs;
      if (dueInMs <= 0) {
        this.wake();
        return;
      }
      waitMs = Math.min(dueInMs, LIMITS.pollMs);
    }
  }

  /** Returns when the next work is due. If a heartbeat is due, both are one call of the store. */
  async #poll(): Promise<Date | undefined> {
    const { store, guard, handlers, presence } = this.#options;
    const scope = {
      sources: [...this.#sources.keys()],
      handlerIds: handlers.all().map(({ id }) => id),
      taskHandlerIds: handlers.taskHandlerIds(),
    };
    if (presence.isDue) return await presence.look(scope);
    return await guard.read(() => store.nextDueAt(scope), undefined);
  }

  #nextPass(deliver: () => Promise<number>): Promise<number> {
    const pass = this.#lastPass.then(() => this.#pass(deliver));
    this.#lastPass = pass.catch(() => undefined);
    return pass;
  }

  /** Parses messages and starts deliveries at the same time, so that they share commits. Returns how many items it claimed. */
  async #pass(deliver: () => Promise<number>): Promise<number> {
    // Handlers that end in this turn free their places first, and are recorded in the same commit as these claims.
    await new Promise<void>((resolve) => timers.nextTick(resolve));
    const parsing = this.#parseDue();
    const steps = [parsing, this.#deliverDuring(parsing, deliver)];
    // Both steps must have ended before the next pass begins, even if one fails.
    await Promise.allSettled(steps);
    return (await Promise.all(steps)).reduce((sum, claimed) => sum + claimed, 0);
  }

  async #parseDue(): Promise<number> {
    const { own } = this.#options;
    const parsed = await this.#messages.runDue(this.#claim(LIMITS.claimMax));
    // A message that is not parsed yet may report the end of a watched run, but only of its own source.
    const unlessDue = parsed < LIMITS.claimMax ? [] : [...this.#sources.keys()];
    const exceptSources = own.sourcesLeft;
    const evaluated = await this.#tasks.runDue({ ...this.#claim(LIMITS.claimMax), unlessDue, exceptSources });
    if (evaluated > 0) this.#deliveries.hint.give();
    return parsed + evaluated;
  }

  /** Starts deliveries at once, when places become free during parsing, which can take a second, and once it has ended. */
  async #deliverDuring(parsing: Promise<number>, deliver: () => Promise<number>): Promise<number> {
    let isParsing = true;
    let isMoreDue = true;
    const end = (claimed: number): void => {
      isParsing = false;
      isMoreDue = claimed > 0;
      this.#change.now();
    };
    this.#change.reset();
    parsing.then(end, () => end(0));
    await this.#deliveries.giveBackLost();
    let started = await deliver();
    while (isParsing) {
      await this.#change.wait(Math.min(LIMITS.pollMs, this.#deliveries.ready.overdueInMs));
      this.#change.reset();
      await this.#deliveries.giveBackOverdue();
      await this.#deliveries.giveBackLost();
      if (isMoreDue) started += await deliver();
    }
    return started;
  }

  #claim(limit: number): Claim {
    const { clock, own } = this.#options;
    return { now: clock.now(), leaseMs: LIMITS.leaseMs, limit, lease: claimToken(own.lease) };
  }
}

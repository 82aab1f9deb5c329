import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { AbandonedCalls } from '../deliveries/abandoned-calls.js';
import { Carrier } from '../deliveries/carrier.js';
import { DeliveryRunner } from '../deliveries/delivery-runner.js';
import type { DispatchTransport } from '../deliveries/dispatch-transport.js';
import type { WebhookEvent } from '../events/event.js';
import type { HandlerSet } from '../handlers/handler-set.js';
import type { Router } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../logger.js';
import { MessageLog } from '../parsing/message-log.js';
import { MessageParser } from '../parsing/message-parser.js';
import { MessageRunner } from '../parsing/message-runner.js';
import type { OpenSource } from '../sources/source.js';
import type { Claim } from '../store/claim.js';
import type { StoreGuard } from '../store/store-guard.js';
import type { Store } from '../store/store.js';
import { TaskEvaluator } from '../tasks/task-evaluator.js';
import { TaskPlanner } from '../tasks/task-planner.js';
import { TaskRunner } from '../tasks/task-runner.js';
import { timers } from '../timers.js';
import { announcerOf } from './announce-events.js';
import type { Presence } from './presence.js';
import { WakeUp } from './wake-up.js';

export interface DispatcherOptions {
  readonly store: Store;
  readonly sources: readonly OpenSource[];
  readonly handlers: HandlerSet;
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly guard: StoreGuard;
  readonly presence: Presence;
  /** Handlers that may run at the same time in this process. */
  readonly concurrency: number;
  /** After a handler's signal was aborted, how long the next attempt waits for it to settle. */
  readonly abortGraceMs: number;
  /** Calls that outlive their attempts are counted there. */
  readonly abandoned: AbandonedCalls;
  /** Brings due deliveries to the processes that run them. @default none: they are claimed from the inbox */
  readonly transport?: DispatchTransport;
  /**
   * Called for each new event, after this process recorded it: at most once over all processes, and never for messages
   * that are read again quietly. Must not throw.
   */
  readonly onRecorded?: (event: WebhookEvent) => void;
}

/**
 * Claims due work under a lease: reads messages, runs handlers. It is woken when this process stores a message, or another
 * one where the store can tell, and asks once a second for what others stored or what became due.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #sources: ReadonlyMap<string, OpenSource>;
  readonly #messages: MessageRunner;
  readonly #tasks: TaskRunner;
  readonly #deliveries: DeliveryRunner;
  readonly #carrier: Carrier | undefined;
  readonly #wakeUp = new WakeUp();
  /** Calls when a handler has ended, or was recorded. */
  readonly #change = new WakeUp();
  /** The last pass begun: passes follow each other, so that no two of them fill the same room. */
  #lastPass: Promise<unknown> = Promise.resolve();
  #loop: Promise<void> | undefined;
  #stopping = false;

  constructor(options: DispatcherOptions) {
    const { store, handlers, router, clock, logger, guard, concurrency, transport, onRecorded } = options;
    this.#options = options;
    this.#sources = new Map(options.sources.map((source) => [source.name, source]));
    const planner = new TaskPlanner(handlers);
    const onEvents = onRecorded && announcerOf(this.#sources, onRecorded);
    this.#messages = new MessageRunner({
      store,
      sources: [...this.#sources.keys()],
      parser: new MessageParser(this.#sources, router, planner),
      log: new MessageLog(logger, handlers),
      ...(onEvents && { onEvents }),
    });
    const evaluator = new TaskEvaluator(handlers, router, planner);
    this.#tasks = new TaskRunner({ store, handlers, evaluator, logger, guard, ...(onEvents && { onEvents }) });
    const deliveries = new DeliveryRunner({
      ...options,
      sources: this.#sources,
      onChange: () => {
        this.wake();
        this.#change.now();
      },
      onDeadLetter: (event, message) => onEvents?.([event], message),
    });
    this.#deliveries = deliveries;
    this.#carrier = transport && new Carrier({ transport, deliveries, concurrency, clock, logger });
  }

  /** Starts looking for work. Calling it again changes nothing. */
  start(): void {
    if (this.#loop) return;
    this.#options.store.onWork?.(() => this.wake());
    this.#carrier?.start();
    this.#loop = this.#work();
  }

  /** Look now: something was stored or became due. */
  wake(): void {
    this.#wakeUp.now();
  }

  /**
   * Stops claiming, waits up to `drainMs` for running handlers, then aborts them. Those that do not settle even then
   * are given back, to be attempted again. Calling it again changes nothing.
   */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    this.wake();
    const carried = this.#carrier?.stop();
    const claimed = this.#deliveries.stop();
    await this.#loop;
    await this.#lastPass;
    await claimed;
    await this.#deliveries.drain(drainMs);
    await carried;
  }

  /**
   * Reads and runs all that is due now, and what follows from it, until nothing is; here, whatever a transport would
   * do. Rejects if the store fails.
   */
  async runUntilIdle(): Promise<void> {
    while (!this.#stopping) {
      const settledBefore = this.#deliveries.settledCount;
      const claimed = await this.#nextPass(() => this.#deliveries.startDue());
      const settled = this.#deliveries.nextSettled();
      if (settled) await settled;
      // A delivery settled during the pass may have made work due that the pass did not see.
      else if (claimed === 0 && this.#deliveries.settledCount === settledBefore) return;
    }
  }

  async #work(): Promise<void> {
    const { guard, presence } = this.#options;
    const deliver = (): Promise<number> => this.#carrier?.carryDue() ?? this.#deliveries.startDue();
    while (!this.#stopping) {
      this.#wakeUp.reset();
      if (presence.isDue) await presence.renew();
      const claimed = await guard.write(() => this.#nextPass(deliver), 0);
      if (claimed === 0) await this.#rest();
    }
  }

  /** Until something is due: in this process we are woken, of others we learn by asking. */
  async #rest(): Promise<void> {
    const { clock } = this.#options;
    let waitMs: number = LIMITS.pollMs;
    while (!this.#stopping) {
      const woken = await this.#wakeUp.wait(waitMs);
      if (woken) return;
      const dueAt = await this.#look();
      const dueInMs = dueAt ? dueAt.getTime() - clock.now().getTime() : LIMITS.pollMs;
      if (dueInMs <= 0) return;
      waitMs = Math.min(dueInMs, LIMITS.pollMs);
    }
  }

  /** When the next work is due. Now and then the same question says that this process lives. */
  async #look(): Promise<Date | undefined> {
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

  /** Reads what is stored and starts what is due, side by side: so they share commits. Answers how much it claimed. */
  async #pass(deliver: () => Promise<number>): Promise<number> {
    // Handlers that end in this very turn make room first, and are recorded by the commit of these claims.
    await new Promise<void>((resolve) => timers.nextTick(resolve));
    const reading = this.#readDue();
    const steps = [reading, this.#deliverBeside(reading, deliver)];
    // Even where one fails, none is still under way when the next pass begins.
    await Promise.allSettled(steps);
    return (await Promise.all(steps)).reduce((sum, claimed) => sum + claimed, 0);
  }

  async #readDue(): Promise<number> {
    const read = await this.#messages.runDue(this.#claim(LIMITS.claimMax));
    // What is left to read may say that a watched run is over, but only of the same source.
    const unlessDue = read < LIMITS.claimMax ? [] : [...this.#sources.keys()];
    return read + (await this.#tasks.runDue({ ...this.#claim(LIMITS.claimMax), unlessDue }));
  }

  /** At once, when something was read, and between whenever there is room again: many messages take a second to be recorded. */
  async #deliverBeside(reading: Promise<number>, deliver: () => Promise<number>): Promise<number> {
    let isParseResult = true;
    let isMoreDue = true;
    const end = (claimed: number): void => {
      isParseResult = false;
      isMoreDue = claimed > 0;
      this.#change.now();
    };
    this.#change.reset();
    reading.then(end, () => end(0));
    let started = await deliver();
    while (isParseResult) {
      await this.#change.wait(LIMITS.pollMs);
      this.#change.reset();
      if (isMoreDue) started += await deliver();
    }
    return started;
  }

  #claim(limit: number): Claim {
    return { now: this.#options.clock.now(), leaseMs: LIMITS.leaseMs, limit, lease: randomUUID() };
  }
}

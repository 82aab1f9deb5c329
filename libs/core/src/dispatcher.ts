import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AttemptsInFlight } from './attempts-in-flight.js';
import type { Clock } from './clock.js';
import { PermanentError } from './errors.js';
import type { WebhookEvent } from './event.js';
import { EventAnnouncer } from './event-announcer.js';
import { restoreEvent } from './event-data.js';
import type { HandlerSet } from './handler-set.js';
import { LIMITS } from './limits.js';
import type { Logger } from './logger.js';
import { MessageReader } from './message-reader.js';
import type { Router } from './routing.js';
import type { OpenSource } from './source.js';
import type { Claim, ClaimedDelivery, ClaimedMessage, Recorded, Recording, Store } from './store.js';
import type { StoreGuard } from './store-guard.js';
import { TaskEvaluator } from './task-evaluator.js';
import { TaskPlanner } from './task-planner.js';
import { TaskRunner } from './task-runner.js';
import { WakeUp } from './wake-up.js';

export interface DispatcherOptions {
  readonly store: Store;
  readonly sources: readonly OpenSource[];
  readonly handlers: HandlerSet;
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly guard: StoreGuard;
  /** Handlers that may run at the same time in this process. */
  readonly concurrency: number;
  /** After a handler's signal was aborted, how long the next attempt waits for it to settle. */
  readonly abortGraceMs: number;
  /**
   * Called for each new event, after this process recorded it: at most once over all processes, and never for messages
   * that are read again quietly. Must not throw.
   */
  readonly onRecorded?: (event: WebhookEvent) => void;
}

/** Handlers that one claim can serve, and how many of their deliveries may start. */
interface Opening {
  readonly handlerIds: string[];
  readonly free: number;
}

/**
 * Claims due work under a lease: reads messages, runs handlers. It is woken when this process stores a message, and
 * asks once a second for what others stored or what became due.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #sources: ReadonlyMap<string, OpenSource>;
  readonly #reader: MessageReader;
  readonly #tasks: TaskRunner;
  readonly #attempts: AttemptsInFlight;
  readonly #announcer: EventAnnouncer;
  readonly #wakeUp = new WakeUp();
  /** The last pass begun: passes follow each other, so that no two of them fill the same room. */
  #lastPass: Promise<unknown> = Promise.resolve();
  #loop: Promise<void> | undefined;
  #stopping = false;
  /** Messages that were read here to the end: if they come again, it was the store that failed. */
  readonly #unrecorded = new Set<string>();
  /** The group of handlers whose turn it is. */
  #turn = 0;

  constructor(options: DispatcherOptions) {
    const { store, router, clock, logger, guard, abortGraceMs, onRecorded } = options;
    this.#options = options;
    this.#sources = new Map(options.sources.map((source) => [source.name, source]));
    this.#reader = new MessageReader(this.#sources, router, new TaskPlanner(options.handlers));
    const announcer = new EventAnnouncer(this.#sources, onRecorded);
    this.#announcer = announcer;
    const evaluator = new TaskEvaluator(options.handlers, router);
    this.#tasks = new TaskRunner({ store, handlers: options.handlers, evaluator, announcer, logger, guard });
    this.#attempts = new AttemptsInFlight({
      store,
      router,
      clock,
      logger,
      guard,
      abortGraceMs,
      onChange: () => this.wake(),
      onDeadLetter: (event, message) => announcer.announce([event], message),
    });
  }

  /** Starts looking for work. Calling it again changes nothing. */
  start(): void {
    this.#loop ??= this.#work();
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
    await this.#loop;
    await this.#lastPass;
    await this.#attempts.drain(drainMs);
  }

  /** Reads and runs all that is due now, and what follows from it, until nothing is. Rejects if the store fails. */
  async runUntilIdle(): Promise<void> {
    while (!this.#stopping) {
      const claimed = await this.#nextPass();
      const recorded = this.#attempts.nextRecord();
      if (recorded) await recorded;
      else if (claimed === 0) return;
    }
  }

  async #work(): Promise<void> {
    const { guard } = this.#options;
    while (!this.#stopping) {
      this.#wakeUp.reset();
      const claimed = await guard.write(() => this.#nextPass(), 0);
      if (claimed === 0) await this.#rest();
    }
  }

  /** Until something is due: in this process we are woken, of others we learn by asking. */
  async #rest(): Promise<void> {
    const { store, guard, handlers, clock } = this.#options;
    let waitMs: number = LIMITS.pollMs;
    while (!this.#stopping) {
      const woken = await this.#wakeUp.wait(waitMs);
      if (woken) return;
      const scope = {
        sources: [...this.#sources.keys()],
        handlerIds: handlers.all().map(({ id }) => id),
        taskHandlerIds: handlers.watching().map(({ id }) => id),
      };
      const dueAt = await guard.read(() => store.nextDueAt(scope), undefined);
      const dueInMs = dueAt ? dueAt.getTime() - clock.now().getTime() : LIMITS.pollMs;
      if (dueInMs <= 0) return;
      waitMs = Math.min(dueInMs, LIMITS.pollMs);
    }
  }

  #nextPass(): Promise<number> {
    const pass = this.#lastPass.then(() => this.#pass());
    this.#lastPass = pass.catch(() => undefined);
    return pass;
  }

  /** Reads what is stored and starts what is due, side by side: so they share commits. Answers how much it claimed. */
  async #pass(): Promise<number> {
    // Handlers that end in this very turn make room first, and are recorded by the commit of these claims.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const steps = [this.#readMessages(), this.#tasks.runDue(this.#claim(LIMITS.claimMax)), this.#startDue()];
    // Even where one fails, none is still under way when the next pass begins.
    await Promise.allSettled(steps);
    return (await Promise.all(steps)).reduce((sum, claimed) => sum + claimed, 0);
  }

  /** Serves the groups of handlers in turn: however much waits for one of them, it does not take all the room. */
  async #startDue(): Promise<number> {
    const openings = this.#openings();
    const first = this.#turn;
    let started = 0;
    for (let index = first; index < first + openings.length; index++) {
      const { handlerIds, free } = openings[index % openings.length] as Opening;
      const count = await this.#startDeliveries(handlerIds, free);
      if (count > 0) this.#turn = (index + 1) % openings.length;
      started += count;
    }
    return started;
  }

  async #readMessages(): Promise<number> {
    const { store } = this.#options;
    const claim = this.#claim(LIMITS.claimMax);
    const messages = await store.claimMessages({ ...claim, sources: [...this.#sources.keys()] });
    if (messages.length === 0) return 0;
    const recordings = await this.#readInTurns(messages, claim);
    for (const { id } of messages) this.#unrecorded.add(id);
    const recorded = await store.record(recordings, claim.now);
    for (const { id } of messages) this.#unrecorded.delete(id);
    recorded.forEach((result, index) => this.#told(messages[index], recordings[index], result));
    return messages.length;
  }

  /** Many messages that each take long to read must not hold up the event loop together. */
  async #readInTurns(messages: readonly ClaimedMessage[], claim: Claim): Promise<Recording[]> {
    const recordings: Recording[] = [];
    let turnEndsAt = performance.now() + LIMITS.readTurnMs;
    for (const message of messages) {
      if (performance.now() >= turnEndsAt) {
        await nextTurn();
        turnEndsAt = performance.now() + LIMITS.readTurnMs;
      }
      recordings.push(this.#announcer.watched(this.#read(message, claim)));
    }
    return recordings;
  }

  /** A message whose reading was begun before was taken alone since then, so that nothing else ended the process. */
  #read(message: ClaimedMessage, { lease, now }: Claim): Recording {
    const diesOf = message.reads > LIMITS.readsMax && !this.#unrecorded.has(message.id);
    return diesOf ? this.#reader.giveUp(message, lease, now) : this.#reader.read(message, lease, now);
  }

  #told(message: ClaimedMessage | undefined, recording: Recording | undefined, result: Recorded): void {
    if (!message || !recording || !result.recorded) return;
    this.#log(message, recording, result);
    if (message.quiet) return;
    const isNew = new Set(result.eventIds);
    const events = this.#announcer.eventsOf(recording).filter(({ id }) => isNew.has(id));
    this.#announcer.announce(events, message);
  }

  #log(message: ClaimedMessage, recording: Recording, result: Recorded): void {
    const { logger } = this.#options;
    const said = `message ${message.id} from source "${message.source}"`;
    if (recording.state !== 'read') logger.warn(`${said} is kept as ${recording.state}: ${recording.reason ?? ''}`);
    if (result.idReused) logger.warn(`${said} has the id of an earlier message, but another body; both are kept`);
    if (result.contradicts) {
      logger.warn(
        `${said} says that run ${recording.run?.runId} ${result.contradicts}, which ended differently before; the first outcome stays`,
      );
    }
  }

  /** Which handlers have room, in groups that one claim can serve: all unbounded ones together, each bounded one alone. */
  #openings(): Opening[] {
    const shared: Opening = { handlerIds: [], free: this.#freeRoom() };
    const openings = [shared];
    for (const { id, concurrency } of this.#options.handlers.all()) {
      if (concurrency === undefined) shared.handlerIds.push(id);
      else openings.push({ handlerIds: [id], free: concurrency - this.#attempts.running(id) });
    }
    return openings.filter(({ handlerIds }) => handlerIds.length > 0);
  }

  async #startDeliveries(handlerIds: readonly string[], free: number): Promise<number> {
    const limit = Math.min(free, this.#freeRoom());
    if (limit <= 0 || this.#stopping) return 0;
    const claim = this.#claim(limit);
    await this.#attempts.renewOverdue(claim.now);
    const deliveries = await this.#options.store.claimDeliveries({ ...claim, handlerIds });
    for (const delivery of deliveries) this.#start(delivery, claim.now);
    return deliveries.length;
  }

  #start(delivery: ClaimedDelivery, claimedAt: Date): void {
    const handler = this.#options.handlers.get(delivery.handlerId);
    if (!handler)
      throw new Error(`the store gave out a delivery of handler "${delivery.handlerId}", which was not asked for`);
    const provider = this.#sources.get(delivery.event.source)?.provider;
    const begun = delivery.attempt - delivery.attemptsBefore - 1;
    const isLost = begun >= handler.retry.attemptsMax + LIMITS.attemptsLostMax;
    const restore = (): WebhookEvent => {
      if (isLost) throw new PermanentError(`it was begun ${begun} times without an end; does it end the process?`);
      return restoreEvent(delivery.event, delivery.message, provider);
    };
    this.#attempts.start(delivery, handler, restore, claimedAt);
  }

  #freeRoom(): number {
    return this.#options.concurrency - this.#attempts.running();
  }

  #claim(limit: number): Claim {
    return { now: this.#options.clock.now(), leaseMs: LIMITS.leaseMs, limit, lease: randomUUID() };
  }
}

import type { AttemptOutcome, AttemptRecord } from '../store/delivery.js';
import { attemptError } from '../thrown.js';
import { HandlerTimeoutError } from '../errors.js';
import type { WebhookEvent } from '../events/event.js';
import type { Subscription } from '../handlers/subscription.js';
import { wants, type DeliveryContext, type Handler } from '../handlers/handler.js';
import type { LogFields } from '../logger.js';
import type { ClaimedDelivery } from '../store/claim.js';
import { timers } from '../timers.js';

/** How an attempt ended. */
export type AttemptResult =
  { readonly outcome: Exclude<AttemptOutcome, 'failed'> } | { readonly outcome: 'failed'; readonly thrown: unknown };

/** Lets a handler write in the transaction that settles its delivery. */
export type Complete = (attempt: Attempt, work: CompletionWork) => Promise<void>;
export type CompletionWork = Parameters<DeliveryContext['completeWith']>[0];

/**
 * One execution of a handler. It ends when the handler settles; or, once its signal was aborted, when a grace has
 * passed: then {@link settled} tells when the handler that would not stop is really over.
 */
export class Attempt {
  readonly delivery: ClaimedDelivery;
  readonly handler: Handler;
  readonly startedAt: Date;
  /** Resolves when this attempt can be recorded. Never rejects. */
  readonly ended: Promise<AttemptResult>;
  /** Resolves when the handler's own promise has settled. Never rejects. */
  readonly settled: Promise<void>;
  readonly #abort = new AbortController();
  readonly #complete: Complete;
  /** As long as it is under way. */
  #completion: Promise<void> | undefined;
  #isCompleted = false;
  #giveUp: ((result: AttemptResult) => void) | undefined;
  readonly #graces: NodeJS.Timeout[] = [];
  #runId: string | undefined;
  #over = false;

  constructor(
    delivery: ClaimedDelivery,
    handler: Handler,
    restore: () => WebhookEvent,
    startedAt: Date,
    graceMs: number,
    complete: Complete,
  ) {
    this.delivery = delivery;
    this.handler = handler;
    this.startedAt = startedAt;
    this.#complete = complete;
    const run = this.#run(restore).then(
      (outcome): AttemptResult => ({ outcome }),
      (thrown: unknown): AttemptResult => ({ outcome: 'failed', thrown }),
    );
    this.settled = run.then(() => undefined);
    this.ended = this.#end(run, graceMs);
  }

  /** Whether it can be recorded, or was: its handler may still run. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Whether its success was written already, together with what its handler wrote. */
  get isCompleted(): boolean {
    return this.#isCompleted;
  }

  /** For the lines about it. */
  get fields(): LogFields {
    const { delivery, handler } = this;
    const { id: eventId, source, messageId } = delivery.event;
    const ids = { source, messageId, eventId, runId: this.#runId, handlerId: handler.id };
    return { ...ids, deliveryId: delivery.id, attempt: delivery.attempt };
  }

  /** Aborted when the handler is asked to stop. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Why the handler was asked to stop; undefined if it was not. */
  get abortedBy(): unknown {
    return this.#abort.signal.aborted ? this.#abort.signal.reason : undefined;
  }

  /**
   * Asks the handler to stop. If it does not settle within `graceMs`, the attempt ends with `reason` as its error.
   * Aborted again, it keeps the first reason and the grace that is over first.
   */
  abort(reason: Error, graceMs: number): void {
    if (this.#over) return;
    this.#abort.abort(reason);
    this.#graces.push(timers.setTimeout(() => this.#giveUp?.({ outcome: 'failed', thrown: this.abortedBy }), graceMs));
  }

  async #run(restore: () => WebhookEvent): Promise<Exclude<AttemptOutcome, 'failed'>> {
    const { delivery, handler } = this;
    const event = restore();
    this.#runId = 'run' in event ? event.run?.id : undefined;
    if (!(await this.#isWanted(event))) return 'skipped';
    const context: DeliveryContext = {
      id: delivery.id,
      handlerId: handler.id,
      attempt: delivery.attempt,
      eventId: delivery.event.id,
      messageId: delivery.event.messageId,
      isReplay: delivery.replayId !== '',
      signal: this.#abort.signal,
      completeWith: (work) => this.#completeWith(work),
    };
    await handler.invoke(event, context);
    // A handler may have forgotten to wait for it.
    await this.#completion;
    return 'succeeded';
  }

  async #completeWith(work: CompletionWork): Promise<void> {
    this.#abort.signal.throwIfAborted();
    if (this.#completion || this.#isCompleted) throw new Error('a delivery can be completed only once');
    this.#completion = this.#complete(this, work).then(() => {
      this.#isCompleted = true;
    });
    try {
      await this.#completion;
    } finally {
      this.#completion = undefined;
    }
  }

  /** Whether any subscription that wants the event has no `when`, or one that says yes. */
  async #isWanted(event: WebhookEvent): Promise<boolean> {
    const candidates = this.handler.subscriptions.filter((subscription) => wants(subscription, event));
    if (candidates.length === 0 || candidates.some(({ when }) => when === undefined)) return true;
    for (const { when } of candidates) {
      if (await (when as NonNullable<Subscription['when']>)(event as never)) return true;
    }
    return false;
  }

  async #end(run: Promise<AttemptResult>, graceMs: number): Promise<AttemptResult> {
    const { id, timeoutMs } = this.handler;
    const timeout = timers.setTimeout(() => this.abort(new HandlerTimeoutError(id, timeoutMs), graceMs), timeoutMs);
    const gaveUp = new Promise<AttemptResult>((resolve) => {
      this.#giveUp = resolve;
    });
    try {
      return await Promise.race([run, gaveUp]);
    } finally {
      this.#over = true;
      timers.clearTimeout(timeout);
      for (const grace of this.#graces) timers.clearTimeout(grace);
    }
  }
}

/** What is kept of an attempt. By a clock that was set back meanwhile it would have ended before it began. */
export function attemptRecord(startedAt: Date, endedAt: Date, result: AttemptResult): AttemptRecord {
  const finishedAt = endedAt < startedAt ? startedAt : endedAt;
  if (result.outcome !== 'failed') return { startedAt, finishedAt, outcome: result.outcome };
  return { startedAt, finishedAt, outcome: 'failed', error: attemptError(result.thrown) };
}

import type { AttemptOutcome, AttemptRecord } from '../store/delivery.js';
import { attemptError } from '../thrown.js';
import { HandlerTimeoutError } from '../errors.js';
import type { WebhookEvent } from '../events/event.js';
import type { Subscription } from '../handlers/subscription.js';
import { wants, type DeliveryContext, type Handler } from '../handlers/handler.js';
import type { LogFields } from '../log/logger.js';
import type { ClaimedDelivery } from '../store/claim.js';
import { timers } from '../time/timers.js';

/** Outcome of an attempt. */
export type AttemptResult =
  { readonly outcome: Exclude<AttemptOutcome, 'failed'> } | { readonly outcome: 'failed'; readonly thrown: unknown };

/** Work that a handler passes to `completeWith`. */
export type CompletionWork = Parameters<DeliveryContext['completeWith']>[0];

/** Options for an attempt. */
export interface AttemptOptions {
  readonly delivery: ClaimedDelivery;
  readonly handler: Handler;
  /** Builds the event; an error fails the attempt. */
  readonly restore: () => WebhookEvent;
  readonly startedAt: Date;
  /** Time the handler has to return after its timeout, in ms. */
  readonly graceMs: number;
  /** Runs work of the handler in the transaction that settles its delivery. */
  readonly complete: (attempt: Attempt, work: CompletionWork) => Promise<void>;
}

/**
 * One execution of a handler. It ends when the handler returns or throws or, if its signal was aborted, after a grace
 * period. {@link settled} resolves when a handler that ignored its signal has really ended.
 */
export class Attempt {
  readonly delivery: ClaimedDelivery;
  readonly handler: Handler;
  readonly startedAt: Date;
  /** Resolves when the delivery can be settled. Never rejects. */
  readonly ended: Promise<AttemptResult>;
  /** Resolves when the handler has returned or thrown. Never rejects. */
  readonly settled: Promise<void>;
  /** Created at its first use, because it is expensive and most handlers never use their signal. */
  #controller: AbortController | undefined;
  readonly #complete: AttemptOptions['complete'];
  /** Set while a `completeWith` is under way. */
  #completion: Promise<void> | undefined;
  #isCompleted = false;
  #giveUp: ((result: AttemptResult) => void) | undefined;
  readonly #graces: NodeJS.Timeout[] = [];
  #runId: string | undefined;
  #over = false;

  constructor({ delivery, handler, restore, startedAt, graceMs, complete }: AttemptOptions) {
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

  /** Whether `completeWith` has settled the delivery. */
  get isCompleted(): boolean {
    return this.#isCompleted;
  }

  /** Ids for log lines about this attempt. */
  get fields(): LogFields {
    const { delivery, handler } = this;
    const { id: eventId, source, messageId } = delivery.event;
    const ids = { source, messageId, eventId, runId: this.#runId, handlerId: handler.id };
    return { ...ids, deliveryId: delivery.id, attempt: delivery.attempt };
  }

  /** Aborted when the handler must stop. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get #abort(): AbortController {
    return (this.#controller ??= new AbortController());
  }

  /** Reason the handler must stop; `undefined` if it may run. */
  get abortedBy(): unknown {
    const signal = this.#controller?.signal;
    return signal?.aborted === true ? signal.reason : undefined;
  }

  /**
   * Aborts the handler's signal. If the handler is still running after `graceMs`, the attempt fails with `reason`. A
   * second call keeps the first reason and the shorter of both grace periods.
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
    const signal = (): AbortSignal => this.signal;
    const context: DeliveryContext = {
      id: delivery.id,
      handlerId: handler.id,
      attempt: delivery.attempt,
      eventId: delivery.event.id,
      ...(delivery.event.messageId !== undefined && { messageId: delivery.event.messageId }),
      isReplay: delivery.replayId !== '',
      get signal() {
        return signal();
      },
      completeWith: (work) => this.#completeWith(work),
    };
    const { id, lease, waitingSince } = delivery;
    await handler.invoke(event, context, { id, lease, ...(waitingSince && { waitingSince }) });
    // A handler may have forgotten to await it.
    await this.#completion;
    return 'succeeded';
  }

  async #completeWith(work: CompletionWork): Promise<void> {
    this.#controller?.signal.throwIfAborted();
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

  /** Returns whether a subscription that matches the event has no `when`, or one that returns true. */
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

/** Returns the record of an attempt. Its end is never before its start, even if the clock was set back in between. */
export function attemptRecord(startedAt: Date, endedAt: Date, result: AttemptResult): AttemptRecord {
  const finishedAt = endedAt < startedAt ? startedAt : endedAt;
  if (result.outcome !== 'failed') return { startedAt, finishedAt, outcome: result.outcome };
  return { startedAt, finishedAt, outcome: 'failed', error: attemptError(result.thrown) };
}

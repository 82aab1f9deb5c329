import { HandlerTimeoutError } from './errors.js';
import type { WebhookEvent } from './event.js';
import type { Subscription } from './filter.js';
import { wants, type DeliveryContext, type Handler } from './handler.js';
import { LIMITS } from './limits.js';
import type { AttemptOutcome, AttemptRecord, ClaimedDelivery } from './store.js';

/** How an attempt ended. */
export type AttemptResult =
  { readonly outcome: Exclude<AttemptOutcome, 'failed'> } | { readonly outcome: 'failed'; readonly thrown: unknown };

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

  constructor(delivery: ClaimedDelivery, handler: Handler, restore: () => WebhookEvent, startedAt: Date) {
    this.delivery = delivery;
    this.handler = handler;
    this.startedAt = startedAt;
    const run = this.#run(restore).then(
      (outcome): AttemptResult => ({ outcome }),
      (thrown: unknown): AttemptResult => ({ outcome: 'failed', thrown }),
    );
    this.settled = run.then(() => undefined);
    this.ended = this.#end(run);
  }

  /** Asks the handler to stop; `reason` becomes the attempt's error if it does not settle within the grace. */
  abort(reason: Error): void {
    this.#abort.abort(reason);
  }

  async #run(restore: () => WebhookEvent): Promise<Exclude<AttemptOutcome, 'failed'>> {
    const { delivery, handler } = this;
    const event = restore();
    if (!(await this.#isWanted(event))) return 'skipped';
    const context: DeliveryContext = {
      id: delivery.id,
      handlerId: handler.id,
      attempt: delivery.attempt,
      eventId: delivery.event.id,
      messageId: delivery.event.messageId,
      signal: this.#abort.signal,
    };
    await handler.invoke(event, context);
    return 'succeeded';
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

  async #end(run: Promise<AttemptResult>): Promise<AttemptResult> {
    const { id, timeoutMs } = this.handler;
    const timeout = setTimeout(() => this.abort(new HandlerTimeoutError(id, timeoutMs)), timeoutMs);
    let grace: NodeJS.Timeout | undefined;
    const gaveUp = new Promise<AttemptResult>((resolve) => {
      this.#abort.signal.addEventListener('abort', () => {
        const thrown: unknown = this.#abort.signal.reason;
        grace = setTimeout(() => resolve({ outcome: 'failed', thrown }), LIMITS.abortGraceMs);
      });
    });
    try {
      return await Promise.race([run, gaveUp]);
    } finally {
      clearTimeout(timeout);
      clearTimeout(grace);
    }
  }
}

/** What is kept of an attempt; the error is cut to bounds, whatever was thrown. */
export function attemptRecord(startedAt: Date, finishedAt: Date, result: AttemptResult): AttemptRecord {
  if (result.outcome !== 'failed') return { startedAt, finishedAt, outcome: result.outcome };
  const { name, message, stack } = asError(result.thrown);
  return {
    startedAt,
    finishedAt,
    outcome: 'failed',
    error: {
      name: name.slice(0, LIMITS.errorMessageCharsMax),
      message: message.slice(0, LIMITS.errorMessageCharsMax),
      stack: stack.slice(0, LIMITS.errorStackCharsMax),
    },
  };
}

/** Handlers may throw anything: `undefined`, a string, an object whose properties throw. */
export function asError(thrown: unknown): { name: string; message: string; stack: string } {
  try {
    if (thrown instanceof Error) {
      return { name: String(thrown.name), message: String(thrown.message), stack: String(thrown.stack ?? '') };
    }
    return { name: typeof thrown, message: `the handler threw a non-error: ${String(thrown)}`, stack: '' };
  } catch {
    return { name: typeof thrown, message: 'the handler threw something that cannot be shown', stack: '' };
  }
}

import type { WebhookEvent } from '../events/event.js';
import { restoreEvent } from '../events/event-data.js';
import { restoreMessage, type StoredMessage } from '../sources/message.js';
import type { NewEvent } from './recording.js';
import type { OpenSource } from '../sources/source.js';

/** A step of the store that decides, inside its transaction, which events there are. */
interface Deciding<Known, Decision extends { readonly events: readonly NewEvent[] }> {
  decide(known: Known): Decision;
}

/** Tells the app of each event that this process recorded, once it is recorded. */
export class EventAnnouncer {
  readonly #sources: ReadonlyMap<string, OpenSource>;
  readonly #tell: ((event: WebhookEvent) => void) | undefined;
  /** What was decided last by each watched step. */
  readonly #decided = new WeakMap<object, readonly NewEvent[]>();

  constructor(sources: ReadonlyMap<string, OpenSource>, tell: ((event: WebhookEvent) => void) | undefined) {
    this.#sources = sources;
    this.#tell = tell;
  }

  /** The same step, whose events can be had once it was written. */
  watched<Known, Decision extends { readonly events: readonly NewEvent[] }, Step extends Deciding<Known, Decision>>(
    step: Step & Deciding<Known, Decision>,
  ): Step {
    if (!this.#tell) return step;
    const watched: Step = {
      ...step,
      decide: (known: Known): Decision => {
        const decision = step.decide(known);
        this.#decided.set(watched, decision.events);
        return decision;
      },
    };
    return watched;
  }

  eventsOf(watched: object): readonly NewEvent[] {
    return this.#decided.get(watched) ?? [];
  }

  /** `message` is the one that the events were read from. */
  announce(events: readonly NewEvent[], message: StoredMessage): void {
    const { id: messageId, source, provider } = message;
    for (const { id, type, data } of events) {
      const stored = { id, type, provider, source, messageId, data };
      this.#tell?.(restoreEvent(stored, restoreMessage(message), this.#sources.get(source)?.provider));
    }
  }
}

import type { Routable } from './filter.js';
import type { HandlerSet } from './handler-set.js';
import type { Handler } from './handler.js';
import type { IdSequence } from '../ids.js';
import type { StoredEvent, EventFacts } from '../events/event-data.js';

/** Decides which handlers an event goes to. */
export class Router {
  readonly #handlers: HandlerSet;
  readonly #ids: IdSequence;

  constructor(handlers: HandlerSet, ids: IdSequence) {
    this.#handlers = handlers;
    this.#ids = ids;
  }

  /** A delivery for one handler, whose filters were looked at before. */
  deliveriesTo(handlerId: string, event: Routable, now: Date): NewDelivery[] {
    const handler = this.#handlers.get(handlerId);
    return handler ? [this.#delivery(handler, event, now)] : [];
  }

  /** Whether there is a handler with this id. */
  knows(handlerId: string): boolean {
    return this.#handlers.get(handlerId) !== undefined;
  }

  /** The versions of all handlers. */
  versions(): readonly string[] {
    return this.#handlers.versions();
  }

  /** Whether any handler wants the event. */
  isWanted(event: Routable): boolean {
    return this.#handlers.wanting(event).length > 0;
  }

  /** A delivery for each handler that wants the event; only for those named, if any are. */
  deliveriesFor(event: Routable, now: Date, handlerIds?: readonly string[]): NewDelivery[] {
    return this.#handlers
      .wanting(event)
      .filter(({ id }) => handlerIds === undefined || handlerIds.includes(id))
      .map((handler) => this.#delivery(handler, event, now));
  }

  #delivery(handler: Handler, event: Routable, now: Date): NewDelivery {
    const lane = laneOf(handler, event);
    return { id: this.#ids.next('dlv', now), handlerId: handler.id, ...(lane && { lane }) };
  }
}

/** Deliveries with the same lane run one after the other. As JSON, because ids may hold any separator. */
function laneOf({ id, serialize }: Handler, { source, run }: Routable): string | undefined {
  if (serialize === undefined || run === undefined) return undefined;
  const place = serialize === 'run' ? [source, run.account.id, run.id] : [source, run.job.key];
  return `${id} ${serialize} ${JSON.stringify(place)}`;
}

/** What routing looks at of an event. */
export function routableOf(
  { type, source, provider }: Pick<StoredEvent, 'type' | 'source' | 'provider'>,
  { run, messageType, late = false, handlerId }: Partial<EventFacts>,
): Routable {
  return {
    type,
    source,
    provider,
    late,
    ...(run && { run }),
    ...(messageType && { messageType }),
    ...(handlerId !== undefined && { handlerId }),
  };
}

/** A delivery to be written. `lane`: deliveries of one lane never overlap and keep their order. */
export interface NewDelivery {
  readonly id: string;
  readonly handlerId: string;
  readonly lane?: string;
}

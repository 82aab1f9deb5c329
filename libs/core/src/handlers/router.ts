import type { Routable } from './filter.js';
import type { HandlerSet } from './handler-set.js';
import type { Handler } from './handler.js';
import type { IdSequence } from '../ids.js';
import type { StoredEvent, EventFacts } from '../events/event-data.js';

/** Creates the deliveries of events. */
export class Router {
  readonly #handlers: HandlerSet;
  readonly #ids: IdSequence;

  constructor(handlers: HandlerSet, ids: IdSequence) {
    this.#handlers = handlers;
    this.#ids = ids;
  }

  /** Returns a delivery for one handler, whose filters have matched before. */
  deliveriesTo(handlerId: string, event: Routable, now: Date): RoutedDelivery[] {
    const handler = this.#handlers.get(handlerId);
    return handler ? [this.#delivery(handler, event, now)] : [];
  }

  /** Returns whether a handler has this id. */
  knows(handlerId: string): boolean {
    return this.#handlers.get(handlerId) !== undefined;
  }

  /** Returns the versions of all handlers. */
  versions(): readonly string[] {
    return this.#handlers.versions();
  }

  /** Returns whether any handler matches the event. */
  isWanted(event: Routable): boolean {
    return this.#handlers.wanting(event).length > 0;
  }

  /** Returns a delivery for each handler that matches the event, of `handlerIds` if they are given. */
  deliveriesFor(event: Routable, now: Date, handlerIds?: readonly string[]): RoutedDelivery[] {
    return this.#handlers
      .wanting(event)
      .filter(({ id }) => handlerIds === undefined || handlerIds.includes(id))
      .map((handler) => this.#delivery(handler, event, now));
  }

  #delivery(handler: Handler, event: Routable, now: Date): RoutedDelivery {
    const lane = laneOf(handler, event);
    return { id: this.#ids.next('dlv', now), handlerId: handler.id, ...(lane && { lane }) };
  }
}

/** Returns the lane, in which deliveries run one at a time. It is JSON, because ids can contain any separator. */
function laneOf({ id, serialize }: Handler, { source, run }: Routable): string | undefined {
  if (serialize === undefined || run === undefined) return undefined;
  const place = serialize === 'run' ? [source, run.account.id, run.id] : [source, run.job.key];
  return `${id} ${serialize} ${JSON.stringify(place)}`;
}

/** Returns the facts of an event that routing uses. */
export function routableOf(
  { type, source, provider }: Pick<StoredEvent, 'type' | 'source' | 'provider'>,
  { run, messageType, late = false, handlerId, node, isolated }: Partial<EventFacts>,
): Routable {
  return {
    type,
    source,
    provider,
    late,
    ...(run && { run }),
    ...(messageType && { messageType }),
    ...(handlerId !== undefined && { handlerId }),
    ...(node && { node }),
    ...(isolated !== undefined && { isolated }),
  };
}

/** A delivery of an event. Deliveries of one `lane` run one at a time, in order. */
export interface RoutedDelivery {
  readonly id: string;
  readonly handlerId: string;
  readonly lane?: string;
}

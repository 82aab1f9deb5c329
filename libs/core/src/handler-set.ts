import { ConfigurationError } from './errors.js';
import { wants, type Handler } from './handler.js';
import type { Routable } from './filter.js';

/** The handlers of one app. They can be added to while the dispatcher runs, for lazy-loaded modules. */
export class HandlerSet {
  readonly #byId = new Map<string, Handler>();

  /** Throws {@link ConfigurationError} if another handler has the same id. */
  add(handler: Handler): void {
    const other = this.#byId.get(handler.id);
    if (other) {
      throw new ConfigurationError(
        `handler id "${handler.id}"`,
        `used by both ${other.label} and ${handler.label}; give one of them another id`,
      );
    }
    this.#byId.set(handler.id, handler);
  }

  get(id: string): Handler | undefined {
    return this.#byId.get(id);
  }

  all(): Handler[] {
    return [...this.#byId.values()];
  }

  /** The handlers that tasks are done for. */
  watching(): Handler[] {
    return this.all().filter(({ subscriptions }) => subscriptions.some(({ on }) => 'stuck' in on || 'barrier' in on));
  }

  /** The handlers that want an event, as far as can be told without running user code. */
  wanting(event: Routable): Handler[] {
    return this.all().filter(
      ({ id, subscriptions }) =>
        (event.handlerId === undefined || event.handlerId === id) &&
        subscriptions.some((subscription) => wants(subscription, event)),
    );
  }
}

import { ConfigurationError } from './errors.js';
import type { Filterable } from './filter.js';
import { wants, type Handler } from './handler.js';

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

  /** Ids of the handlers that want an event. */
  route(event: Filterable & { type: string; messageType?: string }): string[] {
    const ids: string[] = [];
    for (const handler of this.#byId.values()) {
      if (handler.subscriptions.some((subscription) => wants(subscription, event))) ids.push(handler.id);
    }
    return ids;
  }
}

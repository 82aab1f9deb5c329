import { ConfigurationError } from '../errors.js';
import { wants, type Handler } from './handler.js';
import type { Routable } from './filter.js';
import { registeredHandler, type RegisteredHandler } from './registration.js';

/** The handlers of one app. They can be added to while the dispatcher runs, for lazy-loaded modules. */
export class HandlerSet {
  #byId: ReadonlyMap<string, Handler> = new Map();
  /** Made once for each handler: every reading asks for their versions. */
  #registered: readonly RegisteredHandler[] = [];
  #versions: readonly string[] = [];

  /** Adds all of them; none, with a {@link ConfigurationError}, if two handlers have the same id. */
  add(...added: readonly Handler[]): void {
    const byId = new Map(this.#byId);
    for (const handler of added) {
      const other = byId.get(handler.id);
      if (other) {
        throw new ConfigurationError(
          `handler id "${handler.id}"`,
          `used by both ${other.label} and ${handler.label}; give one of them another id`,
        );
      }
      byId.set(handler.id, handler);
    }
    this.#byId = byId;
    this.#registered = [...this.#registered, ...added.map(registeredHandler)];
    this.#versions = this.#registered.map(({ version }) => version);
  }

  get(id: string): Handler | undefined {
    return this.#byId.get(id);
  }

  all(): Handler[] {
    return [...this.#byId.values()];
  }

  /** As other processes are told of them. */
  registered(): readonly RegisteredHandler[] {
    return this.#registered;
  }

  versions(): readonly string[] {
    return this.#versions;
  }

  /** The handlers that watch runs or wait for several. */
  watching(): Handler[] {
    return this.all().filter(({ subscriptions }) => subscriptions.some(({ on }) => 'stuck' in on || 'barrier' in on));
  }

  /** Whose tasks can be done here: of handlers that watch, and what was put aside for just these versions. */
  taskHandlerIds(): string[] {
    return [...this.watching().map(({ id }) => id), ...this.#versions];
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

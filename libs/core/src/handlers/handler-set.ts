import { ConfigurationError } from '../errors.js';
import { wants, type Handler } from './handler.js';
import type { Routable } from './filter.js';
import { registeredHandler, type RegisteredHandler } from './registration.js';

/** The handlers of an app. Lazy-loaded modules can add handlers while the worker runs. */
export class HandlerSet {
  #byId: ReadonlyMap<string, Handler> = new Map();
  /** Computed once, because each parsed message needs the versions. */
  #registered: readonly RegisteredHandler[] = [];
  #versions: readonly string[] = [];

  /**
   * Adds handlers.
   *
   * @throws {ConfigurationError} if two handlers have the same id. Then it adds none.
   */
  add(...added: readonly Handler[]): void {
    const byId = new Map(this.#byId);
    for (const handler of added) {
      const other = byId.get(handler.id);
      if (other) {
        throw new ConfigurationError(
          `handler id "${handler.id}"`,
          `expected a unique id, got one of both ${other.label} and ${handler.label}. Change one of them`,
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

  /** Returns the handlers as they are registered in the inbox. */
  registered(): readonly RegisteredHandler[] {
    return this.#registered;
  }

  versions(): readonly string[] {
    return this.#versions;
  }

  /** Returns the handlers of `@OnRunStuck` and `@OnAllRuns`. */
  watching(): Handler[] {
    return this.all().filter(({ subscriptions }) => subscriptions.some(({ on }) => 'stuck' in on || 'barrier' in on));
  }

  /** Returns the ids whose tasks this process can evaluate: of watching handlers, and of versions for handed-off messages. */
  taskHandlerIds(): string[] {
    return [...this.watching().map(({ id }) => id), ...this.#versions];
  }

  /** Returns the handlers whose filters match an event, before `when` runs. */
  wanting(event: Routable): Handler[] {
    return this.all().filter(
      ({ id, subscriptions }) =>
        (event.handlerId === undefined || event.handlerId === id) &&
        subscriptions.some((subscription) => wants(subscription, event)),
    );
  }
}

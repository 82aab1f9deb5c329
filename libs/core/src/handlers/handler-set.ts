import { ConfigurationError } from '../errors.js';
import { wants, type Handler } from './handler.js';
import type { Routable } from './filter.js';
import { registeredHandler, type RegisteredHandler } from './registration.js';

/**
 * The handlers of an app, and the core's own ones that follow from them. Lazy-loaded modules can add handlers while the worker
 * runs.
 */
export class HandlerSet {
  #ofApp: readonly Handler[] = [];
  #byId: ReadonlyMap<string, Handler> = new Map();
  /** Computed once, because each parsed message needs the versions. */
  #registered: readonly RegisteredHandler[] = [];
  #versions: readonly string[] = [];
  readonly #ownFor: (handlers: readonly Handler[]) => readonly Handler[];

  /**
   * @param ownFor returns the core's own handlers that the handlers of an app need. It throws {@link ConfigurationError} if the
   *   process cannot have them.
   */
  constructor(ownFor: (handlers: readonly Handler[]) => readonly Handler[] = () => []) {
    this.#ownFor = ownFor;
  }

  /**
   * Adds handlers of the app.
   *
   * @throws {ConfigurationError} if two handlers have the same id, or if the process lacks what one needs. Then it adds none.
   */
  add(...added: readonly Handler[]): void {
    const ofApp = [...this.#ofApp, ...added];
    const byId = new Map<string, Handler>();
    for (const handler of [...ofApp, ...this.#ownFor(ofApp)]) {
      const other = byId.get(handler.id);
      if (other) {
        throw new ConfigurationError(
          `handler id "${handler.id}"`,
          `expected a unique id, got one of both ${other.label} and ${handler.label}. Change one of them`,
        );
      }
      byId.set(handler.id, handler);
    }
    this.#ofApp = ofApp;
    this.#byId = byId;
    this.#registered = [...byId.values()].map(registeredHandler);
    this.#versions = this.#registered.map(({ version }) => version);
  }

  get(id: string): Handler | undefined {
    return this.#byId.get(id);
  }

  /** Returns all handlers, the core's own ones last. */
  all(): Handler[] {
    return [...this.#byId.values()];
  }

  /** Returns the handlers of the app, without the core's own ones. */
  ofApp(): readonly Handler[] {
    return this.#ofApp;
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

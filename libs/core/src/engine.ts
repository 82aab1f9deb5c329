import type { Clock } from './clock.js';
import { ClockWatch } from './clocks/clock-watch.js';
import { SharedClock } from './clocks/shared-clock.js';
import { AbandonedCalls } from './deliveries/abandoned-calls.js';
import type { DispatchTransport } from './deliveries/dispatch-transport.js';
import { Dispatcher } from './dispatcher/dispatcher.js';
import { Presence } from './dispatcher/presence.js';
import type { WebhookEvent } from './events/event.js';
import { HandlerSet } from './handlers/handler-set.js';
import type { Role } from './handlers/registration.js';
import { Router } from './handlers/router.js';
import { IdSequence } from './ids.js';
import { Inbox } from './inbox/inbox.js';
import { DEFAULT_RETENTION, Purger, type RetentionOptions } from './inbox/purger.js';
import { LIMITS } from './limits.js';
import type { Logger } from './logger.js';
import { Receiver } from './receiver/receiver.js';
import { Refusals } from './receiver/refusals.js';
import { disabledSources, openSources, type NamedSource, type OpenSource, type Source } from './sources/source.js';
import { StoreGuard } from './store/store-guard.js';
import type { Store } from './store/store.js';

export interface EngineOptions {
  readonly sources: readonly Source[];
  /** Opened and closed by whoever made it. */
  readonly store: Store;
  readonly logger: Logger;
  /** @default the store's own, which all processes on it share */
  readonly clock?: Clock;
  /** @default 'both' */
  readonly role?: Role;
  /** Attempts at the same time in this process. @default LIMITS.concurrency */
  readonly concurrency?: number;
  /** After a handler's signal was aborted, how long its place is kept, in ms. @default LIMITS.abortGraceMs */
  readonly abortGraceMs?: number;
  /** What is not named here is kept for its default. */
  readonly retention?: RetentionOptions;
  /** Brings due deliveries to the processes that run them. @default none: they are claimed from the inbox */
  readonly transport?: DispatchTransport;
  /** Called for each new event, after this process recorded it. Must not throw. */
  readonly onRecorded?: (event: WebhookEvent) => void;
  /** Milliseconds by a clock that nobody sets; for tests. @default that of the process */
  readonly monotonicMs?: () => number;
}

/**
 * The parts of the core, wired once for one process. Nothing is started, and the store is neither opened nor closed
 * here: that is in the hands of what the engine is built into. Throws `ConfigurationError`, naming the option, if a
 * source is not safe.
 */
export class Engine {
  readonly sources: readonly OpenSource[];
  /** Sources with `enabled: false`: no route, and their messages wait. */
  readonly leftOut: readonly NamedSource[];
  /** All that are configured, as filters name them. */
  readonly named: readonly NamedSource[];
  readonly handlers = new HandlerSet();
  readonly role: Role;
  readonly store: Store;
  readonly guard: StoreGuard;
  readonly watch: ClockWatch;
  readonly presence: Presence;
  readonly dispatcher: Dispatcher;
  readonly refusals: Refusals;
  readonly receiver: Receiver;
  readonly purger: Purger;
  readonly inbox: Inbox;

  constructor(options: EngineOptions) {
    const { store, logger, role = 'both', transport, onRecorded, monotonicMs } = options;
    const { concurrency = LIMITS.concurrency, abortGraceMs = LIMITS.abortGraceMs } = options;
    const { handlers } = this;
    this.store = store;
    this.role = role;
    const sources = openSources(options.sources);
    this.sources = sources;
    this.leftOut = disabledSources(options.sources);
    this.named = [...sources.map(({ name, provider }) => ({ name, provider: provider.name })), ...this.leftOut];

    const clock = options.clock ?? new SharedClock(store);
    const guard = new StoreGuard(logger);
    this.guard = guard;
    const shared = { store, clock, logger, guard };
    const ids = new IdSequence();
    const router = new Router(handlers, ids);
    const abandoned = new AbandonedCalls(logger);
    this.watch = new ClockWatch(shared);
    this.presence = new Presence({ ...shared, handlers, watch: this.watch, role, abandoned });
    this.dispatcher = new Dispatcher({
      ...shared,
      sources,
      handlers,
      router,
      presence: this.presence,
      concurrency,
      abortGraceMs,
      abandoned,
      ...(transport && { transport }),
      ...(onRecorded && { onRecorded }),
    });
    const onChange = (): void => this.dispatcher.wake();
    this.refusals = new Refusals({ ...shared, ...(monotonicMs && { monotonicMs }) });
    const { refusals } = this;
    this.receiver = new Receiver({ ...shared, ids, refusals, onAccepted: onChange });
    this.purger = new Purger({ ...shared, retention: { ...DEFAULT_RETENTION, ...options.retention } });
    this.inbox = new Inbox({ ...shared, router, purger: this.purger, refusals, onChange });
  }
}

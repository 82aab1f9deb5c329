import { randomUUID } from 'node:crypto';
import { Actions } from './actions/actions.js';
import { SourceHost } from './actions/source-host.js';
import type { Clock } from './time/clock.js';
import { ClockWatch } from './clocks/clock-watch.js';
import { SharedClock } from './clocks/shared-clock.js';
import { AbandonedCalls } from './deliveries/abandoned-calls.js';
import type { DispatchTransport } from './deliveries/dispatch-transport.js';
import { Dispatcher } from './dispatcher/dispatcher.js';
import { ConfigurationError } from './errors.js';
import { Presence } from './dispatcher/presence.js';
import type { WebhookEvent } from './events/event.js';
import { HandlerSet } from './handlers/handler-set.js';
import type { Role } from './handlers/registration.js';
import { Router } from './handlers/router.js';
import { IdSequence } from './ids.js';
import { Inbox } from './inbox/inbox.js';
import { Purger } from './inbox/purger.js';
import { DEFAULT_RETENTION, type RetentionOptions } from './inbox/retention.js';
import { LIMITS } from './limits.js';
import type { Logger } from './log/logger.js';
import { didYouMean } from './nearest.js';
import type { Redact } from './nodes/clean-message.js';
import { OwnMessages } from './receiver/own-messages.js';
import { Receiver } from './receiver/receiver.js';
import { Refusals } from './receiver/refusals.js';
import { ResultsHandling } from './results/results-handling.js';
import { Cooldowns } from './rounds/cooldowns.js';
import { RoundRunner } from './rounds/round-runner.js';
import { openApis } from './sources/open-apis.js';
import type { ProviderApi } from './sources/provider-api.js';
import { disabledSources, openSources, type NamedSource, type OpenSource, type Source } from './sources/source.js';
import { StoreGuard } from './store/store-guard.js';
import type { Store } from './store/store.js';

/** Options for an engine. */
export interface EngineOptions {
  /** Sources to receive webhooks from. */
  readonly sources: readonly Source[];
  /** Store that keeps the inbox. The caller opens it before it starts the engine's parts, and closes it. */
  readonly store: Store;
  readonly logger: Logger;
  /** Clock that decides what is due. @default the clock that all processes on the store share */
  readonly clock?: Clock;
  /** Parts that this process runs. @default 'both' */
  readonly role?: Role;
  /** Number of handlers that may run at the same time in this process. @default LIMITS.concurrency */
  readonly concurrency?: number;
  /** Time an aborted handler has to return before its attempt ends without it, in milliseconds. @default 30000 */
  readonly abortGraceMs?: number;
  /** Time that the inbox keeps finished work. @default DEFAULT_RETENTION, for each option left out */
  readonly retention?: RetentionOptions;
  /** Brings due deliveries to workers. @default none: workers claim them from the inbox */
  readonly transport?: DispatchTransport;
  /**
   * Returns the text of a node's message without what must not be stored, such as data of a table. It is called before the
   * message is stored. If it throws, the message is left out. Other members of a node are names, and are not redacted.
   * @default messages are stored as dbt wrote them
   */
  readonly redact?: Redact;
  /** Called for each new event after this process has recorded it. Must not throw. @default not called */
  readonly onRecorded?: (event: WebhookEvent) => void;
  /** Monotonic time in milliseconds, for tests. @default that of the process */
  readonly monotonicMs?: () => number;
}

/**
 * Parts of the core, connected for one process. The constructor starts nothing: call {@link Engine.open},
 * {@link Engine.start}, {@link Engine.drain} and {@link Engine.close}, in this order.
 *
 * @throws ConfigurationError, with the path of the option, if a source is invalid or not safe.
 */
export class Engine {
  readonly sources: readonly OpenSource[];
  /** Sources with `enabled: false`. They have no route, and their messages wait. */
  readonly disabled: readonly NamedSource[];
  /** All configured sources, disabled ones included. Filters may name them. */
  readonly named: readonly NamedSource[];
  readonly handlers: HandlerSet;
  readonly role: Role;
  readonly store: Store;
  readonly guard: StoreGuard;
  readonly watch: ClockWatch;
  readonly presence: Presence;
  readonly dispatcher: Dispatcher;
  readonly refusals: Refusals;
  readonly receiver: Receiver;
  readonly purger: Purger;
  readonly rounds: RoundRunner;
  readonly inbox: Inbox;
  /** Results of runs, for handlers that ask for them. */
  readonly results: ResultsHandling;
  readonly #configured: readonly Source[];
  /** Access to APIs that only the app's own classes use: of a receiver, and of disabled sources. */
  readonly #apis = new Map<string, ProviderApi>();
  readonly #openApi: (source: Source) => ProviderApi | undefined;

  constructor(options: EngineOptions) {
    const { store, logger, role = 'both', transport, onRecorded, monotonicMs } = options;
    const { concurrency = LIMITS.concurrency, abortGraceMs = LIMITS.abortGraceMs, redact } = options;
    this.store = store;
    this.role = role;
    const opened = openSources(options.sources);
    this.disabled = disabledSources(options.sources);
    this.named = [...opened.map(({ name, provider }) => ({ name, provider: provider.name })), ...this.disabled];

    const clock = options.clock ?? new SharedClock(store);
    const cooldowns = new Cooldowns(store.rounds, clock);
    const lease = randomUUID();
    const actions = new Actions({ store, clock, logger, lease });
    const openApi = (source: Source): ProviderApi | undefined =>
      source.openApi?.(new SourceHost(source.name, cooldowns, actions));
    this.#openApi = openApi;
    // A receiver needs no tokens, so it opens an API only if a class of the app asks for its client.
    const retention = { ...DEFAULT_RETENTION, ...options.retention };
    const keeping = { hasRounds: store.rounds !== undefined, deduplicationMs: retention.deduplicationMs };
    const sources = role === 'receiver' ? opened : openApis(opened, options.sources, openApi, keeping);
    this.sources = sources;
    this.#configured = options.sources;
    const guard = new StoreGuard(logger);
    this.guard = guard;
    const shared = { store, clock, logger, guard };
    const ids = new IdSequence();
    const handlers = new HandlerSet((ofApp) => this.results.handlersFor(ofApp));
    this.handlers = handlers;
    const router = new Router(handlers, ids);
    const abandoned = new AbandonedCalls(logger);
    const own = new OwnMessages({ ...shared, lease });
    this.watch = new ClockWatch(shared);
    this.presence = new Presence({ ...shared, handlers, watch: this.watch, role, abandoned, lease });
    this.dispatcher = new Dispatcher({
      ...shared,
      sources,
      handlers,
      router,
      presence: this.presence,
      own,
      concurrency,
      abortGraceMs,
      abandoned,
      ...(transport && { transport }),
      ...(onRecorded && { onRecorded }),
    });
    const onChange = (): void => this.dispatcher.wake();
    const { onEvents } = this.dispatcher;
    this.results = new ResultsHandling({ ...shared, sources, role, router, redact, onDue: onChange, onEvents });
    this.refusals = new Refusals({ ...shared, ...(monotonicMs && { monotonicMs }) });
    this.receiver = new Receiver({
      ...shared,
      ids,
      refusals: this.refusals,
      own,
      onAccepted: (isOwn) => (isOwn ? this.dispatcher.wakeForOwn() : this.dispatcher.wake()),
    });
    this.rounds = new RoundRunner({ ...shared, sources, ids, lease, onAppended: onChange });
    this.purger = new Purger({ ...shared, retention });
    this.inbox = new Inbox({
      ...shared,
      router,
      purger: this.purger,
      refusals: this.refusals,
      onChange,
      giveBack: () => this.dispatcher.giveBack(),
      onHastened: () => this.rounds.wake(),
    });
  }

  /**
   * Returns the client of a source's API, which is the same for all callers.
   *
   * @throws ConfigurationError if no source has this name, if it has no access to an API, or if an option of it is invalid.
   */
  clientOf(name: string): object {
    const opened = this.sources.find((source) => source.name === name)?.api ?? this.#apis.get(name);
    if (opened) return opened.client;
    const source = this.#configured.find((one) => one.name === name);
    if (!source) {
      const names = this.named.map((one) => one.name);
      throw new ConfigurationError(
        `@InjectProviderApi('${name}')`,
        `expected the name of a source, got ${JSON.stringify(name)}${didYouMean(name, names)}. Sources: ${names.join(', ')}`,
      );
    }
    const api = this.#openApi(source);
    if (!api) {
      throw new ConfigurationError(
        `@InjectProviderApi('${name}')`,
        `expected a source with access to its provider's API, got source "${name}" without it. Set its \`api\` option`,
      );
    }
    this.#apis.set(name, api);
    return api.client;
  }

  /** Opens the store and registers the process. Throws `ConfigurationError` if the store cannot be used. */
  async open(): Promise<void> {
    await this.store.open();
    await this.presence.start();
    await this.rounds.register();
  }

  /** Starts the work of the role. With `isManual`, work runs only when `dispatcher.runUntilIdle()` is called. */
  start({ isManual = false } = {}): void {
    if (this.role !== 'worker') this.refusals.start();
    this.results.warnOfUnread();
    if (isManual || this.role === 'receiver') return this.presence.keep();
    this.dispatcher.start();
    this.purger.start();
    this.rounds.start();
  }

  /** Claims no more, waits up to `drainMs` for running handlers, and ends the registration. Receiving goes on. */
  async drain(drainMs: number): Promise<void> {
    this.presence.keep();
    await this.purger.stop();
    await this.rounds.stop();
    await this.dispatcher.stop(drainMs);
    await this.presence.stop();
  }

  /** Stores the last counts and closes the store. Call it after the last request. */
  async close(): Promise<void> {
    this.receiver.stop();
    await this.refusals.stop();
    await this.store.close();
  }
}

import { Inject, Injectable } from '@nestjs/common';
import {
  AbandonedCalls,
  ClockWatch,
  ConfigurationError,
  DEFAULT_RETENTION,
  Dispatcher,
  HandlerSet,
  IdSequence,
  Inbox,
  kindOf,
  leftOutSources,
  LIMITS,
  openSources,
  Presence,
  Purger,
  Receiver,
  Refusals,
  requireKnownOptions,
  requireOneCopy,
  requireWhole,
  Router,
  SharedClock,
  StoreGuard,
  type Logger,
  type NamedSource,
  type OpenSource,
  type RetentionOptions,
  type Role,
  type Store,
  type StoreFactory,
  type Transport,
  type TransportFactory,
} from 'nestjs-runhooks/core';
import { EventEmitterBridge } from './event-emitter.bridge.js';
import { requireWebhooksOptions } from './module-call.js';
import { runhooksLogger } from './runhooks-logger.js';
import type { WebhooksOptions } from './webhooks.options.js';
import { WEBHOOKS_OPTIONS, WEBHOOKS_STORE } from './webhooks.tokens.js';

/** The core, wired once for one app. Throws `ConfigurationError`, naming the option, if it cannot be safe. */
@Injectable()
export class WebhooksRuntime {
  readonly sources: readonly OpenSource[];
  /** Sources with `enabled: false`: no route, and their messages wait. */
  readonly leftOut: readonly NamedSource[];
  /** All that are configured, as filters name them. */
  readonly named: readonly NamedSource[];
  readonly handlers = new HandlerSet();
  readonly receiver: Receiver;
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
  /** False once shutdown began: new webhooks are answered 503. */
  accepting = true;

  readonly role: Role;
  readonly store: Store;
  readonly inbox: Inbox;
  readonly purger: Purger;
  readonly presence: Presence;
  readonly guard: StoreGuard;
  readonly refusals: Refusals;
  /** What brings due deliveries here; nothing where they are claimed from the inbox. */
  readonly transport: Transport | undefined;

  constructor(
    @Inject(WEBHOOKS_OPTIONS) readonly options: WebhooksOptions,
    @Inject(WEBHOOKS_STORE) given: Store | StoreFactory,
    @Inject(EventEmitterBridge) emitter: EventEmitterBridge,
  ) {
    requireOneCopy();
    requireWebhooksOptions(options);
    this.logger = runhooksLogger(options);
    this.store = storeOf(given, this.logger);
    const { logger, handlers, store } = this;
    const {
      clock = new SharedClock(store),
      concurrency = LIMITS.concurrency,
      abortGraceMs = LIMITS.abortGraceMs,
    } = options;
    checkOptions(options);
    this.role = options.role ?? 'both';
    this.sources = openSources(options.sources);
    this.leftOut = leftOutSources(options.sources);
    this.named = [...this.sources.map(({ name, provider }) => ({ name, provider: provider.name })), ...this.leftOut];
    const ids = new IdSequence();
    const guard = new StoreGuard(logger);
    this.guard = guard;
    const router = new Router(handlers, ids);
    const onChange = (): void => this.dispatcher.wake();
    const { sources, role } = this;
    const abandoned = new AbandonedCalls(logger);
    const watch = new ClockWatch({ store, clock, logger, guard });
    const presence = new Presence({ store, handlers, clock, guard, watch, role, abandoned });
    this.presence = presence;
    const transport = role === 'receiver' ? undefined : createTransport(options, logger);
    this.transport = transport;
    this.dispatcher = new Dispatcher({
      store,
      sources,
      handlers,
      router,
      clock,
      logger,
      guard,
      presence,
      concurrency,
      abortGraceMs,
      abandoned,
      ...(transport && { transport }),
      ...(emitter.isConnected && { onRecorded: (event) => emitter.emit(event, logger) }),
    });
    const refusals = new Refusals({ store, clock, logger, guard });
    this.refusals = refusals;
    this.receiver = new Receiver({ store, clock, ids, logger, refusals, onAccepted: onChange });
    this.purger = new Purger({
      store,
      clock,
      guard,
      logger,
      retention: { ...DEFAULT_RETENTION, ...options.retention },
    });
    this.inbox = new Inbox({ store, router, clock, purger: this.purger, refusals, onChange });
  }
}

function checkOptions(options: WebhooksOptions): void {
  const {
    role = 'both',
    dispatch = 'auto',
    concurrency,
    abortGraceMs,
    drainMs,
    globalEnhancers = false,
    retention = {},
    logArguments,
  } = options;
  if (role !== 'both' && role !== 'receiver' && role !== 'dispatcher') {
    throw new ConfigurationError('role', `found ${JSON.stringify(role)}; expected 'receiver', 'dispatcher' or 'both'`);
  }
  if (dispatch !== 'auto' && dispatch !== 'manual' && !isTransportFactory(dispatch)) {
    const expected = "expected 'auto' or 'manual', or a transport, for example bullmq({ connection })";
    throw new ConfigurationError('dispatch', `found ${describe(dispatch)}; ${expected}`);
  }
  if (typeof globalEnhancers !== 'boolean') {
    throw new ConfigurationError('globalEnhancers', `found ${typeof globalEnhancers}; expected true or false`);
  }
  if (logArguments !== undefined && typeof logArguments !== 'function') {
    throw new ConfigurationError('logArguments', `expected a function, got ${describe(logArguments)}`);
  }
  const times = { abortGraceMs, drainMs };
  for (const [option, value] of Object.entries(times)) {
    if (value !== undefined) requireWhole(option, value, 0, LIMITS.timerMsMax);
  }
  if (concurrency !== undefined) requireWhole('concurrency', concurrency, 1, Number.MAX_SAFE_INTEGER);
  checkRetention(retention);
}

function checkRetention(retention: RetentionOptions): void {
  requireKnownOptions('retention', retention, DEFAULT_RETENTION);
  for (const [option, value] of Object.entries(retention)) {
    requireWhole(`retention.${option}`, value as number, 0, Number.MAX_SAFE_INTEGER);
  }
}

function isTransportFactory(dispatch: unknown): dispatch is TransportFactory {
  return typeof dispatch === 'object' && dispatch !== null && 'createTransport' in dispatch;
}

/** A word that may be misspelt is shown; an object may hold a password. */
function describe(found: unknown): string {
  return typeof found === 'string' ? JSON.stringify(found) : kindOf(found);
}

function createTransport({ dispatch }: WebhooksOptions, logger: Logger): Transport | undefined {
  return isTransportFactory(dispatch) ? dispatch.createTransport(logger) : undefined;
}

/** Makes the store of the configured inbox; nothing is opened before the app initialises. */
export function createStore(options: WebhooksOptions): Store {
  const inbox: unknown = options.inbox;
  if (typeof inbox !== 'object' || inbox === null || !('createStore' in inbox)) {
    const found = inbox === undefined ? 'none' : kindOf(inbox);
    throw new ConfigurationError(
      'inbox',
      `found ${found}; expected a store, for example sqliteInbox({ path: 'runhooks.db' })`,
    );
  }
  return options.inbox.createStore(runhooksLogger(options));
}

/** A test may have put a store in place of the configured one, or what makes one, such as `memoryInbox()`. */
function storeOf(given: unknown, logger: Logger): Store {
  if (typeof given === 'object' && given !== null) {
    if ('createStore' in given) return (given as StoreFactory).createStore(logger);
    if ('open' in given && 'append' in given) return given as Store;
  }
  throw new ConfigurationError(
    'WEBHOOKS_STORE',
    `found ${kindOf(given)}; expected a store or what makes one: overrideProvider(WEBHOOKS_STORE).useValue(memoryInbox())`,
  );
}

import { Inject, Injectable, Logger } from '@nestjs/common';
import {
  ConfigurationError,
  Dispatcher,
  HandlerSet,
  IdSequence,
  openSources,
  Receiver,
  requireOneCopy,
  requireWhole,
  systemClock,
  type OpenSource,
  type Store,
} from 'nestjs-runhooks/core';
import type { WebhooksOptions } from './webhooks.options.js';
import { WEBHOOKS_OPTIONS, WEBHOOKS_STORE } from './webhooks.tokens.js';

/** The core, wired once for one app. Throws `ConfigurationError`, naming the option, if it cannot be safe. */
@Injectable()
export class WebhooksRuntime {
  readonly sources: readonly OpenSource[];
  readonly handlers = new HandlerSet();
  readonly receiver: Receiver;
  readonly dispatcher: Dispatcher;
  readonly logger = new Logger('Runhooks');
  /** False once shutdown began: new webhooks are answered 503. */
  accepting = true;

  constructor(
    @Inject(WEBHOOKS_OPTIONS) readonly options: WebhooksOptions,
    @Inject(WEBHOOKS_STORE) readonly store: Store,
  ) {
    requireOneCopy();
    const { dispatch = 'auto', concurrency, clock = systemClock } = options;
    if (dispatch !== 'auto' && dispatch !== 'manual') {
      throw new ConfigurationError('dispatch', `found ${JSON.stringify(dispatch)}; expected 'auto' or 'manual'`);
    }
    if (concurrency !== undefined) requireWhole('concurrency', concurrency, 1, Number.MAX_SAFE_INTEGER);
    const { logger, handlers } = this;
    const ids = new IdSequence();
    this.sources = openSources(options.sources);
    this.dispatcher = new Dispatcher({
      store,
      sources: this.sources,
      handlers,
      clock,
      ids,
      logger,
      ...(concurrency !== undefined && { concurrency }),
    });
    this.receiver = new Receiver({ store, clock, ids, logger, onAccepted: () => this.dispatcher.wake() });
  }
}

/** Makes the store of the configured inbox; nothing is opened before the app initialises. */
export function createStore(options: WebhooksOptions): Store {
  const inbox: unknown = options.inbox;
  if (typeof inbox !== 'object' || inbox === null || !('createStore' in inbox)) {
    throw new ConfigurationError(
      'inbox',
      "found none; expected a store, for example sqliteInbox({ path: 'runhooks.db' })",
    );
  }
  return options.inbox.createStore(new Logger('Runhooks'));
}

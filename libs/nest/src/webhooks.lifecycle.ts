import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { LIMITS, timers } from 'nestjs-runhooks/core';
import { logStartup, logMissingWorker, logMissingHandlers } from './startup-log.js';
import { WebhookRoutesRegistrar } from './http/webhook-routes.registrar.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
import { WebhooksRuntime } from './webhooks.runtime.js';

/**
 * Starts and stops with the app. Our module stands nearest to the root (see `WebhooksModule`), so that all of the
 * host is ready before the first handler runs, and handlers are drained before anything of the host is destroyed.
 */
@Injectable()
export class WebhooksLifecycle implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  private signalCheck: NodeJS.Timeout | undefined;

  constructor(
    @Inject(WebhooksRuntime) private readonly runtime: WebhooksRuntime,
    @Inject(HandlerExplorer) private readonly explorer: HandlerExplorer,
    @Inject(WebhookRoutesRegistrar) private readonly edge: WebhookRoutesRegistrar,
  ) {}

  async onModuleInit(): Promise<void> {
    this.explorer.discover();
    await this.runtime.store.open();
    await this.runtime.presence.start();
  }

  async onApplicationBootstrap(): Promise<void> {
    const { logger, store, sources, leftOut, handlers, dispatcher, options, role, presence, refusals, transport } =
      this.runtime;
    const { isReachable } = this.edge;
    const inbox = store.description;
    const found = { sources, leftOut, handlers: handlers.all(), isReachable };
    logStartup(logger, { inbox, role, transport: transport?.description, ...found });
    await this.logWaiting();
    if (role !== 'worker') refusals.start();
    if (options.dispatch === 'manual' || role === 'receiver') {
      presence.keep();
      return;
    }
    dispatcher.start();
    this.runtime.purger.start();
    // main.ts may call enableShutdownHooks() as late as after listen().
    this.signalCheck = timers.setTimeout(() => this.warnWithoutShutdownHooks(), LIMITS.signalCheckMs).unref();
  }

  /** The HTTP server still listens: the edge answers 503 from here on. */
  async onModuleDestroy(): Promise<void> {
    if (!this.wasConstructed) return;
    timers.clearTimeout(this.signalCheck);
    this.runtime.accepting = false;
    this.runtime.presence.keep();
    await this.runtime.purger.stop();
    await this.runtime.dispatcher.stop(this.runtime.options.drainMs ?? LIMITS.drainMs);
    await this.runtime.presence.stop();
  }

  /** Requests are over. */
  async onApplicationShutdown(): Promise<void> {
    if (!this.wasConstructed) return;
    await this.runtime.refusals.stop();
    await this.runtime.store.close();
  }

  /** Of a lazy load that was refused, Nest 11 keeps an instance that was never constructed, and calls its hooks. */
  private get wasConstructed(): boolean {
    return Boolean(this.runtime as WebhooksRuntime | undefined);
  }

  private async logWaiting(): Promise<void> {
    const { logger, inbox, guard, role } = this.runtime;
    if (role === 'receiver') logMissingWorker(logger, await guard.read(() => inbox.processes(), []));
    else logMissingHandlers(logger, await guard.read(() => inbox.missingHandlers(), []));
  }

  private warnWithoutShutdownHooks(): void {
    if (process.listenerCount('SIGTERM') > 0) return;
    // Deno refuses to listen for some of the signals that Nest listens for if none is named.
    const signals = 'deno' in process.versions ? "['SIGTERM', 'SIGINT']" : '';
    this.runtime.logger.warn(
      'Graceful shutdown is off: SIGTERM kills running handlers, and their attempts run again after the restart. ' +
        `Call app.enableShutdownHooks(${signals}) in main.ts`,
      { code: 'RUNHOOKS_NO_SHUTDOWN_HOOKS' },
    );
  }
}

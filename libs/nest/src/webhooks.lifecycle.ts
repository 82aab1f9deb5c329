import {
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { timers } from 'nestjs-runhooks/internal';
import { logMissingHandlers, logMissingWorker, logReady, logStartup, type Startup } from './startup-log.js';
import { WebhookRoutesRegistrar } from './http/webhook-routes.registrar.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
import { NEST_LIMITS } from './limits.js';
import { WebhooksRuntime } from './webhooks.runtime.js';

/**
 * Starts and stops Runhooks with the app. `WebhooksModule` has the smallest distance from the root module. Therefore the
 * whole app is ready before the first handler runs, and handlers are drained before any provider of the app is destroyed.
 */
@Injectable()
export class WebhooksLifecycle implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  private signalCheck: NodeJS.Timeout | undefined;

  constructor(
    private readonly runtime: WebhooksRuntime,
    private readonly explorer: HandlerExplorer,
    private readonly routes: WebhookRoutesRegistrar,
  ) {}

  async onModuleInit(): Promise<void> {
    this.explorer.discover();
    await this.runtime.open();
  }

  async onApplicationBootstrap(): Promise<void> {
    const { logger, store, sources, disabled, handlers, results, options, role, transport } = this.runtime;
    const startup: Startup = {
      inbox: store.description,
      role,
      transport: transport?.description,
      sources,
      disabled,
      handlers: handlers.ofApp(),
      results: results.asked,
      isReachable: this.routes.isReachable,
    };
    logStartup(logger, startup);
    await this.logWaiting();
    logReady(logger, startup);
    const isManual = options.dispatch === 'manual';
    this.runtime.start({ isManual });
    if (isManual || role === 'receiver') return;
    // The check waits, because main.ts may call enableShutdownHooks() after listen().
    this.signalCheck = timers.setTimeout(() => this.warnWithoutShutdownHooks(), NEST_LIMITS.signalCheckMs).unref();
  }

  /** The HTTP server still listens; from now on the routes respond with 503. */
  async onModuleDestroy(): Promise<void> {
    if (!this.wasConstructed) return;
    timers.clearTimeout(this.signalCheck);
    this.runtime.accepting = false;
    await this.runtime.drain(this.runtime.options.drainMs ?? NEST_LIMITS.drainMs);
  }

  /** Nest has closed the HTTP server. */
  async onApplicationShutdown(): Promise<void> {
    if (!this.wasConstructed) return;
    await this.runtime.close();
  }

  /** If a lazy load was refused, Nest 11 keeps an instance that was never constructed, and calls its hooks. */
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
    // By default Nest listens for all signals, and Deno throws for some of them.
    const signals = 'deno' in process.versions ? "['SIGTERM', 'SIGINT']" : '';
    this.runtime.logger.warn(
      'Graceful shutdown is off: SIGTERM kills running handlers, and their attempts run again after the restart. ' +
        `Call app.enableShutdownHooks(${signals}) in main.ts`,
      { code: 'RUNHOOKS_NO_SHUTDOWN_HOOKS' },
    );
  }
}

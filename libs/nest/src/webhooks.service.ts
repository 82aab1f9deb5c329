import { Injectable } from '@nestjs/common';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { logHandler } from './startup-log.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
import { WebhooksRuntime } from './webhooks.runtime.js';

/**
 * Service that controls handlers at run time.
 *
 * ```ts
 * await this.lazyModuleLoader.load(() => ReportsModule);
 * this.webhooks.discover();
 * ```
 */
@Injectable()
export class Webhooks {
  /** @internal Nest creates it. */
  constructor(
    private readonly runtime: WebhooksRuntime,
    private readonly explorer: HandlerExplorer,
  ) {}

  /**
   * Finds the handlers of a lazily loaded module and returns their ids.
   *
   * @throws ConfigurationError as at startup, for example if two handlers have one id
   */
  discover(): string[] {
    const found = this.explorer.discover();
    for (const handler of found) logHandler(this.runtime.logger, handler);
    if (found.length > 0) void this.runtime.presence.renew();
    this.runtime.results.warnOfUnread();
    this.runtime.dispatcher.wake();
    return found.map(({ id }) => id);
  }

  /**
   * Parses and runs everything that is due, and everything that follows from it. Resolves when nothing is due. With
   * `dispatch: 'manual'`, this is the only way to run handlers.
   *
   * @throws ConfigurationError in a process with the role `receiver`
   */
  async runUntilIdle(): Promise<void> {
    this.requireWorker('handlers');
    await this.runtime.dispatcher.runUntilIdle();
  }

  /**
   * Asks the APIs of the providers now for runs that no webhook has reported: runs all rounds once, whether they are due or
   * not. Resolves when they have ended and their findings are stored. With `dispatch: 'manual'`, this is the only way to run
   * rounds. Rejects with the error of a round that has failed.
   *
   * @param source name of the only source to sweep. @default all sources with an `api` option
   * @throws ConfigurationError in a process with the role `receiver`, or if no source with rounds has this name
   */
  async sweep(source?: string): Promise<void> {
    this.requireWorker('rounds');
    await this.runtime.rounds.runAll(source);
  }

  private requireWorker(runs: string): void {
    if (this.runtime.role !== 'receiver') return;
    throw new ConfigurationError('role', `expected 'worker' or 'both', got 'receiver'. A receiver runs no ${runs}`);
  }
}

import { Inject, Injectable } from '@nestjs/common';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { logHandler } from './startup-log.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
import { WebhooksRuntime } from './webhooks.runtime.js';

/** What the host app can ask of Runhooks. */
@Injectable()
export class Webhooks {
  constructor(
    @Inject(WebhooksRuntime) private readonly runtime: WebhooksRuntime,
    @Inject(HandlerExplorer) private readonly explorer: HandlerExplorer,
  ) {}

  /**
   * Looks for handlers again, after a module was loaded lazily. Answers the ids of the new ones.
   * Throws `ConfigurationError` as at boot, for example if an id is taken.
   */
  discover(): string[] {
    const found = this.explorer.discover();
    for (const handler of found) logHandler(this.runtime.logger, handler);
    if (found.length > 0) void this.runtime.presence.renew();
    this.runtime.dispatcher.wake();
    return found.map(({ id }) => id);
  }

  /**
   * With `dispatch: 'manual'`: reads and runs everything that is due now, and what follows from it, until nothing is.
   * Rejects with `ConfigurationError` in a receiver, which runs nothing.
   */
  async runUntilIdle(): Promise<void> {
    if (this.runtime.role === 'receiver') {
      throw new ConfigurationError('role', "found 'receiver', which runs nothing; expected 'worker' or 'both' here");
    }
    await this.runtime.dispatcher.runUntilIdle();
  }
}

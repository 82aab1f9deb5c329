import { Injectable, Logger } from '@nestjs/common';
import { OnEvent } from '@nestjs/event-emitter';
import type { RunFailed } from 'nestjs-runhooks';

/**
 * A plain listener of @nestjs/event-emitter, for events that may be missed. A failed call is not retried, and an event
 * recorded right before a crash never arrives. See `OnCall` for events that must arrive.
 */
@Injectable()
export class FailureFeed {
  private readonly logger = new Logger(FailureFeed.name);
  private failures = 0;

  @OnEvent('run.failed')
  count({ source }: RunFailed): void {
    this.failures += 1;
    this.logger.log(`${this.failures} failed runs since the start, the last one from ${source}`);
  }
}

import { Injectable, Logger } from '@nestjs/common';
import { OnEvent } from '@nestjs/event-emitter';
import type { RunFailed } from 'nestjs-runhooks';

/**
 * A plain listener of @nestjs/event-emitter: enough for what may be missed. If it fails nobody calls it again, and what
 * was recorded right before a crash it never hears of. See `OnCall` for what matters.
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

import { Injectable, Logger } from '@nestjs/common';
import { OnRunCompleted, OnRunStarted, type RunCompleted, type RunStarted } from 'nestjs-runhooks';

/** Shows which runs are under way. Stacked decorators make one handler. */
@Injectable()
export class RunBoard {
  private readonly logger = new Logger(RunBoard.name);
  private readonly over = new Set<string>();
  private readonly running = new Set<string>();

  @OnRunStarted({ id: 'run-board.update' })
  @OnRunCompleted()
  update({ type, provider, run }: RunStarted | RunCompleted): void {
    const key = `${provider}/${run.account.id}/${run.id}`;
    // Webhooks come in any order: a run that is over does not start again.
    if (type === 'run.completed') {
      this.over.add(key);
      this.running.delete(key);
    } else if (!this.over.has(key)) {
      this.running.add(key);
    }
    this.logger.log(`${this.running.size} running`);
  }
}

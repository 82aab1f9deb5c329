import { Injectable, Logger } from '@nestjs/common';
import { OnRunCompleted, OnRunStarted, type Run, type RunCompleted, type RunStarted } from 'nestjs-runhooks';

/** Shows the latest run of each job. Stacked decorators create one handler. */
@Injectable()
export class RunBoard {
  private readonly logger = new Logger(RunBoard.name);
  private readonly latestOfJob = new Map<string, Run>();

  @OnRunStarted({ id: 'run-board.update' })
  @OnRunCompleted()
  update({ source, run }: RunStarted | RunCompleted): void {
    const job = `${source}/${run.job.key}`;
    const shown = this.latestOfJob.get(job);
    if (shown && !isNewer(run, shown)) return;
    this.latestOfJob.set(job, run);
    this.logger.log(`${run.job.name ?? run.job.key}: run ${run.id} ${run.status}`);
  }
}

/** Returns false for an earlier run and for the start of a finished run, because webhooks arrive in any order. */
function isNewer(run: Run, shown: Run): boolean {
  if (run.id === shown.id) return run.status !== 'running';
  return (run.startedAt?.getTime() ?? 0) >= (shown.startedAt?.getTime() ?? 0);
}

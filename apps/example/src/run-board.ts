import { Injectable, Logger } from '@nestjs/common';
import {
  OnRunCompleted,
  OnRunResults,
  OnRunStarted,
  type Run,
  type RunCompleted,
  type RunResultsEvent,
  type RunStarted,
} from 'nestjs-runhooks';

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

  /** Runs once for each run, also if it has no results. */
  @OnRunResults({ id: 'run-board.results', provider: 'dbt-cloud' })
  showResults({ run, results }: RunResultsEvent): void {
    const job = run.job.name ?? run.job.key;
    if (results.state === 'missing') {
      this.logger.log(`${job}: run ${run.id} has no results: ${results.reason}`);
    } else {
      const { total, failed, skipped } = results.counts;
      this.logger.log(`${job}: run ${run.id} ran ${total} models and tests, ${failed} failed, ${skipped} skipped`);
    }
  }
}

/** Returns false for an earlier run and for the start of a finished run, because webhooks arrive in any order. */
function isNewer(run: Run, shown: Run): boolean {
  if (run.id === shown.id) return run.status !== 'running';
  return (run.startedAt?.getTime() ?? 0) >= (shown.startedAt?.getTime() ?? 0);
}

import { Injectable } from '@nestjs/common';
import { OnRun, type RunEvent, type RunEventType } from 'nestjs-runhooks';

/** Counts the runs of every job. */
@Injectable()
export class RunAudit {
  private readonly countsOfJob = new Map<string, Map<RunEventType, number>>();

  @OnRun('run.started', 'run.succeeded', 'run.failed', 'run.canceled', 'run.completed', { id: 'run-audit.count' })
  count({ source, type, run }: RunEvent): void {
    const job = `${source}/${run.job.key}`;
    const counts = this.countsOfJob.get(job) ?? new Map<RunEventType, number>();
    counts.set(type, (counts.get(type) ?? 0) + 1);
    this.countsOfJob.set(job, counts);
  }
}

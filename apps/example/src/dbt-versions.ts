import { Injectable, Logger } from '@nestjs/common';
import { OnMessage, type MessageEvent } from 'nestjs-runhooks';

/** Logs the dbt version of each job, which only dbt's own payload contains. */
@Injectable()
export class DbtVersions {
  private readonly logger = new Logger(DbtVersions.name);
  private readonly versionOfJob = new Map<string, string>();

  @OnMessage('dbt-cloud', 'job.run.completed', { id: 'dbt-versions.note' })
  note({ payload }: MessageEvent<'dbt-cloud', 'job.run.completed'>): void {
    const { jobId, jobName, dbtVersion } = payload.data;
    if (!dbtVersion || this.versionOfJob.get(jobId) === dbtVersion) return;
    this.versionOfJob.set(jobId, dbtVersion);
    this.logger.log(`${jobName ?? `Job ${jobId}`} runs on dbt ${dbtVersion}`);
  }
}

import { Injectable, Logger } from '@nestjs/common';
import {
  InjectProviderApi,
  OnRunRecovered,
  OnRunResults,
  type DeliveryContext,
  type RunRecovered,
  type RunResultsEvent,
} from 'nestjs-runhooks';
import { DbtCloudApi } from 'nestjs-runhooks/dbt-cloud';

const TRANSIENT = /timed? ?out|connection (reset|refused|closed)|too many connections/i;

/** Retries runs that failed for a reason that passes, once each. It needs a token that may start runs. */
@Injectable()
export class Retries {
  private readonly logger = new Logger(Retries.name);

  constructor(@InjectProviderApi('dbt') private readonly dbt: DbtCloudApi) {}

  @OnRunResults({ id: 'retries.retry', source: 'dbt', job: 'nightly-orders', when: isWorthRetrying })
  async retry({ run }: RunResultsEvent, delivery: DeliveryContext): Promise<void> {
    const { runId } = await this.dbt.retry(run, { key: delivery.id, signal: delivery.signal });
    this.logger.log(`Run ${runId} retries run ${run.id} of ${run.job.name ?? run.job.key}`);
  }

  @OnRunRecovered({ id: 'retries.recovered', source: 'dbt', job: 'nightly-orders' })
  recovered({ run }: RunRecovered): void {
    const how = run.retryOf === undefined ? '' : `, by retrying run ${run.retryOf}`;
    this.logger.log(`${run.job.name ?? run.job.key} works again with run ${run.id}${how}`);
  }
}

function isWorthRetrying({ run, isolated, results }: RunResultsEvent): boolean {
  if (run.status !== 'failed' || isolated || run.retryOf !== undefined || results.state === 'missing') return false;
  return results.failed.length > 0 && results.failed.every(({ message = '' }) => TRANSIENT.test(message));
}

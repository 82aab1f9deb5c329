import { Injectable, Logger } from '@nestjs/common';
import {
  OnNodeFailed,
  OnNodeRecovered,
  OnRunFailed,
  type DeliveryContext,
  type NodeFailed,
  type NodeRecovered,
  type Run,
  type RunFailed,
} from 'nestjs-runhooks';

/** Notifies the person on call. */
@Injectable()
export class OnCall {
  private readonly logger = new Logger(OnCall.name);

  /** Runs once per failed run, although dbt Cloud reports a failure twice. Pages once per incident of the job. */
  @OnRunFailed({ id: 'on-call.page' })
  page({ run, firstFailure }: RunFailed, delivery: DeliveryContext): void {
    if (!firstFailure) return;
    // A real pager uses delivery.id as its deduplication key, because an attempt may be repeated after a crash.
    this.logger.warn(`Page ${delivery.id}: ${nameOf(run)} failed${reasonOf(run)}. ${run.url ?? `Run ${run.id}`}`);
  }

  /** Runs for each model and test that failed. Says so once, and not again every night until it is mended. */
  @OnNodeFailed({ id: 'on-call.node-failed', provider: 'dbt-cloud' })
  nodeFailed({ node, run, firstFailure }: NodeFailed): void {
    if (!firstFailure) return;
    const { kind, name, message = node.status } = node;
    this.logger.warn(`Newly failing ${kind} ${name} in ${nameOf(run)}: ${message}. ${run.url ?? `Run ${run.id}`}`);
  }

  @OnNodeRecovered({ id: 'on-call.node-recovered', provider: 'dbt-cloud' })
  nodeRecovered({ node, run, incident: { failures } }: NodeRecovered): void {
    this.logger.log(`Recovered: ${node.kind} ${node.name} in ${nameOf(run)}, after ${failures} failed runs`);
  }
}

function nameOf({ job, project }: Run): string {
  return `${job.name ?? job.key}${project?.name === undefined ? '' : ` in ${project.name}`}`;
}

/** Returns the failed command for Paradime, or the status message if dbt Cloud sends one. */
function reasonOf({ commands = [], statusMessage }: Run): string {
  const failed = commands.find(({ status }) => status === 'failed');
  if (failed) return `: "${failed.command}" returned ${failed.returnCode ?? 'no code'}`;
  return statusMessage === undefined ? '' : `: ${statusMessage}`;
}

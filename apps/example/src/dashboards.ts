import { Injectable } from '@nestjs/common';
import { OnRunCompleted, type DeliveryContext, type RunCompleted } from 'nestjs-runhooks';
import { BiTool } from './bi-tool.js';

/** Shows fresh data once there is any. */
@Injectable()
export class Dashboards {
  constructor(private readonly biTool: BiTool) {}

  /** `run.completed` and not `run.succeeded`, whose results may still be on their way. */
  @OnRunCompleted({
    id: 'dashboards.refresh',
    when: ({ run }) => run.status === 'succeeded',
    retry: { delayMs: 500 },
    timeoutMs: 30_000,
  })
  async refresh({ run }: RunCompleted, delivery: DeliveryContext): Promise<void> {
    await this.biTool.refresh(run.project?.name ?? run.account.id, delivery.signal);
  }
}

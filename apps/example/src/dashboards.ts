import { Injectable } from '@nestjs/common';
import { OnRunCompleted, type DeliveryContext, type RunCompleted } from 'nestjs-runhooks';
import { BiTool } from './bi-tool.js';

/** Refreshes the dashboards when new data is available. */
@Injectable()
export class Dashboards {
  constructor(private readonly biTool: BiTool) {}

  /** Uses `run.completed`, because results may still be incomplete at `run.succeeded`. */
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

import { Injectable, Logger } from '@nestjs/common';

/** Simulates the HTTP API of a BI tool. Like many such APIs, it is asleep when it is first called. */
@Injectable()
export class BiTool {
  private readonly logger = new Logger(BiTool.name);
  private awake = false;

  async refresh(project: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.awake) {
      this.awake = true;
      throw new Error('the BI tool is waking up; retry later');
    }
    this.logger.log(`Dashboards of ${project} are fresh`);
  }
}

import { Injectable, Logger } from '@nestjs/common';

/** Stands for the HTTP API of a BI tool. Like many of them it is asleep when it is first called. */
@Injectable()
export class BiTool {
  private readonly logger = new Logger(BiTool.name);
  private awake = false;

  async refresh(project: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.awake) {
      this.awake = true;
      throw new Error('the BI tool is waking up; try again');
    }
    this.logger.log(`Dashboards of ${project} are fresh`);
  }
}

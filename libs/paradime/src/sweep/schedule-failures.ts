import { isProviderApiError, type ProviderApiErrorReason } from 'nestjs-runhooks/core';
import { PARADIME_LIMITS } from '../limits.js';

/** Reasons that concern one schedule. All others would meet the next schedule as well. */
const OF_ONE_SCHEDULE: readonly ProviderApiErrorReason[] = ['not-found', 'refused', 'invalid-answer', 'too-large'];

/** Failures of single schedules in a round, which must not hold back the other schedules. */
export class ScheduleFailures {
  readonly #errors: unknown[] = [];

  /**
   * Looks at one schedule.
   *
   * @throws any error that is not about this schedule alone, or that many schedules had before.
   */
  async attempt(look: () => Promise<void>): Promise<void> {
    try {
      await look();
    } catch (error) {
      this.#errors.push(error);
      const isLocal = isProviderApiError(error) && OF_ONE_SCHEDULE.includes(error.reason);
      if (!isLocal || this.#errors.length >= PARADIME_LIMITS.scheduleFailuresMax) throw error;
    }
  }

  /** Throws the first failure, at the end of a round. The round is then one that failed, and is repeated. */
  throwFirst(): void {
    if (this.#errors.length > 0) throw this.#errors[0];
  }
}

import { Reasons } from './reasons.js';
import { describeError } from '../thrown.js';

export interface FailureLogOptions {
  /** Logs a failure, given as `Name: message`. */
  readonly failed: (failure: string) => void;
  /** Logs that the failing thing works again. @default nothing is logged */
  readonly recovered?: () => void;
}

/** Logs each reason for a failure once, and once that the failure is over. */
export class FailureLog {
  readonly #options: FailureLogOptions;
  readonly #reasons = new Reasons();
  #isFailing = false;

  constructor(options: FailureLogOptions) {
    this.#options = options;
  }

  /** Notes an error, and logs it if its reason is new. */
  failed(error: unknown): void {
    this.#isFailing = true;
    const failure = describeError(error);
    if (this.#reasons.isNew(failure)) this.#options.failed(failure);
  }

  /** Notes a success. The next failure is logged again, whatever its reason. */
  worked(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#reasons.clear();
    this.#options.recovered?.();
  }
}

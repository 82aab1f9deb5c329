/**
 * Collects what nobody handled, which ends a process outside of tests. The `process` that tests see is a copy, on which
 * nothing is emitted.
 */
export class Unhandled {
  readonly errors: unknown[] = [];
  readonly #process = process.getBuiltinModule('node:process');
  readonly #add = (error: unknown): void => void this.errors.push(error);

  constructor() {
    this.#process.on('unhandledRejection', this.#add).on('uncaughtException', this.#add);
  }

  stop(): void {
    this.#process.off('unhandledRejection', this.#add).off('uncaughtException', this.#add);
  }
}

/**
 * Collects unhandled errors and rejections, which would end a process outside of tests. The `process` visible to tests
 * is a copy on which no events are emitted.
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

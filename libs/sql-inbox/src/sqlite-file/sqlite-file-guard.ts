import { StoreUnavailableError } from 'nestjs-runhooks/core';
import type { OpenFiles } from './sqlite-open-files.js';
import type { SqliteWal } from './sqlite-wal.js';

/**
 * Keeps an inbox from acknowledging what is written to a file that nobody will find: it must still be at its path when
 * a transaction begins, and after its commit.
 */
export class FileGuard {
  readonly #files: OpenFiles;
  readonly #wal: SqliteWal;
  readonly #file: string;
  #isSecured = false;

  constructor(files: OpenFiles, wal: SqliteWal, file: string) {
    this.#files = files;
    this.#wal = wal;
    this.#file = file;
  }

  /** Throws {@link StoreUnavailableError} with the remedy unless the files that are open are those at the path. */
  requireInPlace(): void {
    const { loss } = this.#files.look();
    if (loss) this.#lost(loss);
    this.#isSecured = false;
  }

  /** The same after a commit, whose effect is unknown if this throws. */
  requireCommitted(): void {
    const { loss, walBytes } = this.#files.look();
    if (loss) this.#lost(loss);
    this.#wal.watch(walBytes);
  }

  #lost({ problem, isConsistent }: { problem: string; isConsistent: boolean }): never {
    // What was acknowledged goes from the log into the file, wherever that was moved: so the file is whole without its
    // log, and a log that stayed behind has nothing in it that could be applied to another file.
    if (isConsistent && !this.#isSecured) this.#isSecured = this.#wal.empty();
    throw new StoreUnavailableError(`the inbox ${this.#file} cannot be used: ${problem}`);
  }
}

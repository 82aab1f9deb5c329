import { StoreUnavailableError } from 'nestjs-runhooks/core';
import type { OpenFiles } from './sqlite-open-files.js';
import type { SqliteWal } from './sqlite-wal.js';

/**
 * Guard against acknowledging writes to a file that has been moved or removed: the file must be at its path when a
 * transaction begins, and after its commit.
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

  /** Throws {@link StoreUnavailableError} with the remedy unless the open files are the files at the path. */
  requireInPlace(): void {
    const { loss } = this.#files.look();
    if (loss) this.#lost(loss);
    this.#isSecured = false;
  }

  /** Checks the same after a commit. If it throws, the effect of the commit is unknown. */
  requireCommitted(): void {
    const { loss, walBytes } = this.#files.look();
    if (loss) this.#lost(loss);
    this.#wal.watch(walBytes);
  }

  #lost({ problem, isConsistent }: { problem: string; isConsistent: boolean }): never {
    // Moves acknowledged writes from the log into the file, wherever that is now. The file is then complete without its
    // log, and a log that stayed behind contains nothing that could be applied to another file.
    if (isConsistent && !this.#isSecured) this.#isSecured = this.#wal.empty();
    throw new StoreUnavailableError(`the inbox ${this.#file} cannot be used: ${problem}`);
  }
}

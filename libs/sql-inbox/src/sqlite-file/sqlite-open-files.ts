import { realpathSync, statSync, type BigIntStats } from 'node:fs';
import { basename } from 'node:path';

/** Files of one open inbox: the database, its write-ahead log, and the shared memory with the log's index and locks. */
const SUFFIXES = ['', '-wal', '-shm'] as const;
const [DATABASE, WAL, SHM] = [0, 1, 2] as const;

/** Difference between an open inbox and the files at its path. */
export interface Loss {
  /** Problem and remedy, as the end of a sentence about the inbox. */
  readonly problem: string;
  /** Whether no other log or index replaced an open one, so that the open files still belong together. */
  readonly isConsistent: boolean;
}

export interface Look {
  readonly loss?: Loss;
  readonly walBytes: number;
}

/**
 * Files that a connection has open, by device and inode. SQLite continues to write to a file that was removed, moved or
 * replaced, and reports success
 * (https://sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use).
 */
export class OpenFiles {
  readonly #file: string;
  readonly #paths: readonly string[];
  readonly #opened: readonly (string | undefined)[];

  private constructor(file: string, paths: readonly string[]) {
    this.#file = file;
    this.#paths = paths;
    this.#opened = paths.map((path) => identityOf(statOf(path)));
  }

  /** Records the open files. Call it after a connection has written to the file: only then do all three exist. */
  static record(file: string): OpenFiles {
    // SQLite puts the other two beside the target of a link. The link itself may be changed later.
    const real = realpathSync(file);
    return new OpenFiles(file, [file, ...SUFFIXES.slice(1).map((suffix) => `${real}${suffix}`)]);
  }

  /** Compares the files at the paths with the opened ones, by three calls of `stat`. */
  look(): Look {
    const stats = this.#paths.map(statOf);
    const isMissing = (index: number): boolean => stats[index] === undefined;
    const isOther = (index: number): boolean => identityOf(stats[index]) !== this.#opened[index];
    const walBytes = Number(stats[WAL]?.size ?? 0n);
    const problem = isOther(DATABASE)
      ? databaseProblem(isMissing(DATABASE), this.#file)
      : isOther(WAL) || isOther(SHM)
        ? walProblem(basename(this.#paths[isOther(WAL) ? WAL : SHM] ?? ''))
        : undefined;
    if (problem === undefined) return { walBytes };
    const isConsistent = [WAL, SHM].every((index) => isMissing(index) || !isOther(index));
    return { walBytes, loss: { problem, isConsistent } };
  }
}

function databaseProblem(isMissing: boolean, file: string): string {
  return isMissing
    ? `it was removed or moved while the app runs. Move it back to ${file}, and the app resumes by itself. ` +
        'If it is lost, restart the app: it starts with an empty inbox, or with a backup that you put there'
    : 'another file replaced it while the app runs. Move the first file back, and the app resumes by itself. ' +
        'To use the other file, such as a restored backup, restart the app';
}

function walProblem(name: string): string {
  return `its ${name} was removed or replaced while the app runs. Restart the app, which creates a new one`;
}

function identityOf(stats: BigIntStats | undefined): string | undefined {
  return stats && `${stats.dev}:${stats.ino}`;
}

/** Returns `undefined` also if the path cannot be accessed, as on a disk that was removed. */
function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

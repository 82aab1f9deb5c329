import { realpathSync, statSync, type BigIntStats } from 'node:fs';
import { basename } from 'node:path';

/** The files of one open inbox: the database, its write-ahead log, and the shared memory with the log's index and locks. */
const SUFFIXES = ['', '-wal', '-shm'] as const;
const [DATABASE, WAL, SHM] = [0, 1, 2] as const;

/** How an open inbox and what is at its path have parted. */
export interface Loss {
  /** What was found and what to do, as the rest of a sentence about the inbox. */
  readonly problem: string;
  /** No other log or index took the place of one that is open, so that the open ones still belong together. */
  readonly isConsistent: boolean;
}

export interface Look {
  readonly loss?: Loss;
  readonly walBytes: number;
}

/**
 * What a connection has open, by device and inode. SQLite goes on writing to a file that was removed, moved or
 * replaced, and reports success (https://sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use).
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

  /** To be called once a connection has written to the file: only then are all three there. */
  static record(file: string): OpenFiles {
    // SQLite puts the other two beside the file that a link leads to. The link itself may be pointed elsewhere later.
    const real = realpathSync(file);
    return new OpenFiles(file, [file, ...SUFFIXES.slice(1).map((suffix) => `${real}${suffix}`)]);
  }

  /** Compares what is at the paths with what was opened: three calls of `stat`. */
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
    ? `it was removed or moved while the app runs; move it back to ${file}, and the app goes on by itself. ` +
        'If it is gone for good, restart the app: it starts with an empty inbox, or with a backup that you put there'
    : 'another file was put in its place while the app runs; move the first one back, and the app goes on by itself. ' +
        'To use the other one, such as a restored backup, restart the app';
}

function walProblem(name: string): string {
  return `its ${name} was removed or replaced while the app runs; restart the app, which makes a new one`;
}

function identityOf(stats: BigIntStats | undefined): string | undefined {
  return stats && `${stats.dev}:${stats.ino}`;
}

/** Undefined also where the path cannot be looked at, as on a disk that went away. */
function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

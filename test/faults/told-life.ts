import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { SqliteDriver } from 'nestjs-runhooks/sqlite';
import { copyAsKilled, openStore } from '../model/sqlite-files.js';
import { watchedConnect, type CallWatch } from './faulty-connection.js';
import { dumpInbox } from './inbox-dump.js';
import { LIFE } from './inbox-life.js';

/** A call of the connection, in the chapter whose operation made it. */
export interface ToldCall {
  readonly chapter: number;
  /** Counted from 0 in each chapter. */
  readonly index: number;
  readonly sql: string;
  /** It comes after the commit of its operation. */
  readonly isCommitted: boolean;
}

/** A {@link LIFE} without faults: what is in the inbox before each chapter and at the end, and every call it takes. */
export class ToldLife {
  readonly dumps: string[] = [];
  readonly calls: ToldCall[] = [];
  readonly #files: string[] = [];
  readonly #directory: string;
  readonly #driver: SqliteDriver;

  private constructor(directory: string, driver: SqliteDriver) {
    this.#directory = directory;
    this.#driver = driver;
  }

  static async tell(directory: string, driver: SqliteDriver): Promise<ToldLife> {
    const life = new ToldLife(directory, driver);
    await life.#tell();
    return life;
  }

  async #tell(): Promise<void> {
    const file = join(this.#directory, 'told.db');
    const calls: string[] = [];
    const store = await openStore(file, this.#driver, watchedConnect({ before: (sql) => void calls.push(sql) }));
    const keep = async (): Promise<void> => {
      this.dumps.push(await dumpInbox(file, this.#driver));
      this.#files.push(this.#copyOf(file));
    };
    for (const [chapter, { tell }] of LIFE.entries()) {
      await keep();
      calls.length = 0;
      await tell(store);
      const commit = calls.indexOf('commit');
      this.calls.push(...calls.map((sql, index) => ({ chapter, index, sql, isCommitted: index > commit })));
    }
    await keep();
    await store.close();
  }

  /** A file of its own, as it was before that chapter. */
  fileBefore(chapter: number): string {
    return this.#copyOf(this.#files[chapter]!);
  }

  /** What a process killed now would leave. */
  copyOf(file: string): string {
    return this.#copyOf(file);
  }

  #copyOf(file: string): string {
    const copy = join(mkdtempSync(join(this.#directory, 'inbox-')), 'inbox.db');
    copyAsKilled(file, copy);
    return copy;
  }
}

/** Lets a call fail, or all from it on, once it was told that the calls that matter begin. */
export class FaultAt implements CallWatch {
  readonly #first: number;
  readonly #last: number;
  readonly #fail: CallWatch;
  #call = -Infinity;

  constructor(call: number, fail: CallWatch, isLasting = false) {
    this.#first = call;
    this.#last = isLasting ? Infinity : call;
    this.#fail = fail;
  }

  /** The next call is number 0. */
  arm(): void {
    this.#call = -1;
  }

  heal(): void {
    this.#call = -Infinity;
  }

  readonly before = (...args: Parameters<Required<CallWatch>['before']>): void => {
    this.#call += 1;
    if (this.#isIt()) this.#fail.before?.(...args);
  };

  readonly after = (...args: Parameters<Required<CallWatch>['after']>): void => {
    if (this.#isIt()) this.#fail.after?.(...args);
  };

  #isIt(): boolean {
    return this.#call >= this.#first && this.#call <= this.#last;
  }
}

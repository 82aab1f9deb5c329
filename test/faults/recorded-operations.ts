import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { SqliteDriver } from 'nestjs-runhooks/sqlite';
import { copyAsKilled, openStore } from '../model/sqlite-files.js';
import { watchedConnect, type CallWatch } from './faulty-connection.js';
import { dumpInbox } from './inbox-dump.js';
import { OPERATIONS } from './store-operations.js';

/** A call of the connection, with the operation that made it. */
export interface RecordedCall {
  readonly operation: number;
  /** Index of the call within its operation. */
  readonly index: number;
  readonly sql: string;
  /** True if the call comes after the commit of its operation. */
  readonly isCommitted: boolean;
}

/** A run of all {@link OPERATIONS} without faults: the inbox content before each operation and at the end, and every call. */
export class RecordedOperations {
  readonly dumps: string[] = [];
  readonly calls: RecordedCall[] = [];
  readonly #files: string[] = [];
  readonly #directory: string;
  readonly #driver: SqliteDriver;

  private constructor(directory: string, driver: SqliteDriver) {
    this.#directory = directory;
    this.#driver = driver;
  }

  static async record(directory: string, driver: SqliteDriver): Promise<RecordedOperations> {
    const recorded = new RecordedOperations(directory, driver);
    await recorded.#record();
    return recorded;
  }

  async #record(): Promise<void> {
    const file = join(this.#directory, 'recorded.db');
    const calls: string[] = [];
    const store = await openStore(file, this.#driver, watchedConnect({ before: (sql) => void calls.push(sql) }));
    const keep = async (): Promise<void> => {
      this.dumps.push(await dumpInbox(file, this.#driver));
      this.#files.push(this.#copyOf(file));
    };
    for (const [operation, { run }] of OPERATIONS.entries()) {
      await keep();
      calls.length = 0;
      await run(store);
      const commit = calls.indexOf('commit');
      this.calls.push(...calls.map((sql, index) => ({ operation, index, sql, isCommitted: index > commit })));
    }
    await keep();
    await store.close();
  }

  /** Returns a new file with the content before that operation. */
  fileBefore(operation: number): string {
    return this.#copyOf(this.#files[operation]!);
  }

  /** Returns a copy of what a process killed now would leave. */
  copyOf(file: string): string {
    return this.#copyOf(file);
  }

  #copyOf(file: string): string {
    const copy = join(mkdtempSync(join(this.#directory, 'inbox-')), 'inbox.db');
    copyAsKilled(file, copy);
    return copy;
  }
}

/** Makes one call fail, or all calls from it on, counted from {@link arm}. */
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

  /** Starts counting at 0 with the next call. */
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

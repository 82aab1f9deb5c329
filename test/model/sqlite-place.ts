import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SqliteDriver } from 'nestjs-runhooks/sqlite';
import type { Place } from './place.js';
import { copyAsKilled, openStore } from './sqlite-files.js';

/** An inbox in a file, which begins as a copy of `empty`. Killed processes go on with a file that nobody sees any more. */
export function sqlitePlace(directory: string, driver: SqliteDriver, empty: string): Place {
  const own = mkdtempSync(join(directory, 'run-'));
  let files = 0;
  const path = (): string => join(own, `${files}.db`);
  copyAsKilled(empty, path());
  return {
    isInOrder: true,
    open: () => openStore(path(), driver),
    kill: (isWriting = false) => {
      const from = path();
      files += 1;
      copyAsKilled(from, path());
      if (isWriting) appendFileSync(`${path()}-wal`, Buffer.alloc(6_000, 1));
    },
    remove: async () => rmSync(own, { recursive: true, force: true }),
  };
}

import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SqliteDriver } from 'nestjs-runhooks/sqlite';
import type { InboxSite } from './inbox-site.js';
import { copyAsKilled, openStore } from './sqlite-files.js';

/**
 * Returns an inbox in a file that begins as a copy of `empty`. Killed processes continue on a file that no other
 * process sees.
 */
export function sqlitePlace(directory: string, driver: SqliteDriver, empty: string): InboxSite {
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
      // After a header the log may contain anything; a log that was never synchronized has only a length.
      const wal = `${path()}-wal`;
      if (isWriting) appendFileSync(wal, Buffer.alloc(6_000, statSync(wal, { throwIfNoEntry: false })?.size ? 1 : 0));
    },
    remove: async () => rmSync(own, { recursive: true, force: true }),
  };
}

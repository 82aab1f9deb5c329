import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, StoreUnavailableError, type Store } from 'nestjs-runhooks/core';
import { copyAsKilled, onEveryDriver, openStore, quickDirectory } from '../model/sqlite-files.js';
import { failureOf } from './failure-of.js';
import { watchedConnect } from './faulty-connection.js';
import { Sender } from './sender.js';

/** Losses of a running app's file, and how each is undone. */
const LOSSES = [
  {
    what: 'was renamed',
    lose: (file: string) => renameSync(file, `${file}.away`),
    undo: (file: string) => renameSync(`${file}.away`, file),
    message: /removed or moved.*Move it back/,
  },
  {
    what: 'was replaced by a copy of itself',
    lose: (file: string) => {
      renameSync(file, `${file}.away`);
      copyFileSync(`${file}.away`, file);
    },
    undo: (file: string) => renameSync(`${file}.away`, file),
    message: /another file replaced it.*Move the first file back/,
  },
  {
    what: 'disappeared with its directory',
    lose: (file: string) => renameSync(dirname(file), `${dirname(file)}.away`),
    undo: (file: string) => renameSync(`${dirname(file)}.away`, dirname(file)),
    message: /removed or moved/,
  },
  {
    what: 'is hidden by another entry instead of its directory',
    lose: (file: string) => {
      renameSync(dirname(file), `${dirname(file)}.away`);
      copyFileSync(`${dirname(file)}.away/inbox.db`, dirname(file));
    },
    undo: (file: string) => {
      unlinkSync(dirname(file));
      renameSync(`${dirname(file)}.away`, dirname(file));
    },
    message: /removed or moved/,
  },
];

onEveryDriver('an SQLite inbox whose file is removed or replaced', (driver) => {
  const directory = quickDirectory();
  let files = 0;

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const newFile = (): string => {
    const own = join(directory, `${(files += 1)}`);
    mkdirSync(own);
    return join(own, 'inbox.db');
  };

  /** Expects writes and reads to fail with the same message, which is logged once. */
  async function expectLost(store: Store, file: string, message: RegExp): Promise<void> {
    const sender = new Sender('lost');
    const failures = [
      await failureOf(sender.send(store)),
      await failureOf(sender.send(store)),
      await failureOf(store.counts()),
      await failureOf(store.nextDueAt({ handlerIds: [], sources: [] } as never)),
    ];
    for (const failure of failures) expect(failure).toBeInstanceOf(StoreUnavailableError);
    const messages = new Set(failures.map((failure) => (failure as Error).message));
    expect([...messages]).toEqual([expect.stringMatching(message)]);
    expect([...messages][0]).toContain(file);
    expect(sender.acknowledged.size).toBe(0);
  }

  describe.each(LOSSES)('when the file $what', ({ lose, undo, message }) => {
    it('is unavailable, creates no other file, and resumes by itself when the file is back', async () => {
      const file = newFile();
      const store = await openStore(file, driver);
      const sender = new Sender();
      await sender.send(store);
      lose(file);
      const before = listed(directory);
      await expectLost(store, file, message);
      expect(listed(directory)).toEqual(before);
      undo(file);
      await sender.expectRecovery(store);
      await store.close();
      const next = await openStore(file, driver);
      await sender.expectRecovery(next);
      await next.close();
    });

    it('acknowledges nothing committed after the loss, at any point of the commit', async () => {
      for (const call of ['begin immediate', 'commit'] as const) {
        for (const when of ['before', 'after'] as const) {
          const file = newFile();
          let isArmed = false;
          const now = (sql: string): void => {
            if (!isArmed || sql !== call) return;
            isArmed = false;
            lose(file);
          };
          const store = await openStore(file, driver, watchedConnect({ [when]: now }));
          const sender = new Sender();
          await sender.send(store);
          isArmed = true;
          const others = new Sender('others');
          expect(await failureOf(others.send(store))).toBeInstanceOf(StoreUnavailableError);
          expect(others.acknowledged.size).toBe(0);
          undo(file);
          await sender.expectRecovery(store);
          await store.close();
        }
      }
    });
  });

  it('stays unavailable after a deletion and leaves nothing that damages a restored backup', async () => {
    const file = newFile();
    const store = await openStore(file, driver);
    const backedUp = new Sender('backed up');
    await backedUp.send(store);
    const backup = `${file}.backup`;
    await (await openStore(copied(file, backup), driver)).close();
    await new Sender('after the backup').send(store);
    unlinkSync(file);
    await expectLost(store, file, /removed or moved/);
    copyFileSync(backup, file);
    await expectLost(store, file, /another file replaced it.*restart the app/);
    await store.close();
    const next = await openStore(file, driver);
    await backedUp.expectRecovery(next);
    await next.close();
  });

  it('keeps everything acknowledged in the moved file, even without the log left behind', async () => {
    const file = newFile();
    const store = await openStore(file, driver);
    const sender = new Sender();
    await sender.send(store);
    const moved = join(dirname(newFile()), 'moved.db');
    renameSync(file, moved);
    await expectLost(store, file, /removed or moved/);
    const elsewhere = await openStore(moved, driver);
    await sender.expectRecovery(elsewhere);
    await elsewhere.close();
    await store.close();
  });

  it('reports a link that points elsewhere, and resumes when it points back', async () => {
    const [first, second] = [newFile(), newFile()];
    const current = join(directory, `current-${files}`);
    symlinkSync(dirname(first), current);
    const file = join(current, 'inbox.db');
    const store = await openStore(file, driver);
    const sender = new Sender();
    await sender.send(store);
    unlinkSync(current);
    symlinkSync(dirname(second), current);
    await expectLost(store, file, /removed or moved/);
    await (await openStore(second, driver)).close();
    await expectLost(store, file, /another file replaced it/);
    unlinkSync(current);
    symlinkSync(dirname(first), current);
    await sender.expectRecovery(store);
    await store.close();
  });

  it.each(['-wal', '-shm'])(
    'is unavailable when it loses its %s, and has lost nothing after a restart',
    async (suffix) => {
      const file = newFile();
      const store = await openStore(file, driver);
      const sender = new Sender();
      await sender.send(store);
      unlinkSync(`${file}${suffix}`);
      await expectLost(store, file, new RegExp(`inbox\\.db${suffix} was removed or replaced.*Restart the app`));
      // Copies only what the files contain now, as after a kill.
      const killed = `${file}.killed`;
      const next = await openStore(copied(file, killed), driver);
      await sender.expectRecovery(next);
      await next.close();
      await store.close();
      const again = await openStore(file, driver);
      expect((await again.counts()).messages.stored).toBe(sender.acknowledged.size - 20);
      await again.close();
    },
  );

  it('refuses to start on the leftovers of a missing file, and names the fix', async () => {
    const file = newFile();
    const store = await openStore(file, driver);
    const sender = new Sender();
    await sender.send(store);
    renameSync(file, `${file}.away`);
    const failure = await failureOf(openStore(file, driver));
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect((failure as Error).message).toMatch(
      /inbox\.db is missing, but .*inbox\.db-wal and .*inbox\.db-shm .*Put it back/,
    );
    expect(existsSync(file)).toBe(false);
    renameSync(`${file}.away`, file);
    await sender.expectRecovery(store);
    await store.close();
  });
});

function listed(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
}

function copied(file: string, to: string): string {
  copyAsKilled(file, to);
  return to;
}

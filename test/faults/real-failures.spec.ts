import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import type { SqliteConnection } from 'inside/sqlite-connection';
import { copyAsKilled, onEveryDriver, openStore, quickDirectory } from '../model/sqlite-files.js';
import { DISK_FULL, READ_ONLY } from './driver-errors.js';
import { expectUnavailable } from './failure.js';
import { watchedConnect } from './faulty-connection.js';
import { Sender } from './sender.js';

const MB = 1024 * 1024;

/** Mounts a disk of 4 MB. Returns undefined if this user may not mount one. */
function mountSmallDisk(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'runhooks-disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory]).status === 0) return directory;
  rmSync(directory, { recursive: true });
  return undefined;
}

onEveryDriver('an SQLite inbox', (driver) => {
  const directory = quickDirectory();
  const disk = mountSmallDisk();

  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
    if (disk === undefined) return;
    spawnSync('umount', ['--lazy', disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  it.each([
    { what: 'grow', fault: DISK_FULL, begin: 'pragma max_page_count = 400', end: 'pragma max_page_count = 100000' },
    { what: 'be written', fault: READ_ONLY, begin: 'pragma query_only = true', end: 'pragma query_only = false' },
  ])('stays readable when the file cannot $what, and resumes writing later', async ({ fault, begin, end }) => {
    let connection!: SqliteConnection;
    const watch = watchedConnect({ before: (_, real) => void (connection = real) });
    const file = join(directory, `${fault.name}.db`);
    const store = await openStore(file, driver, watch);
    const sender = new Sender();
    await sender.send(store);
    connection.exec(begin);
    expectUnavailable(await sender.appendUntilFull(store), file, fault);
    expect((await store.counts()).messages.stored).toBe(sender.acknowledged.size);
    connection.exec(end);
    await sender.expectRecovery(store);
    await store.close();
  });

  if (disk === undefined) {
    it.skip('is not tested on a full disk, because this user may not mount a small one', () => undefined);
    return;
  }
  it('rejects writes on a full disk with the file and the fix, loses nothing, and resumes when there is space', async () => {
    const other = join(disk, 'other');
    writeFileSync(other, Buffer.alloc(MB));
    const file = join(disk, 'inbox.db');
    const store = await openStore(file, driver);
    const sender = new Sender();
    for (let round = 0; round < 3; round += 1) expectUnavailable(await sender.appendUntilFull(store), file, DISK_FULL);
    expect(sender.acknowledged.size).toBeGreaterThan(0);
    expect((await store.counts()).messages.stored).toBe(sender.acknowledged.size);
    // A kill at this moment must also keep everything acknowledged.
    const killed = join(directory, 'killed.db');
    copyAsKilled(file, killed);
    const next = await openStore(killed, driver);
    await sender.expectRecovery(next);
    await next.close();
    const afterKill = sender.acknowledged.size;
    rmSync(other);
    await expect(sender.send(store)).resolves.toBeUndefined();
    expect(sender.acknowledged.size).toBeGreaterThan(afterKill);
    await store.close();
  });
});

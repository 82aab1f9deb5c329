import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError, type Logger } from 'nestjs-runhooks/core';
import type { SqliteInboxOptions } from '../sqlite/sqlite-options.js';
import { SqliteStore } from '../sqlite/sqlite-store.js';

let directory: string;
let umask: number;
const warnings: string[] = [];
const silent = (): void => undefined;
const logger: Logger = { debug: silent, log: silent, error: silent, warn: (line) => void warnings.push(line) };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runhooks-mode-'));
  warnings.length = 0;
  umask = process.umask();
});

afterEach(() => {
  process.umask(umask);
  rmSync(directory, { recursive: true });
});

/** The modes of all files there are while an inbox is open; each is written to first. */
async function modesWhileOpen(options: Partial<SqliteInboxOptions> = {}): Promise<Record<string, string>> {
  const store = new SqliteStore({ path: join(directory, 'inbox.db'), ...options }, logger);
  await store.open();
  const modes = readdirSync(directory).map((name) => [
    name,
    (statSync(join(directory, name)).mode & 0o777).toString(8),
  ]);
  await store.close();
  return Object.fromEntries(modes) as Record<string, string>;
}

const all = (mode: string) => ({ 'inbox.db': mode, 'inbox.db-wal': mode, 'inbox.db-shm': mode });
const warned = () => warnings.filter((line) => line.includes('chmod'));

(process.platform === 'win32' ? describe.skip : describe)('the files of an SQLite inbox', () => {
  it.each([0o000, 0o022, 0o077])('create files for their owner only, with umask %i', async (mask) => {
    process.umask(mask);
    expect(await modesWhileOpen()).toEqual(all('600'));
    expect(warned()).toEqual([]);
  });

  it.each([0o640, 0o660])('create files with the mode %i, regardless of the umask', async (fileMode) => {
    process.umask(0o077);
    expect(await modesWhileOpen({ fileMode })).toEqual(all(fileMode.toString(8)));
    expect(warned()).toEqual([]);
  });

  it('keep the mode of existing files, and warn with the command if other users may read them', async () => {
    await modesWhileOpen();
    const file = join(directory, 'inbox.db');
    chmodSync(file, 0o644);
    expect(await modesWhileOpen()).toEqual(all('644'));
    expect(warned()).toEqual([expect.stringContaining(`chmod 600 ${file} ${file}-wal ${file}-shm`)]);
    chmodSync(file, 0o660);
    await modesWhileOpen({ fileMode: 0o660 });
    expect(warned()).toHaveLength(1);
    await modesWhileOpen();
    expect(warned()).toHaveLength(2);
  });

  it.each([0o666, 0o400, 0o777, 660, '0600', null])('throw with the option for the mode %j', async (fileMode) => {
    const opened = modesWhileOpen({ fileMode: fileMode as number });
    await expect(opened).rejects.toThrow(ConfigurationError);
    await expect(opened).rejects.toThrow(/sqliteInbox\.fileMode: .*0o600, 0o640, 0o660/);
    expect(readdirSync(directory)).toEqual([]);
  });
});

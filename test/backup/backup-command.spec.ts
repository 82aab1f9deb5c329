import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from '@jest/globals';
import { backupInbox } from 'inside/backup-inbox';
import { runCommand } from 'inside/command';
import { connectSqlite } from 'inside/sqlite-connection';
import { MIGRATIONS } from 'inside/sqlite-migration';
import { Sender } from '../faults/sender.js';
import { copyAsKilled, onEveryDriver, openStore, quickDirectory } from '../model/sqlite-files.js';

const COMMAND = fileURLToPath(new URL('../../libs/cli/src/main.ts', import.meta.url));
const TYPESCRIPT = fileURLToPath(new URL('../faults/preload/typescript.mjs', import.meta.url));
const NEWEST = Object.keys(MIGRATIONS).at(-1);

onEveryDriver('npx nestjs-runhooks backup', (driver) => {
  const directory = quickDirectory();
  let made = 0;
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const newFile = (): string => {
    const own = join(directory, `${(made += 1)}`);
    mkdirSync(own);
    return join(own, 'inbox.db');
  };

  async function inboxOf(rounds: number): Promise<{ file: string; sender: Sender }> {
    const file = newFile();
    const sender = new Sender();
    const store = await openStore(file, driver);
    for (let round = 0; round < rounds; round += 1) await sender.send(store);
    await store.close();
    return { file, sender };
  }

  /** Runs the command in this process. */
  async function backup(from: string, to: string, ...more: string[]): Promise<{ code: number; said: string }> {
    let said = '';
    const output = { write: (text: string) => void (said += text) };
    const code = await runCommand(['backup', '--from', from, '--to', to, ...more], output, output);
    return { code, said };
  }

  /**
   * Runs the command as a process, paused in the middle while `meanwhile` runs. Returns false if it never paused there.
   */
  async function backupStopped(from: string, to: string, meanwhile: () => Promise<void>): Promise<boolean> {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--import', TYPESCRIPT, COMMAND, 'backup', '--from', from, '--to', to],
      { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
    );
    let isOver = false;
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve)).finally(() => (isOver = true));
    while (!isOver && !existsSync(`${to}.part`)) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGSTOP');
    const isBetween = existsSync(`${to}.part`) && !existsSync(to);
    if (isBetween) await meanwhile();
    child.kill('SIGCONT');
    expect(await ended).toBe(0);
    return isBetween;
  }

  it('copies an inbox in use, with everything acknowledged before it began', async () => {
    const file = newFile();
    const store = await openStore(file, driver);
    const before = new Sender('before');
    for (let round = 0; round < 50; round += 1) await before.send(store);
    const meanwhile = new Sender('meanwhile');
    const send = async (): Promise<void> => {
      for (let round = 0; round < 3; round += 1) await meanwhile.send(store);
    };
    // A process may finish before it can be paused.
    let to = '';
    for (let tries = 1; ; tries += 1) {
      to = join(directory, `beside-${tries}.db`);
      if (await backupStopped(file, to, send)) break;
      expect(tries).toBeLessThan(10);
    }
    expect(meanwhile.acknowledged.size).toBe(60);
    await meanwhile.expectRecovery(store);
    await store.close();
    const copy = await openStore(to, driver);
    await before.expectRecovery(copy);
    await copy.close();
  });

  it('creates a copy readable only by its owner, prints its content, and leaves no other file', async () => {
    const { file } = await inboxOf(2);
    const to = `${file}.backup`;
    const { code, said } = await backup(file, to);
    expect([code, said]).toEqual([0, expect.stringContaining(`Copied ${file} to ${to}: 40 messages, `)]);
    expect(said).toContain(`schema ${NEWEST}. The copy was checked.`);
    expect((statSync(to).mode & 0o777).toString(8)).toBe('600');
    expect(readdirSync(join(file, '..')).sort()).toEqual(['inbox.db', 'inbox.db.backup']);
    const json = await backup(file, `${file}.second`, '--json');
    expect(JSON.parse(json.said)).toEqual({
      kind: 'backup',
      from: file,
      to: `${file}.second`,
      bytes: statSync(`${file}.second`).size,
      schema: NEWEST,
      messages: 40,
    });
  });

  it('copies what a kill left, log included, without changing it', async () => {
    const { file: live } = await inboxOf(0);
    const store = await openStore(live, driver);
    const sender = new Sender();
    await sender.send(store);
    const file = newFile();
    copyAsKilled(live, file);
    const before = [file, `${file}-wal`].map((path) => readFileSync(path));
    expect((await backup(file, `${file}.backup`)).code).toBe(0);
    expect([file, `${file}-wal`].every((path, index) => readFileSync(path).equals(before[index]!))).toBe(true);
    const copy = await openStore(`${file}.backup`, driver);
    await sender.expectRecovery(copy);
    await copy.close();
    await store.close();
  });

  it('leaves out deleted content', async () => {
    const file = newFile();
    const store = await openStore(file, driver);
    await new Sender('to-be-removed').send(store);
    await new Sender('kept').send(store);
    await store.close();
    const connection = await connectSqlite(file, driver);
    connection.exec(`delete from messages where cast(body as text) like 'to-be-removed%'`);
    connection.close();
    expect(readFileSync(file).includes('to-be-removed')).toBe(true);
    expect((await backup(file, `${file}.backup`)).code).toBe(0);
    const copy = readFileSync(`${file}.backup`);
    expect([copy.includes('to-be-removed'), copy.includes('kept')]).toEqual([false, true]);
  });

  it('copies an inbox of an older version unchanged, and prints its schema version', async () => {
    const { file } = await inboxOf(1);
    const connection = await connectSqlite(file, driver);
    connection.exec(`delete from runhooks_migrations where name <> '${Object.keys(MIGRATIONS)[0]}'`);
    connection.close();
    const { code, said } = await backup(file, `${file}.backup`);
    expect([code, said]).toEqual([0, expect.stringContaining(`schema ${Object.keys(MIGRATIONS)[0]}.`)]);
  });

  it.each<[string, (file: string) => { from?: string; to?: string }, RegExp]>([
    ['an existing target', (file) => ({ to: file }), /--to: .*inbox\.db already exists\. Choose another name/],
    [
      'the rest of a backup that was interrupted',
      (file) => (writeFileSync(`${file}.new.part`, ''), { to: `${file}.new` }),
      /--to: .*inbox\.db\.new\.part already exists: .*remove the file/,
    ],
    [
      'a directory that is missing',
      (file) => ({ to: join(file, '..', 'no', 'b.db') }),
      /--to: .*Check that its directory/,
    ],
    ['a file that is missing', (file) => ({ from: `${file}.no` }), /--from: the file .*inbox\.db\.no does not exist/],
    [
      'a file that is not a database',
      (file) => (writeFileSync(`${file}.text`, 'text '.repeat(1_000)), { from: `${file}.text` }),
      /--from: .*inbox\.db\.text: the file is not an SQLite database/,
    ],
  ])('rejects %s, and creates nothing', async (_, change, says) => {
    const { file } = await inboxOf(1);
    const { from = file, to = `${file}.backup` } = change(file);
    const before = readdirSync(join(file, '..')).sort();
    const { code, said } = await backup(from, to);
    expect([code, said]).toEqual([1, expect.stringMatching(says)]);
    expect(readdirSync(join(file, '..')).sort()).toEqual(before);
    const json = await backup(from, to, '--json');
    expect(JSON.parse(json.said)).toEqual({
      kind: 'failed',
      code: 'RUNHOOKS_CONFIGURATION',
      message: expect.stringMatching(says),
    });
  });

  it('reports that the target has no space, and creates nothing', async () => {
    const { file } = await inboxOf(1);
    const full = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL', errcode: 13 });
    const connect: typeof connectSqlite = async (...given) => {
      const connection = await connectSqlite(...given);
      const all: typeof connection.all = (sql, parameters) => {
        if (sql.startsWith('vacuum into')) throw full;
        return connection.all(sql, parameters);
      };
      return { ...connection, all };
    };
    const to = `${file}.backup`;
    await expect(backupInbox({ from: file, to }, connect)).rejects.toThrow(/^--to: .*backup\.part: the disk is full/);
    expect(readdirSync(join(file, '..'))).toEqual(['inbox.db']);
  });

  it('rejects a database that is not an inbox, and a damaged inbox, and creates nothing', async () => {
    const { file } = await inboxOf(3);
    const other = `${file}.other`;
    const connection = await connectSqlite(other, driver);
    connection.exec('create table mine (number)');
    connection.close();
    expect(await backup(other, `${file}.backup`)).toEqual({
      code: 1,
      said: expect.stringMatching(/is a database, but not an inbox/),
    });
    const bytes = readFileSync(file);
    bytes.fill(0x41, 8 * 4_096, 40 * 4_096);
    writeFileSync(file, bytes);
    expect(await backup(file, `${file}.backup`)).toEqual({ code: 1, said: expect.stringMatching(/damaged/) });
    expect(readdirSync(join(file, '..')).sort()).toEqual(['inbox.db', 'inbox.db.other']);
  });

  it('exits with another code for a locked file, so that a script can retry', async () => {
    const { file } = await inboxOf(1);
    const other = await connectSqlite(file, driver);
    other.exec('pragma locking_mode = exclusive; begin exclusive');
    const { code, said } = await backup(file, `${file}.backup`);
    expect([code, said]).toEqual([3, expect.stringMatching(/stayed locked.*Run the same command again/)]);
    other.close();
    expect((await backup(file, `${file}.backup`)).code).toBe(0);
  });
});

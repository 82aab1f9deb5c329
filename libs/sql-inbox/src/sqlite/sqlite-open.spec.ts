import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { transformSync } from '@swc/core';
import { ConfigurationError, type Logger } from 'nestjs-runhooks/core';
import { connectSqlite, type SqliteConnection, type SqliteDriver } from '../sqlite-connection/sqlite-connection.js';
import { SqliteStore } from './sqlite-store.js';

const DRIVERS: readonly SqliteDriver[] = ['node:sqlite', 'better-sqlite3'];
const works = await Promise.all(
  DRIVERS.map((driver) =>
    connectSqlite(':memory:', driver).then(
      (connection) => (connection.close(), true),
      () => false,
    ),
  ),
);
const SILENT: Logger = { debug: () => {}, log: () => {}, warn: () => {}, error: () => {} };
const LIBS = join(import.meta.dirname, '../../..');

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runhooks-open-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe.each(DRIVERS.filter((_, index) => works[index]))('opening an inbox with %s', (driver) => {
  const at = (name: string) => join(directory, name);
  const storeAt = (path: string, connect = connectSqlite) => new SqliteStore({ path, driver }, SILENT, connect);

  /** Opens a store, and returns the error it was rejected with. */
  async function refusal(path: string, connect?: typeof connectSqlite): Promise<ConfigurationError> {
    const refused: unknown = await storeAt(path, connect)
      .open()
      .then(
        () => 'it was opened',
        (error: unknown) => error,
      );
    expect(refused).toBeInstanceOf(ConfigurationError);
    return refused as ConfigurationError;
  }

  it('creates a durable file: write-ahead log, every commit synchronized', async () => {
    let connection: SqliteConnection | undefined;
    const store = storeAt(at('inbox.db'), async (...args) => (connection = await connectSqlite(...args)));
    await store.open();
    const pragma = (name: string) => Object.values(connection!.all(`pragma ${name}`, [])[0] as object)[0] as unknown;
    expect(pragma('journal_mode')).toBe('wal');
    expect(pragma('synchronous')).toBe(2);
    expect(store.description).toBe(`SQLite ${at('inbox.db')} (${driver})`);
    await store.close();
  });

  it('keeps the rows of an existing file', async () => {
    for (let opened = 0; opened < 3; opened++) {
      const store = storeAt(at('inbox.db'));
      await store.open();
      expect((await store.counts()).messages.stored).toBe(0);
      await store.close();
    }
  });

  it.each([
    [
      'a text',
      () => Buffer.from('this is no database, but it is long enough to look like one: '.repeat(20)),
      'not an SQLite database',
    ],
    ['bytes of no kind', () => Buffer.alloc(4_096, 0xa5), 'not an SQLite database'],
    ['a damaged database', damaged, 'damaged'],
  ])('throws with file and remedy for %s, and does not change it', async (_, make, remedy) => {
    const bytes = make(driver, at('made.db'));
    writeFileSync(at('inbox.db'), await bytes);
    const before = readFileSync(at('inbox.db'));
    const { option, message, cause } = await refusal(at('inbox.db'));
    expect(option).toBe('sqliteInbox.path');
    expect(message).toContain(at('inbox.db'));
    expect(message).toContain(remedy);
    expect(cause).toBeDefined();
    expect(readFileSync(at('inbox.db')).equals(before)).toBe(true);
  });

  it('throws for a directory', async () => {
    mkdirSync(at('inbox.db'));
    expect((await refusal(at('inbox.db'))).message).toMatch(/inbox\.db cannot be opened: .* check that its directory/);
  });

  it('throws with file and remedy for a file of a newer version', async () => {
    const store = storeAt(at('inbox.db'));
    await store.open();
    await store.close();
    const connection = await connectSqlite(at('inbox.db'), driver);
    connection.exec("insert into runhooks_migrations (name, timestamp) values ('9999_incidents', '2027')");
    connection.close();
    const { message } = await refusal(at('inbox.db'));
    expect(message).toMatch(/inbox\.db: .*newer version.*9999_incidents.*Install that version, or choose another path/);
  });

  it('throws with file and remedy for a database of the host with such tables', async () => {
    const connection = await connectSqlite(at('app.db'), driver);
    connection.exec('create table events (mine text)');
    connection.close();
    const { message } = await refusal(at('app.db'));
    expect(message).toMatch(/app\.db.*table "?events"? already exists.*choose another path/);
  });

  it('throws with file and remedy if the disk is full, and closes the file', async () => {
    let connection: SqliteConnection | undefined;
    const full = await refusal(at('inbox.db'), async (...args) => {
      connection = await connectSqlite(...args);
      connection.exec('pragma max_page_count = 3');
      return connection;
    });
    expect(() => connection?.exec('select 1')).toThrow(/not open/);
    expect(full.message).toMatch(/inbox\.db cannot be opened: the disk is full; free some space/);
  });

  it.each([
    ['makes', 'begin exclusive'],
    ['writes to', 'begin immediate'],
  ])('waits for another process that %s the file, without blocking the event loop', async (_, begin) => {
    const other = await connectSqlite(at('inbox.db'), driver);
    if (begin === 'begin immediate') other.exec('pragma journal_mode = wal');
    other.exec(begin);
    const store = storeAt(at('inbox.db'));
    let isOpen = false;
    const open = store.open().then(() => (isOpen = true));
    for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(isOpen).toBe(false);
    other.exec('rollback');
    other.close();
    await open;
    await store.close();
  });

  it('can be retried by the same store', async () => {
    writeFileSync(at('inbox.db'), 'no database');
    const store = storeAt(at('inbox.db'));
    await expect(store.open()).rejects.toThrow(ConfigurationError);
    rmSync(at('inbox.db'));
    await store.open();
    await store.close();
    expect(readdirSync(directory)).toEqual(['inbox.db']);
  });

  it('rethrows an error about the path unchanged', async () => {
    expect((await refusal('')).message).toMatch(/^sqliteInbox\.path: expected the path of a file/);
  });
});

describe.each(DRIVERS.filter((_, index) => works[index]))('several processes with %s', (driver) => {
  let compiled: string;
  const children: ChildProcess[] = [];

  beforeAll(() => {
    compiled = compile();
  });

  afterEach(async () => {
    const killed = children.splice(0).map(async (child) => {
      const exited = once(child, 'exit');
      if (child.kill('SIGKILL')) await exited;
    });
    await Promise.all(killed);
  });

  afterAll(() => rmSync(compiled, { recursive: true, force: true }));

  interface Reply {
    readonly stored?: number;
    readonly error?: string;
  }

  /** Starts a process that opens the given inbox, appends 20 messages, and replies with the results. */
  async function child(uid?: number): Promise<(path: string) => Promise<Reply>> {
    const process = fork(join(compiled, 'child.mjs'), [driver, ...(uid === undefined ? [] : [String(uid)])], {
      cwd: '/',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    children.push(process);
    await once(process, 'message');
    return async (path) => {
      process.send(path);
      const [reply] = (await once(process, 'message')) as [Reply];
      return reply;
    };
  }

  it('open a new file at the same time, and share it', async () => {
    const openers = await Promise.all([1, 2, 3, 4].map(() => child()));
    for (let round = 0; round < 5; round++) {
      const path = join(directory, `inbox-${round}.db`);
      const replies = await Promise.all(openers.map((open) => open(path)));
      expect(replies).toEqual(openers.map(() => ({ stored: 20 })));
      const store = new SqliteStore({ path, driver }, SILENT);
      await store.open();
      expect((await store.counts()).messages.stored).toBe(80);
      await store.close();
    }
  });

  it('fail with file and remedy if they may only read the file', async () => {
    const path = join(directory, 'inbox.db');
    const store = new SqliteStore({ path, driver }, SILENT);
    await store.open();
    await store.close();
    chmodSync(directory, 0o755);
    chmodSync(path, 0o444);
    // Root may write anywhere.
    const open = await child(process.getuid?.() === 0 ? 65_534 : undefined);
    const { error } = await open(path);
    expect(error).toContain('RUNHOOKS_CONFIGURATION');
    expect(error).toContain(path);
    expect(error).toMatch(/read-only|may be written|permissions/);
    chmodSync(path, 0o644);
  });
});

/** A database with a page in the middle overwritten. */
async function damaged(driver: SqliteDriver, path: string): Promise<Buffer> {
  const store = new SqliteStore({ path, driver }, SILENT);
  await store.open();
  await store.close();
  const bytes = readFileSync(path);
  // The first page has the schema, which is read first.
  bytes.fill(0xff, 100, 4_096);
  return bytes;
}

/** The sources of core and this lib as plain modules for another process, with one that uses them. */
function compile(): string {
  const out = mkdtempSync(join(tmpdir(), 'runhooks-compiled-'));
  chmodSync(out, 0o755);
  const jsc = { target: 'es2022', parser: { syntax: 'typescript' } } as const;
  for (const lib of ['core', 'sql-inbox']) {
    for (const name of readdirSync(join(LIBS, lib, 'src'), { recursive: true }) as string[]) {
      if (!/\.c?ts$/.test(name) || name.endsWith('.spec.ts')) continue;
      const target = join(out, lib, name.replace(/ts$/, 'js'));
      mkdirSync(dirname(target), { recursive: true });
      const type = name.endsWith('.cts') ? 'commonjs' : 'es6';
      const { code } = transformSync(readFileSync(join(LIBS, lib, 'src', name), 'utf8'), { jsc, module: { type } });
      const core = relative(dirname(target), join(out, 'core')) || '.';
      const relativeTo = (entry: string) => `"${core.startsWith('.') ? core : `./${core}`}/${entry}.js"`;
      const imports = [
        [/(['"])nestjs-runhooks\/core\1/g, relativeTo('index')],
        [/(['"])nestjs-runhooks\/internal\1/g, relativeTo('internal')],
      ] as const;
      writeFileSync(
        target,
        imports.reduce((text, [name, path]) => text.replaceAll(name, path), code),
      );
    }
  }
  writeFileSync(join(out, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(out, 'child.mjs'), CHILD);
  symlinkSync(join(LIBS, '..', 'node_modules'), join(out, 'node_modules'));
  return out;
}

const CHILD = `
  import { createHash, randomUUID } from 'node:crypto';
  import { connectSqlite } from './sql-inbox/sqlite-connection/sqlite-connection.js';
  import { sqliteInbox } from './sql-inbox/sqlite.js';
  const silent = () => {};
  const logger = { debug: silent, log: silent, warn: silent, error: silent };
  function append(store) {
    const body = Buffer.from(randomUUID());
    const digest = createHash('sha256').update(body).digest();
    const message = { id: 'msg_' + randomUUID(), source: 's', provider: 'p', messageKey: '', headers: {} };
    return store.append({ ...message, digest, body, receivedAt: new Date() });
  }
  async function work(path) {
    const store = sqliteInbox({ path, driver: process.argv[2] }).createStore(logger);
    await store.open();
    const appended = await Promise.all(Array.from({ length: 20 }, () => append(store)));
    await store.close();
    return { stored: appended.filter(({ status }) => status === 'accepted').length };
  }
  process.on('message', (path) => {
    work(path).catch((error) => ({ error: error.code + ' ' + error.stack })).then((reply) => process.send(reply));
  });
  // Only once all code is loaded: Node.js and the sources may stand where this user may not read.
  await (await connectSqlite(':memory:', process.argv[2])).close();
  if (process.argv[3]) process.setuid(Number(process.argv[3]));
  process.send('ready');
`;

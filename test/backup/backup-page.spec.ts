import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import pg from 'pg';
import { Sender } from '../faults/sender.js';
import { openStore, quickDirectory, SILENT } from '../model/sqlite-files.js';
import { findProgram, postgresPrograms } from '../postgres/programs.js';
import { onPostgres, POSTGRES_URL } from '../postgres/server.js';

const run = promisify(execFile);
const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const PAGE = readFileSync(file('../../docs/backup.md'), 'utf8');

/** Returns the `sh` blocks below a heading of the page, unchanged. */
function commandsBelow(heading: string): string[] {
  const [, rest = ''] = PAGE.split(`\n## ${heading}\n`);
  const [section = ''] = rest.split('\n## ');
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = '']) => commands);
}

const BACK_UP = commandsBelow('Back up an SQLite inbox');
const RESTORE = commandsBelow('Restore an SQLite inbox');
const POSTGRES = commandsBelow('Back up and restore a Postgres inbox');

/** A directory for the commands, with `backups` in it, and an `npx` that runs the sources. */
class ShellPage {
  readonly directory = quickDirectory();
  readonly #programs = join(this.directory, 'programs');

  constructor() {
    mkdirSync(join(this.directory, 'backups'));
    mkdirSync(this.#programs);
    const typescript = file('../faults/preload/typescript.mjs');
    const command = file('../../libs/cli/src/main.ts');
    const node = `"${process.execPath}" --disable-warning=ExperimentalWarning --import "${typescript}" "${command}"`;
    writeFileSync(join(this.#programs, 'npx'), `#!/bin/sh\nshift\nexec ${node} "$@"\n`);
    chmodSync(join(this.#programs, 'npx'), 0o755);
  }

  at(name: string): string {
    return join(this.directory, name);
  }

  async run(commands: string, environment: Readonly<Record<string, string>> = {}): Promise<string> {
    const path = [this.#programs, postgresPrograms() ?? '', process.env['PATH'] ?? ''].join(delimiter);
    const env = { ...process.env, NODE_OPTIONS: '', PATH: path, ...environment };
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', commands], { cwd: this.directory, env });
    return stdout;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

describe('docs/backup.md for SQLite', () => {
  it('has its commands below the expected headings, and no others', () => {
    expect([BACK_UP.length, RESTORE.length, POSTGRES.length]).toEqual([3, 1, 2]);
    expect([...PAGE.matchAll(/^```sh$/gm)]).toHaveLength(6);
  });

  const isThere = findProgram('sqlite3') !== undefined;
  if (!isThere) it.skip('is not tested: there is no sqlite3 on the PATH', () => undefined);
  else
    it('backs up an inbox in use with each of its commands, and restores it', async () => {
      const place = new ShellPage();
      const store = await openStore(place.at('runhooks.db'));
      const before = new Sender('before');
      await before.send(store);
      const names = ['runhooks.db', 'vacuum.db', 'online.db'].map((name) => place.at(`backups/${name}`));
      for (const [index, commands] of BACK_UP.entries()) {
        const output = await place.run(commands);
        if (index === 1) expect(output).toBe('ok\n');
        expect((statSync(names[index]!).mode & 0o777).toString(8)).toBe('600');
        await new Sender(`since ${index}`).send(store);
      }
      await new Sender('after').send(store);
      await store.close();
      for (const [index, name] of names.entries()) {
        const copy = await openStore(name);
        expect((await copy.counts()).messages.stored).toBe(20 * (1 + index));
        await copy.close();
      }
      await place.run(RESTORE[0]!);
      const restored = await openStore(place.at('runhooks.db'));
      await before.expectRecovery(restored);
      await restored.close();
      expect(existsSync(place.at('before-restore/runhooks.db'))).toBe(true);
      place.remove();
    });
});

onPostgres('docs/backup.md for PostgreSQL', () => {
  if (postgresPrograms() === undefined) {
    it.skip('is not tested: there is no pg_dump (PG_BIN)', () => undefined);
    return;
  }
  const database = `backup_${randomBytes(6).toString('hex')}`;
  const admin = new pg.Client({ connectionString: POSTGRES_URL });
  const url = new URL(POSTGRES_URL);
  url.pathname = `/${database}`;

  afterAll(async () => {
    await admin.query(`drop database if exists ${database} with (force)`);
    await admin.end();
  });

  it('backs up an inbox in use, and restores it', async () => {
    await admin.connect();
    await admin.query(`create database ${database}`);
    const place = new ShellPage();
    const open = async () => {
      const store = postgresInbox({ connectionString: url.href }).createStore(SILENT);
      await store.open();
      return store;
    };
    const store = await open();
    const before = new Sender('before');
    await before.send(store);
    const [backUp = '', restore = ''] = POSTGRES;
    await place.run(backUp, { POSTGRES_URL: url.href });
    expect((statSync(place.at('backups/runhooks.dump')).mode & 0o777).toString(8)).toBe('600');
    await new Sender('after').send(store);
    await store.close();
    await place.run(restore, { POSTGRES_URL: url.href });
    const restored = await open();
    expect((await restored.counts()).messages.stored).toBe(20);
    await before.expectRecovery(restored);
    await restored.close();
    place.remove();
  });
});

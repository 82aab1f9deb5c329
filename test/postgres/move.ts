import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import type { SqliteDriver } from 'nestjs-runhooks/sqlite';
import pg from 'pg';
import { runCommand } from 'inside/command';
import { fromPostgresText } from 'inside/postgres-text';
import { connectSqlite } from 'inside/sqlite-connection';
import { quickDirectory } from '../model/sqlite-files.js';
import { POSTGRES_URL, TABLES, type Schemas } from './server.js';

export const MOVED = TABLES.filter((table) => table !== 'processes');

export interface Said {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** A file and a schema for each test. Create it inside `describe`. */
export class Move {
  readonly schemas: Schemas;
  directory = '';
  file = '';
  schema = '';

  constructor(schemas: Schemas) {
    this.schemas = schemas;
    beforeEach(() => {
      this.directory = quickDirectory();
      this.file = join(this.directory, 'inbox.db');
      this.schema = schemas.next();
    });
    afterEach(() => rmSync(this.directory, { recursive: true }));
  }

  /** Runs the command in this process. */
  async run({ to = POSTGRES_URL, from = this.file, json = true, isTTY = false } = {}): Promise<Said> {
    let [output, errors] = ['', ''];
    const args = ['move', '--from', from, '--to', to, '--schema', this.schema, ...(json ? ['--json'] : [])];
    const write = (text: string): void => void (output += text);
    const code = await runCommand(args, { isTTY, write }, { write: (text) => void (errors += text) });
    return { code, output, errors };
  }

  /** Returns the rows of each table as JSON strings in sorted order. */
  async rowsOfFile(driver?: SqliteDriver): Promise<Dump> {
    const connection = await connectSqlite(this.file, driver, { readOnly: true });
    const dump = MOVED.map((table) => [table, texts(connection.all(`select * from ${table}`, []))] as const);
    connection.close();
    return Object.fromEntries(dump);
  }

  async rowsOfSchema(connectionString = POSTGRES_URL): Promise<Dump> {
    const client = new pg.Client({ connectionString });
    await client.connect();
    const dump: Dump = {};
    for (const table of MOVED) {
      const { rows } = await client.query(`select * from "${this.schema}".${table}`);
      dump[table] = texts(rows, fromPostgresText);
    }
    await client.end();
    return dump;
  }

  async tablesThere(): Promise<number> {
    const tables = await this.schemas.query('select 1 from pg_tables where schemaname = $1', [this.schema]);
    return tables.length;
  }
}

/** Returns the content of an inbox's file and its log, with their modification times. */
export function bytesOf(file: string): unknown {
  return [file, `${file}-wal`]
    .filter((path) => existsSync(path) && statSync(path).size > 0)
    .map((path) => [digestOf(readFileSync(path)), statSync(path).mtimeMs]);
}

export type Dump = Partial<Record<string, string[]>>;

function texts(rows: readonly unknown[], decode = (text: string) => text): string[] {
  return rows
    .map((row) => {
      const values = Object.entries(row as object).map(([column, value]) => [column, plain(column, value, decode)]);
      return JSON.stringify(values);
    })
    .sort();
}

/** Converts 64-bit numbers, which Postgres returns as strings, and replaces large values by their digests. */
function plain(column: string, value: unknown, decode: (text: string) => string): unknown {
  if (value instanceof Uint8Array) return { bytes: digestOf(value) };
  if (typeof value !== 'string') return value;
  if (/(_at|seq|since|requests|_ms|_from|minute|amount|until)$/.test(column)) return Number(value);
  const text = decode(value);
  return text.length > 1_000 ? { text: digestOf(JSON.stringify(text)) } : text;
}

function digestOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

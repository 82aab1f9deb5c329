import { randomBytes } from 'node:crypto';
import { afterAll, describe, it } from '@jest/globals';
import type { Logger, Store } from 'nestjs-runhooks/core';
import { postgresInbox, type PostgresInboxOptions } from 'nestjs-runhooks/postgres';
import pg from 'pg';
import type { Schema } from 'inside/schema';

/** Address of the PostgreSQL server for tests. */
export const POSTGRES_URL = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';

export const SILENT: Logger = { debug: () => {}, log: () => {}, warn: () => {}, error: () => {} };

/** Returns why no server is available, or undefined if one is. */
async function absenceOf(): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: POSTGRES_URL, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    await client.end();
    return undefined;
  } catch {
    return `no PostgreSQL is running at ${new URL(POSTGRES_URL).host} (POSTGRES_URL)`;
  }
}

const absence = await absenceOf();

/** Adds the tests of `define` if a server is available; otherwise they are reported as skipped by name. */
export function onPostgres(title: string, define: () => void): void {
  describe(`${title}`, () => {
    if (absence === undefined) define();
    else it.skip(`is not tested: ${absence}`, () => undefined);
  });
}

export const TABLES: readonly (keyof Schema)[] = [
  'message_keys',
  'purged_keys',
  'messages',
  'jobs',
  'runs',
  'events',
  'deliveries',
  'attempts',
  'tasks',
  'barriers',
  'processes',
  'handlers',
  'clock',
  'audit',
  'refusals',
  'series',
  'sources',
  'rounds',
  'cooldowns',
  'results',
  'result_nodes',
  'nodes',
  'actions',
];

/** Creates the schemas of one test file and drops them after its tests. Create it inside `describe`. */
export class Schemas {
  readonly #names: string[] = [];
  readonly #roles: string[] = [];
  /** Open stores on each schema of {@link emptied}, and the schemas without any. */
  readonly #openOn = new Map<string, Set<Store>>();
  readonly #free = new Set<string>();
  readonly #admin = new pg.Pool({ connectionString: POSTGRES_URL, max: 2 });

  constructor() {
    afterAll(async () => {
      for (const name of this.#names) await this.query(`drop schema if exists "${name}" cascade`);
      for (const role of this.#roles) await this.query(`drop owned by "${role}" cascade; drop role "${role}"`);
      await this.#admin.end();
    });
  }

  /** Name of the most recent schema. */
  get last(): string {
    return this.#names.at(-1) ?? '';
  }

  /** Returns a unique name. */
  next(): string {
    const name = `test_${randomBytes(6).toString('hex')}`;
    this.#names.push(name);
    return name;
  }

  /** Creates a user without any permissions and returns a connection string for it. */
  async newRole(): Promise<{ role: string; connectionString: string }> {
    const role = this.next();
    await this.query(`create role "${role}" login password 'secret-of-role'`);
    this.#roles.push(role);
    const url = new URL(POSTGRES_URL);
    url.username = role;
    url.password = 'secret-of-role';
    return { role, connectionString: url.href };
  }

  /**
   * Returns a schema with empty tables, for test files with many tests in a row. It is reused once everything opened on
   * it here is closed, so a store left open by mistake affects no other test.
   */
  async emptied(): Promise<string> {
    const [free] = this.#free;
    if (free !== undefined) this.#free.delete(free);
    const schema = free ?? (await this.#migrated());
    this.#openOn.set(schema, new Set());
    await this.query(TABLES.map((table) => `delete from "${schema}".${table}`).join(';'));
    return schema;
  }

  /** Runs a query as the owner of everything. */
  async query<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#admin.query<Row>(text, values)).rows;
  }

  /** Opens an inbox in a schema, by default a new one. */
  async open(options: Partial<PostgresInboxOptions> = {}, logger = SILENT): Promise<Store> {
    const store = this.create(options, logger);
    await store.open();
    return store;
  }

  create(options: Partial<PostgresInboxOptions> = {}, logger = SILENT): Store {
    const { pool, connectionString = POSTGRES_URL, schema = this.next(), ...rest } = options;
    const store = postgresInbox({ ...(pool ? { pool } : { connectionString }), schema, ...rest }).createStore(logger);
    const open = this.#openOn.get(schema);
    if (!open) return store;
    this.#free.delete(schema);
    open.add(store);
    const close = store.close.bind(store);
    return Object.assign(store, {
      close: async () => {
        await close();
        if (open.delete(store) && open.size === 0) this.#free.add(schema);
      },
    });
  }

  async #migrated(): Promise<string> {
    const schema = this.next();
    await (await this.open({ schema })).close();
    return schema;
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store, StoreFactory } from 'nestjs-runhooks/core';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import pg from 'pg';

/** Database of an inbox. */
export type EngineName = 'sqlite' | 'postgres';

export const ENGINES: readonly EngineName[] = ['sqlite', 'postgres'];

/** Place of an inbox, to which every process opens its own connection. */
export interface InboxPlace {
  readonly name: EngineName;
  /** Number of processes that share the inbox. */
  readonly processes: number;
  connect(): StoreFactory;
  remove(): Promise<void>;
}

const POSTGRES_URL = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';

/** Creates a new place. */
export function placeOf(name: EngineName): InboxPlace {
  return name === 'sqlite' ? sqlitePlace() : postgresPlace();
}

/** Returns a place at which each process uses its store as `change` returns it. */
export function withStores(place: InboxPlace, change: (store: Store) => Store): InboxPlace {
  return {
    ...place,
    connect: () => {
      const factory = place.connect();
      return { createStore: (logger) => change(factory.createStore(logger)) };
    },
  };
}

function sqlitePlace(): InboxPlace {
  const directory = mkdtempSync(join(tmpdir(), 'runhooks-simulation-'));
  return {
    name: 'sqlite',
    processes: 1,
    connect: () => sqliteInbox({ path: join(directory, 'inbox.db') }),
    remove: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

function postgresPlace(): InboxPlace {
  const schema = `simulation_${process.pid}_${Date.now()}`;
  return {
    name: 'postgres',
    processes: 3,
    connect: () => postgresInbox({ connectionString: POSTGRES_URL, schema }),
    remove: async () => {
      const client = new pg.Client({ connectionString: POSTGRES_URL });
      await client.connect();
      await client.query(`drop schema if exists "${schema}" cascade`);
      await client.end();
    },
  };
}

import type { StoreFactory } from 'nestjs-runhooks/core';
import { POSTGRES_URL } from '../postgres.js';

type PostgresInbox = (options: { readonly connectionString: string; readonly schema: string }) => StoreFactory;

const SUBPATH = 'nestjs-runhooks/postgres';

/** The Postgres inbox in a schema of its own, where this build of the package has one. */
export async function postgresInbox(schema: string): Promise<StoreFactory> {
  // By a name that the compiler does not resolve: the subpath is not there in every build.
  const { postgresInbox: create } = (await import(SUBPATH as string)) as { postgresInbox: PostgresInbox };
  return create({ connectionString: POSTGRES_URL, schema });
}

import type { StoreFactory } from 'nestjs-runhooks/core';
import { POSTGRES_URL } from '../postgres.js';

type PostgresInbox = (options: { readonly connectionString: string; readonly schema: string }) => StoreFactory;

const SUBPATH = 'nestjs-runhooks/postgres';

/** Returns the Postgres inbox in its own schema, if this build of the package has one. */
export async function postgresInbox(schema: string): Promise<StoreFactory> {
  // The compiler must not resolve this name, because the subpath does not exist in every build.
  const { postgresInbox: create } = (await import(SUBPATH as string)) as { postgresInbox: PostgresInbox };
  return create({ connectionString: POSTGRES_URL, schema });
}

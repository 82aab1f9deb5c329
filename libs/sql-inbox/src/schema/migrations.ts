import type { Kysely, Migration } from 'kysely';
import type { ColumnTypes } from './column-types.js';
import { createMessageTables } from './create-message-tables.js';
import { createProcessTables } from './create-process-tables.js';
import { createProviderTables } from './create-provider-tables.js';
import { createRunTables } from './create-run-tables.js';
import { createWorkTables } from './create-work-tables.js';

/** Migrations by name, oldest first. */
export type Migrations = Readonly<Record<string, Migration>>;

/** Migrations of the schema, oldest first. A released migration is never edited; a new one is added below it. */
export const migrationsFor = (types: ColumnTypes): Migrations => ({
  '0001_inbox': {
    async up(db: Kysely<unknown>) {
      await createMessageTables(db, types);
      await createRunTables(db, types);
      await createWorkTables(db, types);
      await createProcessTables(db, types);
      await createProviderTables(db, types);
    },
  },
});

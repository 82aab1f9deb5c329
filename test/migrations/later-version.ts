import type { Kysely, Migration } from 'kysely';

type Migrations = Readonly<Record<string, Migration>>;

/** Returns the migrations of a later version, which adds a column to a table that has rows. */
export function laterMigrations(migrations: Migrations): Migrations {
  return { ...migrations, '0002_colors': { up: addColor } };
}

/** Returns the migrations of a later version whose upgrade fails after it has changed a table. */
export function failingMigrations(migrations: Migrations): Migrations {
  return {
    ...migrations,
    '0002_colors': {
      async up(db: Kysely<unknown>) {
        await addColor(db);
        throw new Error('the upgrade failed');
      },
    },
  };
}

async function addColor(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('barriers')
    .addColumn('color', 'text', (column) => column.notNull().defaultTo('green'))
    .execute();
}

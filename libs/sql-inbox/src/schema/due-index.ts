import { sql, type Kysely } from 'kysely';

/** Creates an index of the unfinished rows only, so it stays small however large the inbox grows. */
export async function createDueIndex(db: Kysely<unknown>, table: string, columns: string[]): Promise<void> {
  await db.schema
    .createIndex(`${table}_due`)
    .on(table)
    .columns(columns)
    .where(sql.ref('due_at'), 'is not', null)
    .execute();
}

import { expect, it } from '@jest/globals';
import { StoreUnavailableError } from 'nestjs-runhooks/core';
import { failureOf } from '../faults/failure-of.js';
import { LIFE } from '../faults/inbox-life.js';
import { KillablePool } from './killable-pool.js';
import { onPostgres, Schemas, TABLES } from './server.js';

onPostgres('a Postgres inbox whose connection is lost', () => {
  const schemas = new Schemas();

  /** All that is in it; but numbers that the server gives are given again after a rollback, and never the same. */
  async function dump(schema: string): Promise<string> {
    const tables = TABLES.map((table) =>
      schemas.query(`select to_jsonb(t) - 'seq' as row from "${schema}".${table} t`),
    );
    const rows = await Promise.all(tables);
    return JSON.stringify(
      rows.map((table) => table.map((row) => JSON.stringify(row)).sort((a, b) => (a < b ? -1 : 1))),
    );
  }

  /** What is in an inbox after each chapter of a life without faults. */
  async function tellWithoutFaults(): Promise<string[]> {
    const schema = schemas.next();
    const store = await schemas.open({ schema, notify: false });
    const dumps: string[] = [];
    for (const { tell } of LIFE) {
      await tell(store);
      dumps.push(await dump(schema));
    }
    await store.close();
    return dumps;
  }

  it.each(['before', 'after'] as const)(
    '%s any statement refuses the operation, whole or not at all, and it can be repeated',
    async (side) => {
      const expected = await tellWithoutFaults();
      const schema = schemas.next();
      const pool = new KillablePool();
      const store = await schemas.open({ pool, schema, notify: false });
      let losses = 0;
      for (const [chapter, { title, tell }] of LIFE.entries()) {
        for (let lostAt = 0, isReached = true; isReached; lostAt += 1) {
          isReached = false;
          let statements = -1;
          pool.onQuery = () => {
            if ((statements += 1) !== lostAt) return undefined;
            isReached = true;
            return side;
          };
          const failure = await failureOf(tell(store));
          pool.onQuery = undefined;
          if (isReached) losses += 1;
          if (isReached) expect(failure).toBeInstanceOf(StoreUnavailableError);
          else expect(failure).toBeUndefined();
          await pool.forgotten();
        }
        expect({ title, inbox: await dump(schema) }).toEqual({ title, inbox: expected[chapter] });
      }
      expect(losses).toBeGreaterThan(150);
      await store.close();
      await pool.end();
    },
  );
});

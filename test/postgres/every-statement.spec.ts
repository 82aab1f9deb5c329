import { expect, it } from '@jest/globals';
import { StoreUnavailableError } from 'nestjs-runhooks/core';
import { failureOf } from '../faults/failure-of.js';
import { OPERATIONS } from '../faults/store-operations.js';
import { KillablePool } from './killable-pool.js';
import { onPostgres, Schemas, TABLES } from './server.js';

onPostgres('a Postgres inbox that loses its connection', () => {
  const schemas = new Schemas();

  /**
   * Returns the whole inbox content, without numbers of server sequences, which differ after a rollback, and with the sums of
   * the series over the server processes, which differ after a loss.
   */
  async function dump(schema: string): Promise<string> {
    const sums = `(select minute, source, kind, sum(amount) as amount from "${schema}".series
      group by minute, source, kind having sum(amount) <> 0)`;
    const tables = TABLES.map((table) =>
      schemas.query(`select to_jsonb(t) - 'seq' as row from ${table === 'series' ? sums : `"${schema}".${table}`} t`),
    );
    const rows = await Promise.all(tables);
    return JSON.stringify(
      rows.map((table) => table.map((row) => JSON.stringify(row)).sort((a, b) => (a < b ? -1 : 1))),
    );
  }

  /** Returns the inbox content after each operation without faults. */
  async function dumpsWithoutFaults(): Promise<string[]> {
    const schema = schemas.next();
    const store = await schemas.open({ schema, notify: false });
    const dumps: string[] = [];
    for (const { run } of OPERATIONS) {
      await run(store);
      dumps.push(await dump(schema));
    }
    await store.close();
    return dumps;
  }

  it.each(['before', 'after'] as const)(
    'rejects an operation, done completely or not at all, and accepts it again, when the loss is %s any statement',
    async (side) => {
      const expected = await dumpsWithoutFaults();
      const schema = schemas.next();
      const pool = new KillablePool();
      const store = await schemas.open({ pool, schema, notify: false });
      let losses = 0;
      for (const [operation, { title, run }] of OPERATIONS.entries()) {
        for (let lostAt = 0, isReached = true; isReached; lostAt += 1) {
          isReached = false;
          let statements = -1;
          pool.onQuery = () => {
            if ((statements += 1) !== lostAt) return undefined;
            isReached = true;
            return side;
          };
          const failure = await failureOf(run(store));
          pool.onQuery = undefined;
          if (isReached) losses += 1;
          if (isReached) expect(failure).toBeInstanceOf(StoreUnavailableError);
          else expect(failure).toBeUndefined();
          await pool.connectionsClosed();
        }
        expect({ title, inbox: await dump(schema) }).toEqual({ title, inbox: expected[operation] });
      }
      expect(losses).toBeGreaterThan(150);
      await store.close();
      await pool.end();
    },
  );
});

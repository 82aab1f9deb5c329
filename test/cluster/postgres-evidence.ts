import pg from 'pg';
import { readTables, type Evidence } from '../crash/evidence.js';
import { readLedger, type Effect } from '../crash/ledger.js';

/** Reads the inbox, the table of the exactly-once handler, and the ledger of the other handlers. */
export async function readPostgresEvidence(url: string, ledger: string): Promise<Evidence> {
  const client = new pg.Client({ connectionString: url, options: '-c search_path=runhooks,public' });
  await client.connect();
  try {
    const all = async <Row>(sql: string): Promise<Row[]> => (await client.query(sql)).rows as Row[];
    const exact = await all<Effect>(
      `select process_number as "processNumber", 'exact' as "handlerId", delivery_id as "deliveryId", attempt from effects`,
    );
    return { ...(await readTables(all)), effects: [...readLedger(ledger), ...exact] };
  } finally {
    await client.end();
  }
}

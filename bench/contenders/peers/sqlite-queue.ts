import { openDatabase, type Database } from '../../sqlite-database.js';
import type { PeerQueue, PeerStart } from './peer-app.js';

const BATCH_SIZE = 500;
/** Time between two polls of the worker, long enough for batches. */
const POLL_MS = 5;

const SCHEMA = `
  create table webhooks (
    event_id text primary key,
    body blob not null,
    received_at integer not null,
    handled_at integer
  );
  create index webhooks_pending on webhooks (received_at) where handled_at is null;
`;

/**
 * Starts a careful queue written by hand on SQLite FULL: a transaction for each request, and a worker that takes pending
 * rows in batches and records each batch in one transaction.
 */
export async function sqliteQueue(path: string, { isWorking, handle }: PeerStart): Promise<PeerQueue> {
  const database = await openDatabase(path);
  database.exec(SCHEMA);
  const insert = database.prepare(
    'insert into webhooks (event_id, body, received_at) values (?, ?, ?) on conflict do nothing',
  );
  const count = database.prepare('select count(*) as count from webhooks');
  const worker = isWorking ? startWorker(database, handle) : undefined;
  return {
    add: ({ eventId }, rawBody) => void insert.run(eventId, rawBody, Date.now()),
    stored: async () => (count.all()[0] as { count: number }).count,
    close: async () => {
      clearTimeout(worker?.timer);
      database.close();
    },
  };
}

function startWorker(database: Database, handle: () => void): { readonly timer: NodeJS.Timeout } {
  const pending = database.prepare(
    `select rowid, body from webhooks where handled_at is null order by received_at limit ${BATCH_SIZE}`,
  );
  const settle = database.prepare('update webhooks set handled_at = ? where rowid = ?');
  const poll = (): void => {
    const rows = pending.all() as { rowid: number; body: Uint8Array }[];
    for (const { body } of rows) {
      JSON.parse(Buffer.from(body).toString('utf8'));
      handle();
    }
    if (rows.length > 0) {
      const now = Date.now();
      database.exec('begin immediate');
      for (const { rowid } of rows) settle.run(now, rowid);
      database.exec('commit');
    }
    worker.timer = setTimeout(poll, rows.length === BATCH_SIZE ? 0 : POLL_MS);
  };
  const worker = { timer: setTimeout(poll, POLL_MS) };
  return worker;
}

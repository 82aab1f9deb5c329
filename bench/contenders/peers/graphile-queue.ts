import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import type { PeerQueue, PeerStart } from './peer-app.js';

const TASK = 'webhook';
const CONCURRENCY = 10;
/** Jobs that the worker fetches at once. */
const LOCAL_QUEUE = 500;

/**
 * Starts Graphile Worker with a local queue and completion in batches. Its job key detects duplicates only until the job
 * is handled, which is less than the others do.
 */
export async function graphileQueue(
  connectionString: string,
  schema: string,
  { isWorking, handle }: PeerStart,
): Promise<PeerQueue> {
  const pool = new pg.Pool({ connectionString });
  pool.on('error', console.error).on('connect', (client) => client.on('error', console.error));
  const shared = { pgPool: pool, schema, logger: new Logger(() => () => undefined) };
  const utils = await makeWorkerUtils(shared);
  await utils.migrate();
  const preset = {
    worker: { localQueue: { size: LOCAL_QUEUE }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
  };
  const worker = isWorking
    ? await run({
        ...shared,
        concurrency: CONCURRENCY,
        noHandleSignals: true,
        parsedCronItems: [],
        taskList: { [TASK]: () => handle() },
        preset,
      })
    : undefined;
  const stored = async (): Promise<number> => {
    const { rows } = await pool.query<{ count: string }>(`select count(*) from "${schema}"._private_jobs`);
    return Number(rows[0]?.count);
  };
  return {
    add: async (payload) => {
      await utils.addJob(TASK, payload, { jobKey: payload.eventId, jobKeyMode: 'unsafe_dedupe' });
    },
    // A job is deleted once it is handled.
    ...(!isWorking && { stored }),
    close: async () => {
      await worker?.stop();
      await utils.release();
      await pool.end();
    },
  };
}

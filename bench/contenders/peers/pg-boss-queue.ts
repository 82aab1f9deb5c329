import { createHash } from 'node:crypto';
import PgBoss from 'pg-boss';
import type { PeerQueue, PeerStart } from './peer-app.js';

const NAME = 'webhooks';
const BATCH_SIZE = 1_000;
/** The shortest that pg-boss allows. */
const POLL_SECONDS = 0.5;
/** Time in which new jobs are gathered before the worker is notified, so that it fetches batches. */
const NOTIFY_MS = 50;

/**
 * Starts pg-boss with one worker that takes jobs in batches, and is notified instead of waiting for its next poll. The id
 * of a job is derived from that of the event, so that its primary key detects duplicates.
 */
export async function pgBossQueue(
  connectionString: string,
  schema: string,
  { isWorking, handle }: PeerStart,
): Promise<PeerQueue> {
  const boss = new PgBoss({ connectionString, schema, supervise: false, schedule: false });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(NAME);
  const worker = isWorking ? await work(boss, handle) : undefined;
  let timer: NodeJS.Timeout | undefined;
  const notifySoon = (id: string): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      boss.notifyWorker(id);
    }, NOTIFY_MS);
  };
  return {
    add: async (payload) => {
      await boss.send(NAME, payload, { id: uuidOf(payload.eventId) });
      if (worker !== undefined) notifySoon(worker);
    },
    // In every state, also completed.
    stored: async () => await boss.getQueueSize(NAME, { before: 'failed' }),
    close: async () => {
      clearTimeout(timer);
      await boss.stop({ graceful: false });
    },
  };
}

async function work(boss: PgBoss, handle: () => void): Promise<string> {
  return await boss.work(NAME, { batchSize: BATCH_SIZE, pollingIntervalSeconds: POLL_SECONDS }, async (jobs) => {
    for (const _job of jobs) handle();
  });
}

/** Returns a name-based UUID, as in version 5 of RFC 9562. */
function uuidOf(eventId: string): string {
  const hex = createHash('sha1').update(eventId).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

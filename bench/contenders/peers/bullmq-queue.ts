import { Queue, Worker } from 'bullmq';
import type { PeerQueue, PeerStart } from './peer-app.js';

const NAME = 'webhooks';
/** Jobs that the worker runs at a time, as in Runhooks by default. */
const CONCURRENCY = 10;

/**
 * Starts BullMQ. The id of a job is that of the event, and finished jobs are kept, because only a kept job is known as a
 * duplicate.
 */
export async function bullmqQueue(url: string, prefix: string, { isWorking, handle }: PeerStart): Promise<PeerQueue> {
  const connection = { url, maxRetriesPerRequest: null };
  const queue = new Queue(NAME, { connection, prefix });
  const worker = isWorking
    ? new Worker(NAME, async () => handle(), { connection, prefix, concurrency: CONCURRENCY })
    : undefined;
  await queue.waitUntilReady();
  await worker?.waitUntilReady();
  return {
    add: async (payload) => {
      await queue.add('webhook', payload, { jobId: payload.eventId });
    },
    stored: async () => Object.values(await queue.getJobCounts()).reduce((sum, count) => sum + count, 0),
    close: async () => {
      await worker?.close();
      await queue.close();
    },
  };
}

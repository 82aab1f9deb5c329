import { createHash } from 'node:crypto';
import type { Logger, NewMessage } from 'nestjs-runhooks/core';
import { IdSequence } from 'nestjs-runhooks/internal';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { dbtCloudWebhook } from 'nestjs-runhooks/testing';
import { POSTGRES_URL } from './measured-setup.js';

/** Number of jobs with runs, because messages of one job are recorded one after the other. */
const JOBS = 1_000;
const AT_ONCE = 500;

const silent = (): void => undefined;
const SILENT: Logger = { debug: silent, log: silent, warn: silent, error: silent };

/** Stores messages of successful runs, like a receiver under load. */
export async function storeMessages(schema: string, messages: number): Promise<void> {
  const store = postgresInbox({ connectionString: POSTGRES_URL, schema }).createStore(SILENT);
  await store.open();
  try {
    const ids = new IdSequence();
    for (let first = 0; first < messages; first += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, messages - first) }, (_, index) => first + index);
      await Promise.all(numbers.map((number) => store.append(messageOf(number, ids))));
    }
  } finally {
    await store.close();
  }
}

function messageOf(number: number, ids: IdSequence): NewMessage {
  const receivedAt = new Date();
  const messageKey = `wev_${number}`;
  const data = { runId: String(number), jobId: String(number % JOBS) };
  const { body } = dbtCloudWebhook({ event: 'succeeded', now: receivedAt, payload: { eventId: messageKey, data } });
  return {
    id: ids.next('msg', receivedAt),
    source: 'dbt',
    provider: 'dbt-cloud',
    messageKey,
    digest: createHash('sha256').update(body).digest(),
    headers: { 'content-type': 'application/json' },
    body,
    receivedAt,
  };
}

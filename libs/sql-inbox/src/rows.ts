import {
  restoreMessage,
  type HeaderMap,
  type RunState,
  type StoredEvent,
  type StoredMessage,
  type VerifiedMessage,
} from 'nestjs-runhooks/core';
import type { EventsTable, MessagesTable, RunsTable } from './schema.js';

/** Columns of a message that {@link toStoredMessage} needs. */
export type MessageRow = Pick<
  MessagesTable,
  'id' | 'source' | 'provider' | 'message_key' | 'headers' | 'body' | 'received_at' | 'state'
>;

/** Only verified messages are appended, so a row is one. */
export function toStoredMessage(row: MessageRow): StoredMessage & VerifiedMessage {
  return restoreMessage({
    id: row.id,
    source: row.source,
    provider: row.provider,
    messageKey: row.message_key,
    headers: JSON.parse(row.headers) as HeaderMap,
    body: row.body,
    receivedAt: new Date(row.received_at),
    state: row.state,
  });
}

export function toStoredEvent(row: EventsTable): StoredEvent {
  const { id, type, provider, source, message_id, data } = row;
  return { id, type, provider, source, messageId: message_id, data };
}

export function toRunState(row: RunsTable): RunState {
  return {
    jobKey: row.job_key,
    contradicted: row.contradicted === 1,
    ...(row.outcome && { outcome: row.outcome }),
    ...(row.started_at !== null && { startedAt: new Date(row.started_at) }),
    ...(row.finished_at !== null && { finishedAt: new Date(row.finished_at) }),
  };
}

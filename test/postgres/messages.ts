import { createHash, randomUUID } from 'node:crypto';
import type { NewMessage } from 'nestjs-runhooks/core';
import { IdSequence } from 'nestjs-runhooks/internal';

const ids = new IdSequence();

/** Returns a message that differs from all others except in the given fields. */
export function newMessage(fields: Partial<NewMessage> = {}): NewMessage {
  const { body = Buffer.from(JSON.stringify({ made: randomUUID() })), receivedAt = new Date() } = fields;
  return {
    id: ids.next('msg', receivedAt),
    source: 'source',
    provider: 'provider',
    messageKey: randomUUID(),
    headers: {},
    ...fields,
    digest: createHash('sha256').update(body).digest(),
    body,
    receivedAt,
  };
}

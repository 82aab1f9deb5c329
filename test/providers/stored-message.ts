import { restoreMessage, type StoredMessage, type VerifiedMessage } from 'nestjs-runhooks/core';

/** Returns a stored message with this body, as a provider's `identify` and `parse` receive it. */
export function storedMessage(
  body: string | Uint8Array,
  receivedAt: Date = new Date(0),
): StoredMessage & VerifiedMessage {
  const stored = { id: 'msg_1', source: 'a', provider: 'a', messageKey: '', state: 'stored', headers: {} } as const;
  return restoreMessage({ ...stored, body: Buffer.from(body), receivedAt });
}

import { describe, expect, it } from '@jest/globals';
import { signHmacHex } from 'nestjs-runhooks/core';
import { storedMessage } from '../../../test/providers/stored-message.js';
import { dbtCloud } from './source.js';

const secret = 'a-secret';
const sentAt = '2026-11-23T08:00:00.123456789Z';

function verify(body: string, receivedAt: string, maxAgeMs?: number) {
  const provider = dbtCloud({ name: 'dbt', secrets: [secret], ...(maxAgeMs !== undefined && { maxAgeMs }) }).open();
  const bytes = Buffer.from(body);
  const headers = { authorization: signHmacHex(secret, bytes) };
  return provider.verify({ source: 'dbt', body: bytes, headers, receivedAt: new Date(receivedAt) });
}

describe('maxAgeMs', () => {
  const body = JSON.stringify({ eventId: 'wev_1', timestamp: sentAt });

  it('accepts a message of any age if it is not set', () => {
    expect(verify(body, '2030-01-01T00:00:00Z')).toMatchObject({ ok: true });
  });

  it('accepts exactly this age and rejects one more millisecond', () => {
    expect(verify(body, '2026-11-23T08:01:00.123Z', 60_000)).toMatchObject({ ok: true });
    expect(verify(body, '2026-11-23T08:01:00.124Z', 60_000)).toMatchObject({ ok: false, check: 'timestamp-too-old' });
  });

  it.each([['{}'], ['{"timestamp":"yesterday"}'], ['{"timestamp":17}'], ['null'], ['"text"'], ['{'], ['']])(
    'accepts %s, which has no valid time',
    (text) => {
      expect(verify(text, '2030-01-01T00:00:00Z', 1)).toMatchObject({ ok: true });
    },
  );

  it('does not apply when a stored message is parsed', () => {
    const provider = dbtCloud({ name: 'dbt', secrets: [secret], maxAgeMs: 1 }).open();
    const message = storedMessage(body, new Date('2030-01-01T00:00:00Z'));
    expect(provider.parse(message)).not.toMatchObject({ state: 'quarantined', reason: /old/ });
  });

  it('fails at startup if it is not a positive integer', () => {
    const source = dbtCloud({ name: 'dbt', secrets: [secret], maxAgeMs: -1 });
    expect(() => source.open()).toThrow("dbtCloud({ name: 'dbt' }).maxAgeMs");
  });
});

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { SECRETS } from '../secrets.js';

/** Verifies the hex HMAC of the raw body, as in dbt's guide. */
export function isSignedByDbt(body: Buffer, signature: string | undefined): boolean {
  const expected = createHmac('sha256', SECRETS.dbt).update(body).digest();
  const given = Buffer.from(signature ?? '', 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const PARADIME_KEY = Buffer.from(SECRETS.paradime.slice('whsec_'.length), 'base64');

/** Verifies Svix's scheme as in https://docs.svix.com/receiving/verifying-payloads/how-manual. */
export function isSignedByParadime(body: Buffer, headers: IncomingHttpHeaders): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') return false;
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > 300) return false;
  const expected = createHmac('sha256', PARADIME_KEY).update(`${id}.${timestamp}.`).update(body).digest();
  return signatures.split(' ').some((entry) => {
    const given = Buffer.from(entry.slice('v1,'.length), 'base64');
    return entry.startsWith('v1,') && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

import { createHmac } from 'node:crypto';
import { SECRETS } from '../secrets.js';
import { dbtTemplate, paradimeTemplate, stripeTemplate, type Template } from './payloads.js';

/** One signed request. */
export interface Signed {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const dbt = dbtTemplate();
const stripe = stripeTemplate();
const paradime = paradimeTemplate();
const paradimeKey = Buffer.from(SECRETS.paradime.slice('whsec_'.length), 'base64');
const hmac = (key: string | Buffer, ...parts: string[]) =>
  parts.reduce((digest, part) => digest.update(part), createHmac('sha256', key));
const seconds = (): string => String(Math.floor(Date.now() / 1_000));
const fill = ([head, middle, tail]: Template, first: string, second: string): string =>
  head + first + middle + second + tail;

/** Creates and signs each kind of webhook. The number makes each message and its run different. */
export const SENDERS = {
  dbt(number: number): Signed {
    const body = fill(dbt, eventId(number), runId(number));
    return { path: '/webhooks/dbt', headers: { authorization: hmac(SECRETS.dbt, body).digest('hex') }, body };
  },
  paradime(number: number): Signed {
    const body = fill(paradime, runId(number), runId(number));
    const [id, timestamp] = [`msg_${eventId(number)}`, seconds()];
    const signature = hmac(paradimeKey, `${id}.${timestamp}.`, body).digest('base64');
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
    return { path: '/webhooks/paradime', headers, body };
  },
  github(number: number): Signed {
    const body = fill(dbt, eventId(number), runId(number));
    const headers = {
      'x-github-event': 'check_run',
      'x-github-delivery': eventId(number),
      'x-hub-signature-256': `sha256=${hmac(SECRETS.github, body).digest('hex')}`,
    };
    return { path: '/webhooks/github', headers, body };
  },
  stripe(number: number): Signed {
    const body = fill(stripe, eventId(number), runId(number));
    const timestamp = seconds();
    const signature = hmac(SECRETS.stripe, `${timestamp}.`, body).digest('hex');
    return { path: '/stripe/webhook', headers: { 'stripe-signature': `t=${timestamp},v1=${signature}` }, body };
  },
};

export type SenderName = keyof typeof SENDERS;

/** Returns an event id of the same length as dbt's. */
function eventId(number: number): string {
  return `wev_${String(number).padStart(27, '0')}`;
}

export function runId(number: number): string {
  return String(100_000_000 + number);
}

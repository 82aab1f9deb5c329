import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { HeaderMap } from '../sources/message.js';
import { hmacHex, type HmacHexOptions } from './hmac-hex.js';

const SECRET = '12345abcde';

/** Bodies in dbt's compact form; digests made with `openssl dgst -sha256 -hmac 12345abcde`. */
const COMPLETED_2023 = {
  body: '{"accountId":66847,"eventId":"wev_2QSUzWMSv40ow7s8n8TfVPVnYua","timestamp":"2023-05-29T07:52:18.06660617Z","eventType":"job.run.completed","webhookId":"wsu_2QGRb6TLFTOlBXsWjL4kb0RHTWc","webhookName":"Flask app","data":{"jobId":"278164","jobName":"Snowflake Project Job","runId":"155144666","environmentId":"187998","environmentName":"Deployment 1.4","dbtVersion":"1.4.6","projectName":"Snowflake 2","projectId":"241251","runStatus":"Success","runStatusCode":10,"runStatusMessage":"None","runReason":"Kicked off from UI by user@example.com","runStartedAt":"2023-05-29T07:51:56Z","runFinishedAt":"2023-05-29T07:52:15Z"}}',
  digest: 'aff328c9adeac0ab64760a118577261693891aaf3509387ce088387514d50d2f',
};
const CANCELED_2022 = {
  body: '{"account_id":123,"event_id":"231321foisdjfiods","timestamp":"2022-05-02 12:42:31","event_type":"job.run.canceled","data":{"run_reason":"job_scheduled","job_id":"2","job_name":"test-job","run_id":"109281092812","environment_id":"121221","environment_name":"development","run_started_at":"2022-05-02 10:41:31","run_canceled_at":"2022-05-02 10:42:31","webhook_name":"My Account Run Events Webhook","dbt_version":"1.0.0","project_name":"My New Project"}}',
  digest: '7cf0a9b4fe0062233ce0f66d883dfa650b07ab4b785d208fe33566eb60b71473',
};
const NOT_UTF8 = {
  body: Buffer.from('fffe7b2261223a2280227d', 'hex'),
  digest: '42c075558cf0aecd30b7d9389b81cdfcb38c32687cf3e00f8919d754eb0f00ae',
};

const { body: BODY, digest: DIGEST } = COMPLETED_2023;

function message(headers: HeaderMap, body: string | Uint8Array = BODY) {
  return { source: 'dbt', body: Buffer.from(body), headers, receivedAt: new Date(0) };
}

/** The secret of dbt's documentation is short. */
function schemeWith(options: HmacHexOptions, path?: string) {
  return hmacHex({ secretBytesMin: 8, ...options }, path);
}

describe('hmacHex', () => {
  it.each([
    ['a run of 2023', COMPLETED_2023],
    ['the 2022 form', CANCELED_2022],
    ['bytes that are not UTF-8', NOT_UTF8],
  ])('accepts a digest made by openssl: %s', (_name, { body, digest }) => {
    const scheme = schemeWith({ secrets: [SECRET] });
    expect(scheme.verify(message({ authorization: digest }, body))).toEqual({ ok: true, secretIndex: 0 });
  });

  it('accepts upper-case hex', () => {
    const scheme = schemeWith({ secrets: [SECRET] });
    expect(scheme.verify(message({ authorization: DIGEST.toUpperCase() }))).toEqual({ ok: true, secretIndex: 0 });
  });

  it('uses a secret as UTF-8 text, without the whitespace around it', () => {
    const digest = 'c8f933e346d5abbabe304c06b38aa77c2a7c02ababf7d2b7e99ae8690ff096ba';
    const scheme = hmacHex({ secrets: [' sëcret-ключ\r\n'] });
    expect(scheme.verify(message({ authorization: digest }))).toEqual({ ok: true, secretIndex: 0 });
  });

  it('returns the index of the secret that matched', () => {
    const scheme = schemeWith({ secrets: ['the next one', SECRET, SECRET] });
    expect(scheme.verify(message({ authorization: DIGEST }))).toEqual({ ok: true, secretIndex: 1 });
  });

  it.each<[string, HeaderMap, 'missing-header' | 'malformed-header' | 'signature-mismatch']>([
    ['no header', {}, 'missing-header'],
    ['an empty header', { authorization: '' }, 'missing-header'],
    ['the digest in another header', { 'x-forwarded-authorization': DIGEST }, 'missing-header'],
    ['a bearer token', { authorization: 'Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln' }, 'malformed-header'],
    ['the digest behind "Bearer"', { authorization: `Bearer ${DIGEST}` }, 'malformed-header'],
    ['the digest behind "sha256="', { authorization: `sha256=${DIGEST}` }, 'malformed-header'],
    ['the header sent twice', { authorization: `${DIGEST}, ${DIGEST}` }, 'malformed-header'],
    ['63 digits', { authorization: DIGEST.slice(1) }, 'malformed-header'],
    ['65 digits', { authorization: `${DIGEST}0` }, 'malformed-header'],
    ['a letter that is no hex digit', { authorization: `g${DIGEST.slice(1)}` }, 'malformed-header'],
    ['a line break after it', { authorization: `${DIGEST}\n` }, 'malformed-header'],
    ['base64', { authorization: Buffer.from(DIGEST, 'hex').toString('base64') }, 'malformed-header'],
    ['the digest of another body', { authorization: CANCELED_2022.digest }, 'signature-mismatch'],
    ['the digest with an empty secret', { authorization: digestWith('') }, 'signature-mismatch'],
    ['the digest with another secret', { authorization: digestWith('12345abcdf') }, 'signature-mismatch'],
  ])('rejects %s', (_name, headers, check) => {
    const verification = schemeWith({ secrets: [SECRET, 'another one'] }).verify(message(headers));
    expect(verification).toMatchObject({ ok: false, check });
    const { authorization: value } = headers;
    const shown = JSON.stringify(verification);
    for (const hidden of [SECRET, DIGEST, value].filter(Boolean)) expect(shown).not.toContain(hidden);
  });

  it.each([
    ['a line break at its end', `${BODY}\n`],
    ['the same JSON serialised again', JSON.stringify(JSON.parse(BODY), null, 2)],
    ['nothing left', ''],
  ])('rejects a body with %s', (_name, body) => {
    const scheme = schemeWith({ secrets: [SECRET] });
    expect(scheme.verify(message({ authorization: DIGEST }, body))).toMatchObject({ check: 'signature-mismatch' });
  });

  it('distinguishes bytes that are not UTF-8 from their replacement characters', () => {
    const replaced = NOT_UTF8.body.toString('utf8');
    const verification = schemeWith({ secrets: [SECRET] }).verify(
      message({ authorization: NOT_UTF8.digest }, replaced),
    );
    expect(verification).toMatchObject({ check: 'signature-mismatch' });
  });

  it('mentions a gateway if the header has credentials of another scheme', () => {
    const verification = schemeWith({ secrets: [SECRET] }).verify(message({ authorization: 'Bearer a.b.c' }));
    expect(verification).toMatchObject({ reason: expect.stringContaining('gateway') });
  });

  it('uses only the configured header', () => {
    const scheme = schemeWith({ header: 'X-Forwarded-Authorization', secrets: [SECRET] });
    expect(scheme.verify(message({ 'x-forwarded-authorization': DIGEST, authorization: 'Bearer x' }))).toMatchObject({
      ok: true,
    });
    expect(scheme.verify(message({ authorization: DIGEST }))).toMatchObject({ check: 'missing-header' });
  });

  it('stores no header and has no signed id', () => {
    const scheme = schemeWith({ secrets: [SECRET] });
    expect(scheme).toMatchObject({ description: 'HMAC-SHA256 in authorization, 1 secret', headersKept: [] });
    expect(scheme.signedId({ authorization: DIGEST })).toBe('');
  });

  it('does not expose its secrets when it is printed', () => {
    expect(inspect(schemeWith({ secrets: [SECRET] }), { depth: null, showHidden: true })).not.toContain(SECRET);
  });

  it.each<[string, unknown, string]>([
    ['an empty list', { secrets: [] }, 'secrets'],
    ['a text for a list', { secrets: SECRET }, 'secrets'],
    ['no list', {}, 'secrets'],
    ['too many secrets', { secrets: Array(LIMITS.secretsMax + 1).fill(SECRET) }, 'secrets'],
    ['an unset secret', { secrets: [SECRET, undefined] }, 'secrets[1]'],
    ['a null secret', { secrets: [null] }, 'secrets[0]'],
    ['a hole in the list', { secrets: Array(1) }, 'secrets[0]'],
    ['an empty secret', { secrets: [''] }, 'secrets[0]'],
    ['a secret of whitespace', { secrets: [' \n'] }, 'secrets[0]'],
    ['a short secret', { secrets: [SECRET, '7 bytes'] }, 'secrets[1]'],
    ['a header name with a space', { secrets: [SECRET], header: 'x signature' }, 'header'],
    ['an empty header name', { secrets: [SECRET], header: '' }, 'header'],
  ])('throws for %s', (_name, options, option) => {
    const make = () => schemeWith(options as HmacHexOptions, 'dbtCloud({ name: "dbt" })');
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(expect.objectContaining({ option: `dbtCloud({ name: "dbt" }).${option}` }));
    expect(make).not.toThrow(new RegExp(SECRET));
  });

  it('rejects a message with any flipped bit in its body or digest', () => {
    const scheme = schemeWith({ secrets: [SECRET] });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), fc.boolean(), (body, position, inBody) => {
        const digest = createHmac('sha256', SECRET).update(body).digest();
        const valid = scheme.verify(message({ authorization: digest.toString('hex') }, body));
        flipBit(inBody ? body : digest, position);
        const changed = scheme.verify(message({ authorization: digest.toString('hex') }, body));
        return valid.ok && !changed.ok && changed.check === 'signature-mismatch';
      }),
    );
  });
});

function digestWith(secret: string): string {
  return createHmac('sha256', secret).update(BODY).digest('hex');
}

function flipBit(bytes: Uint8Array, position: number): void {
  const bit = position % (bytes.length * 8);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
}

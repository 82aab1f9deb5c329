import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LIMITS } from '../limits.js';
import type { HeaderMap } from '../sources/message.js';
import type { SignatureCheck } from '../sources/verification.js';
import { standardWebhooks } from './standard-webhooks.js';

/** The vector of the Standard Webhooks specification. */
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const TIMESTAMP = '1614265330';
const BODY = '{"test": 2432232314}';
const GOOD = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const WRONG = 'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=';

const AT = new Date(Number(TIMESTAMP) * 1_000);
const scheme = standardWebhooks({ secrets: [SECRET] });

interface Sent {
  id?: string;
  timestamp?: string;
  signature?: string;
}

function headers(family: 'svix' | 'webhook', { id = ID, timestamp = TIMESTAMP, signature = GOOD }: Sent = {}) {
  return { [`${family}-id`]: id, [`${family}-timestamp`]: timestamp, [`${family}-signature`]: signature };
}

function verify(map: HeaderMap, body: string | Uint8Array = BODY, receivedAt = AT, verifier = scheme) {
  return verifier.verify({ source: 'paradime', body: Buffer.from(body), headers: map, receivedAt });
}

function without(map: HeaderMap, name: string): HeaderMap {
  return Object.fromEntries(Object.entries(map).filter(([key]) => key !== name));
}

function sign(id: string, timestamp: string, body: string | Uint8Array, key = SECRET.slice('whsec_'.length)): string {
  const mac = createHmac('sha256', Buffer.from(key, 'base64')).update(`${id}.${timestamp}.`).update(body);
  return `v1,${mac.digest('base64')}`;
}

describe.each(['svix', 'webhook'] as const)('standardWebhooks with %s-* headers', (family) => {
  it('accepts the vector of the specification and returns the signed id', () => {
    const map = headers(family);
    expect(verify(map)).toEqual({ ok: true, secretIndex: 0 });
    expect(scheme.signedId(map)).toBe(ID);
  });

  it.each<[string, string]>([
    ['among wrong and unknown ones', `${WRONG} v2,${WRONG.slice(3)} ${GOOD} ${WRONG}`],
    ['after an entry without a version', `invalid_signature ${GOOD}`],
    ['after an entry that is cut short', `${GOOD.slice(0, 11)} ${GOOD}`],
    ['after empty entries', `v1, ${GOOD}`],
    ['after entries that are none', `v1 , ,, v1,,x ${GOOD}`],
    ['in a header that was sent twice', `${WRONG}, ${GOOD}`],
    ['before a second comma', `${GOOD},x`],
    ['with several spaces around it', `  ${WRONG}   ${GOOD} `],
    ['as the last of as many as are read', `${`${WRONG} `.repeat(LIMITS.signaturesMax - 1)}${GOOD}`],
  ])('accepts a good signature %s', (_name, signature) => {
    expect(verify(headers(family, { signature }))).toEqual({ ok: true, secretIndex: 0 });
  });

  it.each<[string, string, SignatureCheck]>([
    ['no signature', '', 'missing-header'],
    ['only spaces', ' ', 'malformed-header'],
    ['a wrong one', WRONG, 'signature-mismatch'],
    ['only wrong ones', `${WRONG} ${WRONG}`, 'signature-mismatch'],
    ['"v1," alone', 'v1,', 'malformed-header'],
    ['the first 8 characters', GOOD.slice(0, 11), 'signature-mismatch'],
    ['one without padding', GOOD.slice(0, -1), 'signature-mismatch'],
    ['one with a character more', `${GOOD}=`, 'signature-mismatch'],
    ['URL-safe base64', GOOD.replace('+', '-').replace('/', '_'), 'signature-mismatch'],
    ['other bits behind the last byte', GOOD.replace('OE=', 'OF='), 'signature-mismatch'],
    ['a look-alike that is the same modulo 256', lookAlike(GOOD), 'signature-mismatch'],
    ['one without its version', GOOD.slice(3), 'malformed-header'],
    ['an upper-case version', GOOD.replace('v1', 'V1'), 'malformed-header'],
    ['no comma at all', 'invalid_signature', 'malformed-header'],
    ['only an unknown version', GOOD.replace('v1', 'v2'), 'malformed-header'],
    ['only an ed25519 signature', GOOD.replace('v1', 'v1a'), 'malformed-header'],
    ['a list joined by commas', `${WRONG},${GOOD}`, 'signature-mismatch'],
    ['only empty entries', 'v1, v1, v1,', 'malformed-header'],
    ['a good one behind a second comma', `v1,,${GOOD.slice(3)}`, 'malformed-header'],
    ['more empty entries than are read', `${'v1, '.repeat(LIMITS.signaturesMax)}${GOOD}`, 'malformed-header'],
    ['a list joined by tabs', `${WRONG}\t${GOOD}`, 'signature-mismatch'],
    ['one more than are read', `${`${WRONG} `.repeat(LIMITS.signaturesMax)}${GOOD}`, 'malformed-header'],
    ['a huge list', `${GOOD} `.repeat(5_000), 'malformed-header'],
  ])('rejects a signature header with %s', (_name, signature, check) => {
    expect(verify(headers(family, { signature }))).toMatchObject({ ok: false, check });
  });

  it.each<[string, string]>([
    ['words', 'hello'],
    ['trailing letters', '1614265330abc'],
    ['a fraction', '161426533.0'],
    ['a plus sign', '+1614265330'],
    ['a negative time', '-1'],
    ['a space before it', ' 1614265330'],
    ['a line break after it', '1614265330\n'],
    ['hex', '0x6037bc32'],
    ['an exponent', '1e9'],
    ['milliseconds', '1614265330000'],
    ['other digits than ASCII', '١٦١٤٢٦٥٣٣٠'],
    ['the header sent twice', '1614265330, 1614265330'],
  ])('rejects a signed timestamp with %s', (_name, timestamp) => {
    const map = headers(family, { timestamp, signature: sign(ID, timestamp, BODY) });
    expect(verify(map)).toMatchObject({ ok: false, check: 'malformed-header' });
    expect(scheme.signedId(map)).toBe('');
  });

  it.each<[string, string]>([
    ['a dot', 'msg_1.2'],
    ['a space', 'msg_1 2'],
    ['the header sent twice', 'msg_1, msg_1'],
    ['a control character', 'msg_\u0000'],
    ['a letter outside ASCII', 'msg_é'],
    ['a character too many', 'm'.repeat(LIMITS.messageIdCharsMax + 1)],
  ])('rejects a signed id with %s', (_name, id) => {
    const map = headers(family, { id, signature: sign(id, TIMESTAMP, BODY) });
    expect(verify(map)).toMatchObject({ ok: false, check: 'malformed-header' });
    expect(scheme.signedId(map)).toBe('');
  });

  it('accepts the longest id', () => {
    const id = 'm'.repeat(LIMITS.messageIdCharsMax);
    expect(verify(headers(family, { id, signature: sign(id, TIMESTAMP, BODY) }))).toMatchObject({ ok: true });
  });

  it.each(['id', 'timestamp', 'signature'])('rejects a message without its %s and names the missing header', (part) => {
    const name = `${family}-${part}`;
    const expected = { ok: false, check: 'missing-header', reason: expect.stringContaining(`empty: ${name};`) };
    expect(verify(without(headers(family), name))).toMatchObject(expected);
    expect(verify({ ...headers(family), [name]: '' })).toMatchObject(expected);
    expect(scheme.signedId(without(headers(family), name))).toBe('');
  });
});

describe('standardWebhooks', () => {
  it('rejects a message without any of its headers', () => {
    expect(verify({})).toMatchObject({ ok: false, check: 'missing-header' });
  });

  it.each<[number, SignatureCheck | 'accepted']>([
    [-301_000, 'timestamp-too-new'],
    [-300_000, 'accepted'],
    [0, 'accepted'],
    [300_000, 'accepted'],
    [300_999, 'accepted'],
    [301_000, 'timestamp-too-old'],
    [Number.NaN, 'timestamp-too-old'],
  ])('checks a message received %d ms after the signed time: %s', (ms, outcome) => {
    const verification = verify(headers('svix'), BODY, new Date(AT.getTime() + ms));
    expect(verification).toMatchObject(outcome === 'accepted' ? { ok: true } : { ok: false, check: outcome });
  });

  it('uses a configured tolerance', () => {
    const strict = standardWebhooks({ secrets: [SECRET], toleranceMs: 10_000 });
    expect(verify(headers('svix'), BODY, new Date(AT.getTime() + 10_000), strict)).toMatchObject({ ok: true });
    expect(verify(headers('svix'), BODY, new Date(AT.getTime() + 11_000), strict)).toMatchObject({
      check: 'timestamp-too-old',
    });
  });

  it('rejects a modified timestamp', () => {
    const fresh = headers('svix', { timestamp: '1614269000' });
    expect(verify(fresh, BODY, new Date(1_614_269_000_000))).toMatchObject({ check: 'signature-mismatch' });
  });

  it('never mixes two families', () => {
    const mixed = { ...without(headers('svix'), 'svix-timestamp'), 'webhook-timestamp': TIMESTAMP };
    expect(verify(mixed)).toMatchObject({ check: 'missing-header' });
    expect(scheme.signedId(mixed)).toBe('');
  });

  it('uses svix-* if both families are complete', () => {
    const svixIsGood = { ...headers('webhook', { id: 'msg_forged', signature: WRONG }), ...headers('svix') };
    expect(verify(svixIsGood)).toMatchObject({ ok: true });
    expect(scheme.signedId(svixIsGood)).toBe(ID);
    const svixIsWrong = { ...headers('svix', { signature: WRONG }), ...headers('webhook') };
    expect(verify(svixIsWrong)).toMatchObject({ check: 'signature-mismatch' });
  });

  it('uses the only complete family', () => {
    const map = { ...headers('webhook'), 'svix-id': 'msg_other' };
    expect(verify(map)).toMatchObject({ ok: true });
    expect(scheme.signedId(map)).toBe(ID);
  });

  it('rejects bytes moved between id, time and body', () => {
    // `msg_1` + `1614265330` + `5.{}` and `msg_1.1614265330` + `5` + `{}` are the same signed text.
    const signature = 'v1,BngPkCjU0ZIGKN7TUXA5Yoc7uh3zGoNiJDVcngEwZYQ=';
    expect(verify(headers('svix', { id: 'msg_1', signature }), '5.{}')).toMatchObject({ ok: true });
    const moved = headers('svix', { id: 'msg_1.1614265330', timestamp: '5', signature });
    expect(verify(moved, '{}', new Date(5_000))).toMatchObject({ check: 'malformed-header' });
  });

  it('checks bytes, not text: bytes that are not UTF-8 differ from their replacement characters', () => {
    const map = headers('svix', { signature: 'v1,dnDi5GZ3Te6lvRJ+A/l7mt41DfmU9c0vC3pjxJYxUg8=' });
    expect(verify(map, Buffer.from('fffe', 'hex'))).toMatchObject({ ok: true });
    expect(verify(map, '\ufffd\ufffd')).toMatchObject({ check: 'signature-mismatch' });
  });

  it.each(['', 'not JSON', '[]'])('accepts any content of the body: %j', (body) => {
    expect(verify(headers('svix', { signature: sign(ID, TIMESTAMP, body) }), body)).toMatchObject({ ok: true });
  });

  it('accepts a documented Paradime payload signed with openssl', () => {
    const body =
      '{"api_url":"https://api.paradime.io/api/v1/abc/graphql","environment":{"actor":"Scheduler","branch":null,"commit_hash":null,"email":null},"id":1234,"run_url":"https://app.paradime.io/bolt/run_id/1234","schedule":{"commands":["dbt seed","dbt run"],"deferred_schedule":null,"email_notify":["max@acme.io","fabio@acme.io"],"email_on":["passed","failed"],"environment":"production","git_branch":null,"hightouch":null,"name":"daily_run","owner_email":"fabio@paradime.io","schedule":"@daily","slack_notify":["data-alerts"],"slack_on":["passed","failed"],"turbo_ci":null},"schedule_name":"daily_run","start_dttm":"2023-10-15 16:44:01.476190","status":"failed","uuid":"a7e76080-b371-369f-a93f-4a4969617ab6","workspace":{"name":"demo-jaffle","uid":"n0sg8br1m44k0ryj"}}';
    const map = headers('svix', { signature: 'v1,EI6R3Ctw1rZXd7ekZ1sF+Lpb7mCJB9qSJr9o+3Sbuic=' });
    expect(verify(map, body)).toMatchObject({ ok: true });
    expect(verify(map, JSON.stringify(JSON.parse(body), null, 2))).toMatchObject({ check: 'signature-mismatch' });
  });

  it('returns the index of the secret that matched', () => {
    const other = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
    const rotated = standardWebhooks({ secrets: [other, SECRET] });
    expect(verify(headers('svix'), BODY, AT, rotated)).toEqual({ ok: true, secretIndex: 1 });
    const both = `${GOOD} ${sign(ID, TIMESTAMP, BODY, other.slice('whsec_'.length))}`;
    expect(verify(headers('svix', { signature: both }), BODY, AT, rotated)).toEqual({ ok: true, secretIndex: 0 });
  });

  it('keeps only the headers that verify a stored message again', () => {
    expect(scheme.headersKept.toSorted()).toEqual(
      [...Object.keys(headers('svix')), ...Object.keys(headers('webhook'))].toSorted(),
    );
  });

  it('exposes neither header values nor secrets', () => {
    const refused = [
      verify(headers('svix', { id: 'msg_p.x' })),
      verify(headers('svix', { timestamp: '1614265330x' })),
      verify(headers('svix', { signature: WRONG })),
      verify(headers('svix', { signature: `v9,${WRONG.slice(3)}` })),
      verify(headers('svix'), BODY, new Date(0)),
    ];
    const shown = JSON.stringify(refused) + inspect(scheme, { depth: null, showHidden: true });
    for (const hidden of [SECRET.slice(6), 'msg_p', TIMESTAMP, GOOD.slice(3), WRONG.slice(3), 'v9']) {
      expect(shown).not.toContain(hidden);
    }
  });

  it('rejects a message with any flipped bit in its body, signature, id or timestamp', () => {
    const part = fc.constantFrom('body', 'signature', 'id', 'timestamp');
    const id = fc.string({ unit: fc.constantFrom(...'abcXYZ019_-'), minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(id, fc.uint8Array({ minLength: 1 }), part, fc.nat(), (messageId, body, changed, position) => {
        const sent = { id: messageId, timestamp: TIMESTAMP, signature: sign(messageId, TIMESTAMP, body) };
        const valid = verify(headers('webhook', sent), body);
        if (changed === 'body') flipBit(body, position, 8);
        else sent[changed] = flipBitOfText(sent[changed], position);
        return valid.ok && !verify(headers('webhook', sent), body).ok;
      }),
      { numRuns: 1_000 },
    );
  });
});

function flipBit(bytes: Uint8Array, position: number, bits: number): void {
  const at = position % (bytes.length * bits);
  bytes[Math.floor(at / bits)]! ^= 1 << (at % bits);
}

/** Flips one of the seven bits of a character, so that the text stays ASCII. */
function flipBitOfText(text: string, position: number): string {
  const bytes = Buffer.from(text);
  flipBit(bytes, position, 7);
  return bytes.toString();
}

function lookAlike(signature: string): string {
  return signature.slice(0, -2) + String.fromCharCode(signature.charCodeAt(signature.length - 2) + 256) + '=';
}

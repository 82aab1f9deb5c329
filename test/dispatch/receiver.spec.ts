import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  StoreUnavailableError,
  type HeaderMap,
  type NewMessage,
  type Provider,
  type Verification,
} from 'nestjs-runhooks/core';
import { IdSequence, LIMITS, Receiver } from 'nestjs-runhooks/internal';
import { DispatchHarness, held, until } from './dispatch-harness.js';
import { SIGNATURE } from './probe-provider.js';

const REFUSED: Verification = { ok: false, check: 'signature-mismatch', reason: 'Header "x" is not the one.' };

let harness: DispatchHarness;
let woken: number;
let appended: NewMessage[];

/** Returns a receiver on a store that is watched or fails. */
function receiver(changes: Partial<Provider> = {}, append = harness.store.append.bind(harness.store)) {
  const { clock, logger, store, source, provider } = harness;
  const watched = Object.create(store, {
    append: {
      value: (message: NewMessage) => {
        appended.push(message);
        return append(message);
      },
    },
  }) as typeof store;
  const receives = new Receiver({
    store: watched,
    clock,
    ids: new IdSequence(),
    logger,
    refusals: harness.refusals,
    onAccepted: () => (woken += 1),
  });
  const own = Object.assign(Object.create(provider) as Provider, changes);
  return (headers: HeaderMap = SIGNATURE, body = '{"id":"1"}') =>
    receives.receive({ ...source, provider: own }, Buffer.from(body), headers);
}

beforeEach(async () => {
  harness = await DispatchHarness.open();
  woken = 0;
  appended = [];
});

afterEach(() => harness.close());

describe('an accepted message', () => {
  it('is stored before the response: body, digest, signed id and time of receipt', async () => {
    const receipt = await receiver()();
    expect(receipt).toMatchObject({ status: 'accepted' });
    const stored = await harness.inbox.message((receipt as { id: string }).id);
    expect(stored).toMatchObject({ source: 'probe', provider: 'probe', messageKey: '1', state: 'stored', headers: {} });
    expect(Buffer.from(stored!.body).toString()).toBe('{"id":"1"}');
    expect(stored!.receivedAt).toEqual(harness.clock.now());
    expect(Buffer.from(appended[0]!.digest)).toEqual(createHash('sha256').update('{"id":"1"}').digest());
  });

  it('gets its response only after the store has committed it', async () => {
    const { promise, release } = held();
    let responded = false;
    const receipt = receiver({}, async (message) => {
      await promise;
      return harness.store.append(message);
    })().then((value) => {
      responded = true;
      return value;
    });
    await until(() => appended.length === 1);
    expect([responded, woken]).toEqual([false, 0]);
    release();
    expect(await receipt).toMatchObject({ status: 'accepted' });
    expect(woken).toBe(1);
  });

  it('is stored with the headers its provider keeps, and no others', async () => {
    const headers = {
      ...SIGNATURE,
      'x-probe-id': '1',
      authorization: 'Bearer s3cret',
      cookie: 'session=s3cret',
      ['__proto__']: 's3cret',
    };
    await receiver()(headers);
    expect(appended[0]?.headers).toEqual({ 'x-probe-id': '1' });
  });

  it('is identified by the kept headers alone, so that reparsing it gives the same id', async () => {
    const seen: HeaderMap[] = [];
    const identify: Provider['identify'] = ({ headers }) => {
      seen.push(headers);
      return '';
    };
    await receiver({ identify })({ ...SIGNATURE, 'x-probe-id': '1', authorization: 's3cret' });
    expect(seen).toEqual([{ 'x-probe-id': '1' }]);
  });

  it('keeps only as much of a signed id as fits', async () => {
    await receiver({ identify: () => 'x'.repeat(10_000) })();
    expect(appended[0]?.messageKey).toBe('x'.repeat(LIMITS.messageIdCharsMax));
  });

  it('is a duplicate of the first when it is resent, and wakes no worker', async () => {
    const receive = receiver();
    const first = await receive();
    expect(await receive()).toEqual({ ...first, status: 'duplicate' });
    expect(woken).toBe(1);
  });

  it('is stored once when many copies arrive at the same time', async () => {
    const receive = receiver();
    const receipts = await Promise.all(Array.from({ length: 50 }, () => receive()));
    expect(receipts.filter(({ status }) => status === 'accepted')).toHaveLength(1);
    expect(new Set(receipts.map((receipt) => 'id' in receipt && receipt.id)).size).toBe(1);
    expect(woken).toBe(1);
  });

  it('is separate from a message with the same id and another body', async () => {
    const receive = receiver();
    await receive();
    expect(await receive(SIGNATURE, '{"id":"1" }')).toMatchObject({ status: 'accepted' });
  });

  it('may be verified asynchronously', async () => {
    const verify = () => new Promise<Verification>((resolve) => setImmediate(resolve, { ok: true }));
    expect(await receiver({ verify })()).toMatchObject({ status: 'accepted' });
  });
});

describe('a rejected message', () => {
  it('is neither identified nor stored nor passed on', async () => {
    const identify = () => {
      throw new Error('not to be called');
    };
    for (const verify of [() => REFUSED, () => Promise.resolve(REFUSED)]) {
      expect(await receiver({ verify, identify })()).toEqual({
        status: 'refused',
        check: 'signature-mismatch',
        reason: 'Header "x" is not the one.',
      });
    }
    expect([appended, woken]).toEqual([[], 0]);
    expect((await harness.inbox.counts()).messages.stored).toBe(0);
  });

  it.each([
    ['throws', () => thrower()],
    ['rejects', () => Promise.reject(new Error('no key'))],
  ])('is not stored when verification %s', async (_, verify) => {
    await expect(receiver({ verify })()).rejects.toThrow('no key');
    expect([appended, woken]).toEqual([[], 0]);
  });

  it('is logged with the hint of its provider, if it has one', async () => {
    const receive = receiver({ verify: () => REFUSED, hint: () => 'It looks like another event.' });
    expect(await receive()).toMatchObject({ reason: 'Header "x" is not the one. It looks like another event.' });
    expect(harness.lines[0]).toContain('. It looks like another event. Further rejections are counted');
  });

  it('is logged once per source and check, with header names but not their values', async () => {
    const checks = ['signature-mismatch', 'missing-header', 'signature-mismatch', 'missing-header'] as const;
    let calls = 0;
    const verify = () => ({ ...REFUSED, check: checks[calls++ % 4]! });
    const receive = receiver({ verify });
    for (let times = 0; times < 8; times++) await receive({ authorization: 's3cret', 'x-one': 's3cret' });
    expect(harness.lines).toHaveLength(2);
    for (const line of harness.lines) {
      expect(line).toMatch(/^warn: .*"probe".*authorization, x-one/);
      expect(line).not.toContain('s3cret');
    }
  });

  it('lists only a limited number of headers in the log', async () => {
    const headers = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`x-header-${index}`, '']));
    await receiver({ verify: () => REFUSED })(headers);
    expect(harness.lines[0]!.match(/x-header-/g)).toHaveLength(LIMITS.headerNamesLoggedMax);
  });

  it.each([
    ['svix-signature', 'Standard Webhooks'],
    ['webhook-signature', 'Standard Webhooks'],
    ['authorization', 'a signature or token in authorization'],
    ['x-hub-signature', 'no signature scheme'],
  ])('is logged with the scheme suggested by header %s', async (name, scheme) => {
    await receiver({ verify: () => REFUSED })({ [name]: 's3cret' });
    expect(harness.lines[0]).toContain(`look like ${scheme}`);
  });
});

describe('a failing store', () => {
  it.each([
    ['reports that it is unavailable', new StoreUnavailableError('the disk is full')],
    ['reports any other error', new TypeError('no such column')],
  ])('rejects the message and wakes no worker when it %s', async (_, error) => {
    const receive = receiver({}, () => Promise.reject(error));
    await expect(receive()).rejects.toBe(error);
    expect(woken).toBe(0);
  });

  it('accepts the message when it is resent after the failure', async () => {
    let fails = true;
    const receive = receiver({}, (message) =>
      fails ? Promise.reject(new StoreUnavailableError('the disk is full')) : harness.store.append(message),
    );
    await expect(receive()).rejects.toThrow(StoreUnavailableError);
    fails = false;
    expect(await receive()).toMatchObject({ status: 'accepted' });
  });
});

function thrower(): never {
  throw new Error('no key');
}

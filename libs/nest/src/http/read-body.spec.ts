import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { LIMITS } from 'nestjs-runhooks/core';
import { HeldBodies } from './held-bodies.js';
import { readBody as readHeldBody, type BodyResult } from './read-body.js';

afterEach(() => {
  jest.useRealTimers();
});

function incoming(headers: Record<string, string> = {}): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { headers });
}

/** With room for all that a test sends. */
function readBody(request: IncomingMessage, bytesMax: number): Promise<BodyResult> {
  const held = new HeldBodies({ requestsMax: 1, bytesMax: LIMITS.bodiesHeldBytesMax }).hold();
  return readHeldBody(request, bytesMax, held!);
}

/** A request whose body is there already. */
function sent(...chunks: (string | Uint8Array)[]): IncomingMessage {
  const request = incoming();
  for (const chunk of chunks) request.push(chunk);
  request.push(null);
  return request;
}

/** The same to a host that wants text. */
function sentAs(encoding: BufferEncoding, ...chunks: Uint8Array[]): IncomingMessage {
  const request = incoming().setEncoding(encoding);
  for (const chunk of chunks) request.push(chunk);
  request.push(null);
  return request;
}

async function readByHost(request: IncomingMessage): Promise<IncomingMessage> {
  for await (const _ of request);
  return request;
}

const body = (text: string) => ({ ok: true, body: Buffer.from(text) });
const refused = (problem: string) => ({ ok: false, problem });
const consumed = (found: string) => ({ ok: false, problem: 'consumed', found });

describe('readBody', () => {
  it('gives the bytes as they were sent, however they were cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1 }), { minLength: 1 }), async (chunks) => {
        const whole = Buffer.concat(chunks);
        expect(await readBody(sent(...chunks), whole.length)).toEqual({ ok: true, body: whole });
        expect(await readBody(sent(...chunks), whole.length - 1)).toEqual(refused('too-large'));
      }),
    );
  });

  it('tells an empty body from one that the host has read', async () => {
    expect(await readBody(sent(), 9)).toEqual(refused('empty'));
    expect(await readBody(await readByHost(sent()), 9)).toEqual(refused('empty'));
    expect(await readBody(await readByHost(sent('a')), 9)).toEqual(
      consumed('nothing in request.rawBody and request.body'),
    );
  });

  it.each([
    ['rawBody', { rawBody: Buffer.from('raw') }, body('raw')],
    ['rawBody as plain bytes', { rawBody: new TextEncoder().encode('xraw').subarray(1) }, body('raw')],
    ['rawBody beside what it was parsed to', { rawBody: Buffer.from('raw'), body: { a: 1 } }, body('raw')],
    ['body', { body: Buffer.from('raw') }, body('raw')],
    ['rawBody without a byte', { rawBody: Buffer.alloc(0) }, refused('empty')],
    ['rawBody beyond the limit', { rawBody: Buffer.from('raw body') }, refused('too-large')],
    ['rawBody as text', { rawBody: 'raw' }, body('raw')],
    ['rawBody as text of more bytes than characters', { rawBody: 'räw' }, refused('too-large')],
    ['body as text', { body: 'raw' }, body('raw')],
    ['body as an ArrayBuffer', { body: new TextEncoder().encode('raw').buffer }, body('raw')],
    ['body as a view of bytes', { body: new DataView(new TextEncoder().encode('xraw').buffer, 1) }, body('raw')],
    ['body as text beside an empty rawBody', { rawBody: '', body: 'raw' }, body('raw')],
    ['body without a character', { body: '' }, refused('empty')],
    ['body that was parsed', { body: { a: 1 } }, consumed('an object, as a parser makes it in request.body')],
    ['body that was parsed to an array', { body: [1] }, consumed('an array, as a parser makes it in request.body')],
    ['rawBody of another kind', { rawBody: 7 }, consumed('a value of type number in request.rawBody')],
    [
      'body that was parsed beside an empty rawBody',
      { rawBody: '', body: { a: 1 } },
      consumed('an object, as a parser makes it in request.body'),
    ],
  ])('takes what the host has read from its %s', async (_, kept, result) => {
    expect(await readBody(Object.assign(await readByHost(sent('a')), kept), 3)).toEqual(result);
  });

  it('does not look at rawBody while the stream has the bytes', async () => {
    expect(await readBody(Object.assign(sent('a'), { rawBody: Buffer.from('b') }), 3)).toEqual(body('a'));
  });

  it('refuses by the content-length before a byte was read', async () => {
    const request = incoming({ 'content-length': '10' });
    expect(await readBody(request, 9)).toEqual(refused('too-large'));
    expect(request.readableDidRead).toBe(false);
  });

  it('says aborted when the sender goes away, before or while it is read', async () => {
    const gone = incoming().destroy();
    await new Promise((resolve) => gone.once('close', resolve));
    expect(await readBody(gone, 9)).toEqual(refused('aborted'));
    const going = incoming();
    going.push('a');
    const reading = readBody(going, 9);
    going.destroy(new Error('reset'));
    expect(await reading).toEqual(refused('aborted'));
  });

  it('gives a slow sender its time and no more', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const slow = incoming();
    slow.push('a');
    const reading = readBody(slow, 9);
    jest.advanceTimersByTime(LIMITS.bodyReadMs - 1);
    expect(await Promise.race([reading, Promise.resolve('waiting')])).toBe('waiting');
    jest.advanceTimersByTime(1);
    expect(await reading).toEqual(refused('too-slow'));
  });

  it.each(['utf8', 'utf16le', 'latin1', 'hex', 'base64', 'base64url', 'ucs2', 'binary'] as const)(
    'gives the bytes of chunks that became text of the encoding %s, however they were cut',
    async (encoding) => {
      const bytes = Buffer.from('{"name":"Zoë – 日本 🎉"}'.repeat(2));
      for (let cut = 1; cut < bytes.length; cut += 1) {
        const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
        expect(await readBody(sentAs(encoding, ...chunks), bytes.length)).toEqual({ ok: true, body: bytes });
      }
      expect(await readBody(sentAs(encoding, bytes), bytes.length - 1)).toEqual(refused('too-large'));
    },
  );

  it('reads on where the host has paused, before and after, and beside what else reads', async () => {
    const paused = sent('a', 'b').pause();
    expect(await readBody(paused, 9)).toEqual(body('ab'));
    const pausing = sent('a', 'b');
    pausing.on('data', () => pausing.pause());
    expect(await readBody(pausing, 9)).toEqual(body('ab'));
    const readByHand = sent('a', 'b').on('readable', () => undefined);
    expect(await readBody(readByHand, 9)).toEqual(body('ab'));
  });

  it('says that the host paused where it does whenever reading goes on', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const request = incoming();
    request.on('resume', () => request.pause());
    request.push('a');
    const reading = readBody(request, 9);
    await new Promise((resolve) => setImmediate(resolve));
    jest.advanceTimersByTime(LIMITS.bodyReadMs);
    expect(await reading).toEqual(refused('paused'));
  });

  it('does not call a sender slow whose body arrived while the process was busy', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const request = incoming();
    const reading = readBody(request, 9);
    jest.advanceTimersByTime(LIMITS.bodyReadMs);
    request.push('a');
    request.push(null);
    expect(await reading).toEqual(body('a'));
  });

  it.each(['on', 'off', 'resume', 'isPaused', 'listenerCount'] as const)(
    'settles where %s of the request is one of the host that throws',
    async (name) => {
      const request = sent('a');
      Object.defineProperty(request, name, {
        value: () => {
          throw new Error('by the host');
        },
      });
      const result = await readBody(request, 9).catch((error: unknown) => String(error));
      expect([body('a'), 'Error: by the host']).toContainEqual(result);
    },
  );

  it('rejects where a chunk is neither bytes nor text', async () => {
    const request = incoming();
    const reading = readBody(request, 9);
    request.emit('data', { a: 1 });
    await expect(reading).rejects.toThrow('chunk of type object');
  });

  it('leaves no timer and no listener of its own behind', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    for (const [request, max] of [
      [sent('a'), 9],
      [sent('ab'), 1],
    ] as const) {
      await readBody(request, max);
      expect(jest.getTimerCount()).toBe(0);
      expect(['data', 'end', 'close', 'pause', 'readable'].map((event) => request.listenerCount(event))).toEqual([
        0, 0, 0, 0, 0,
      ]);
    }
  });
});

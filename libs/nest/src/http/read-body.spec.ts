import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { NEST_LIMITS } from '../limits.js';
import { BodyTimer } from './body-timer.js';
import { HeldBodies } from './held-bodies.js';
import { readBody as readHeldBody, type BodyResult } from './read-body.js';

afterEach(() => {
  jest.useRealTimers();
});

function incoming(headers: Record<string, string> = {}): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { headers });
}

/** Reads a body with a limit larger than any body of these tests. */
function readBody(request: IncomingMessage, bytesMax: number): Promise<BodyResult> {
  const held = new HeldBodies({ requestsMax: 1, bytesMax: NEST_LIMITS.bodiesHeldBytesMax }).hold();
  return readHeldBody(request, { bytesMax, held: held!, timer: new BodyTimer() });
}

/** Returns a request whose body has arrived. */
function sent(...chunks: (string | Uint8Array)[]): IncomingMessage {
  const request = incoming();
  for (const chunk of chunks) request.push(chunk);
  request.push(null);
  return request;
}

/** Returns such a request of an app that has called `setEncoding`. */
function sentAs(encoding: BufferEncoding, ...chunks: Uint8Array[]): IncomingMessage {
  const request = incoming().setEncoding(encoding);
  for (const chunk of chunks) request.push(chunk);
  request.push(null);
  return request;
}

async function readByApp(request: IncomingMessage): Promise<IncomingMessage> {
  for await (const _ of request);
  return request;
}

const body = (text: string) => ({ ok: true, body: Buffer.from(text) });
const problem = (name: string) => ({ ok: false, problem: name });
const consumed = (found: string) => ({ ok: false, problem: 'consumed', found });

describe('readBody', () => {
  it('returns the bytes that were sent, for any chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1 }), { minLength: 1 }), async (chunks) => {
        const whole = Buffer.concat(chunks);
        expect(await readBody(sent(...chunks), whole.length)).toEqual({ ok: true, body: whole });
        expect(await readBody(sent(...chunks), whole.length - 1)).toEqual(problem('too-large'));
      }),
    );
  });

  it('distinguishes an empty body from one that the app has read', async () => {
    expect(await readBody(sent(), 9)).toEqual(problem('empty'));
    expect(await readBody(await readByApp(sent()), 9)).toEqual(problem('empty'));
    expect(await readBody(await readByApp(sent('a')), 9)).toEqual(
      consumed('nothing in request.rawBody and request.body'),
    );
  });

  it.each([
    ['rawBody', { rawBody: Buffer.from('raw') }, body('raw')],
    ['rawBody as plain bytes', { rawBody: new TextEncoder().encode('xraw').subarray(1) }, body('raw')],
    ['rawBody beside the parsed body', { rawBody: Buffer.from('raw'), body: { a: 1 } }, body('raw')],
    ['body', { body: Buffer.from('raw') }, body('raw')],
    ['rawBody without a byte', { rawBody: Buffer.alloc(0) }, problem('empty')],
    ['rawBody beyond the limit', { rawBody: Buffer.from('raw body') }, problem('too-large')],
    ['rawBody as a string', { rawBody: 'raw' }, body('raw')],
    ['rawBody as a string of more bytes than characters', { rawBody: 'räw' }, problem('too-large')],
    ['body as a string', { body: 'raw' }, body('raw')],
    ['body as an ArrayBuffer', { body: new TextEncoder().encode('raw').buffer }, body('raw')],
    ['body as a view of bytes', { body: new DataView(new TextEncoder().encode('xraw').buffer, 1) }, body('raw')],
    ['body as a string beside an empty rawBody', { rawBody: '', body: 'raw' }, body('raw')],
    ['body without a character', { body: '' }, problem('empty')],
    ['body that was parsed', { body: { a: 1 } }, consumed('an object, as a parser makes it in request.body')],
    ['body that was parsed to an array', { body: [1] }, consumed('an array, as a parser makes it in request.body')],
    ['rawBody of another kind', { rawBody: 7 }, consumed('a value of type number in request.rawBody')],
    [
      'body that was parsed beside an empty rawBody',
      { rawBody: '', body: { a: 1 } },
      consumed('an object, as a parser makes it in request.body'),
    ],
  ])('returns the bytes that the app kept: %s', async (_, kept, result) => {
    expect(await readBody(Object.assign(await readByApp(sent('a')), kept), 3)).toEqual(result);
  });

  it('ignores rawBody if the stream has the bytes', async () => {
    expect(await readBody(Object.assign(sent('a'), { rawBody: Buffer.from('b') }), 3)).toEqual(body('a'));
  });

  it('rejects a too large content-length before it reads a byte', async () => {
    const request = incoming({ 'content-length': '10' });
    expect(await readBody(request, 9)).toEqual(problem('too-large'));
    expect(request.readableDidRead).toBe(false);
  });

  it('returns aborted if the sender disconnects, before or during the read', async () => {
    const closed = incoming().destroy();
    await new Promise((resolve) => closed.once('close', resolve));
    expect(await readBody(closed, 9)).toEqual(problem('aborted'));
    const closing = incoming();
    closing.push('a');
    const result = readBody(closing, 9);
    closing.destroy(new Error('reset'));
    expect(await result).toEqual(problem('aborted'));
  });

  it('returns too-slow after bodyReadMs, and at most bodyCheckMs later', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const slow = incoming();
    slow.push('a');
    const result = readBody(slow, 9);
    jest.advanceTimersByTime(NEST_LIMITS.bodyReadMs - 1);
    expect(await Promise.race([result, Promise.resolve('waiting')])).toBe('waiting');
    jest.advanceTimersByTime(1 + NEST_LIMITS.bodyCheckMs);
    expect(await result).toEqual(problem('too-slow'));
  });

  it.each(['utf8', 'utf16le', 'latin1', 'hex', 'base64', 'base64url', 'ucs2', 'binary'] as const)(
    'returns the bytes of chunks that are strings of the encoding %s',
    async (encoding) => {
      const bytes = Buffer.from('{"name":"Zoë – 日本 🎉"}'.repeat(2));
      for (let cut = 1; cut < bytes.length; cut += 1) {
        const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
        expect(await readBody(sentAs(encoding, ...chunks), bytes.length)).toEqual({ ok: true, body: bytes });
      }
      expect(await readBody(sentAs(encoding, bytes), bytes.length - 1)).toEqual(problem('too-large'));
    },
  );

  it('resumes a request that the app has paused, and reads beside a listener of the app', async () => {
    const paused = sent('a', 'b').pause();
    expect(await readBody(paused, 9)).toEqual(body('ab'));
    const pausing = sent('a', 'b');
    pausing.on('data', () => pausing.pause());
    expect(await readBody(pausing, 9)).toEqual(body('ab'));
    const readByHand = sent('a', 'b').on('readable', () => undefined);
    expect(await readBody(readByHand, 9)).toEqual(body('ab'));
  });

  it('returns paused if the app pauses after each resume', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const request = incoming();
    request.on('resume', () => request.pause());
    request.push('a');
    const result = readBody(request, 9);
    await new Promise((resolve) => setImmediate(resolve));
    jest.advanceTimersByTime(NEST_LIMITS.bodyReadMs + NEST_LIMITS.bodyCheckMs);
    expect(await result).toEqual(problem('paused'));
  });

  it('returns a body that arrived while the process was busy for bodyReadMs', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const request = incoming();
    const result = readBody(request, 9);
    jest.advanceTimersByTime(NEST_LIMITS.bodyReadMs + NEST_LIMITS.bodyCheckMs);
    request.push('a');
    request.push(null);
    expect(await result).toEqual(body('a'));
  });

  it.each(['on', 'off', 'resume', 'isPaused', 'listenerCount'] as const)(
    'settles if the app replaced %s of the request and it throws',
    async (name) => {
      const request = sent('a');
      Object.defineProperty(request, name, {
        value: () => {
          throw new Error('by the app');
        },
      });
      const result = await readBody(request, 9).catch((error: unknown) => String(error));
      expect([body('a'), 'Error: by the app']).toContainEqual(result);
    },
  );

  it('rejects if a chunk is neither bytes nor a string', async () => {
    const request = incoming();
    const result = readBody(request, 9);
    request.emit('data', { a: 1 });
    await expect(result).rejects.toThrow('got a chunk of type object');
  });

  it('removes its listeners, and keeps no timer without a body', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    for (const [request, max] of [
      [sent('a'), 9],
      [sent('ab'), 1],
    ] as const) {
      await readBody(request, max);
      jest.advanceTimersByTime(NEST_LIMITS.bodyCheckMs);
      expect(jest.getTimerCount()).toBe(0);
      expect(['data', 'end', 'close', 'pause', 'readable'].map((event) => request.listenerCount(event))).toEqual([
        0, 0, 0, 0, 0,
      ]);
    }
  });
});

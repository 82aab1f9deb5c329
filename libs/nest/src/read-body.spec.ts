import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { LIMITS } from 'nestjs-runhooks/core';
import { readBody } from './read-body.js';

afterEach(() => {
  jest.useRealTimers();
});

function incoming(headers: Record<string, string> = {}): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { headers });
}

/** A request whose body is there already. */
function sent(...chunks: (string | Uint8Array)[]): IncomingMessage {
  const request = incoming();
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
    expect(await readBody(await readByHost(sent('a')), 9)).toEqual(refused('consumed'));
  });

  it.each([
    ['rawBody', { rawBody: Buffer.from('raw') }, body('raw')],
    ['rawBody as plain bytes', { rawBody: new TextEncoder().encode('xraw').subarray(1) }, body('raw')],
    ['rawBody beside what it was parsed to', { rawBody: Buffer.from('raw'), body: { a: 1 } }, body('raw')],
    ['body', { body: Buffer.from('raw') }, body('raw')],
    ['rawBody without a byte', { rawBody: Buffer.alloc(0) }, refused('empty')],
    ['rawBody beyond the limit', { rawBody: Buffer.from('raw body') }, refused('too-large')],
    ['rawBody as a text, which may have been decoded', { rawBody: 'raw' }, refused('consumed')],
    ['body that was parsed', { body: { a: 1 } }, refused('consumed')],
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

  it('leaves no timer and no listener of its own behind', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    for (const [request, max] of [
      [sent('a'), 9],
      [sent('ab'), 1],
    ] as const) {
      await readBody(request, max);
      expect(jest.getTimerCount()).toBe(0);
      expect(['data', 'end', 'close'].map((event) => request.listenerCount(event))).toEqual([0, 0, 0]);
    }
  });
});

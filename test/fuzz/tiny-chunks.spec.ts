import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { signDbtCloud } from 'nestjs-runhooks/testing';
import { ADAPTERS, closeApps, DBT, startApp } from '../e2e/http-app.js';
import { head } from '../e2e/http-client.js';
import { memoryUse } from './memory-use.js';

afterEach(async () => {
  jest.useRealTimers();
  await closeApps();
});

const BODY_BYTES = 30_000;
const LIVE_MIB_MAX = 4;

describe.each(ADAPTERS)('a body in chunks of one byte, on %s', (adapter) => {
  it('uses memory for its bytes, not for its chunks, and is parsed', async () => {
    const httpApp = await startApp(adapter);
    // On a slow machine so many chunks take longer than the time limit of a body.
    jest.useFakeTimers({ doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate'] });
    const { body, headers } = signDbtCloud('x'.repeat(BODY_BYTES));
    const connection = httpApp.connect();
    const started = once(httpApp.app.getHttpServer() as Server, 'request') as Promise<[IncomingMessage]>;
    const before = memoryUse();
    await connection.write(head(DBT, { ...headers, 'transfer-encoding': 'chunked' }));
    const [{ socket }] = await started;
    const chunks = Buffer.from('1\r\nx\r\n'.repeat(body.length));
    const bytesBefore = socket.bytesRead;
    await connection.write(chunks);
    while (!socket.destroyed && socket.bytesRead < bytesBefore + chunks.length) await setImmediate();
    expect(memoryUse().live - before.live).toBeLessThan(LIVE_MIB_MAX);
    await connection.write('0\r\n\r\n');
    expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 200 .*"accepted"/s);
  });
});

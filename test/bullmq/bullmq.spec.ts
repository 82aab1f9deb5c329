import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { OnRunFailed, type RunFailed } from 'nestjs-runhooks';
import { bullmq, type BullmqOptions } from 'nestjs-runhooks/bullmq';
import { ConfigurationError, type Logger, type DispatchTransport } from 'nestjs-runhooks/core';
import { dbtCloudWebhook } from 'nestjs-runhooks/testing';
import { CARRIED, DispatchHarness, held, openStore, until } from '../dispatch/dispatch-harness.js';
import { dispatchContract } from '../dispatch/dispatch-contract.js';
import { closeApps, startHandlers } from '../e2e/handlers-app.js';
import { newPrefix, onOwnRedis, onRedis, OwnRedis, REDIS_URL, removeKeys } from './redis.js';

let warnings: string[];
const silent = (): void => undefined;
const note = (line: string): void => void warnings.push(line);
const logger: Logger = { debug: silent, log: silent, warn: note, error: note };
const transport = (options: BullmqOptions): DispatchTransport => bullmq(options).createTransport(logger);
const succeeded = async ({ inbox }: DispatchHarness): Promise<number> => (await inbox.counts()).deliveries.succeeded;

/** Returns the number of timers that keep this process running, including those of the test runner. */
const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
let timersBefore: number;

beforeAll(() => {
  timersBefore = timers();
});
beforeEach(() => {
  warnings = [];
});
afterAll(async () => {
  // After an error BullMQ pauses for up to 5 s and ioredis for 2 s, even if they are closed in the meantime.
  while (timers() > timersBefore) await new Promise((resolve) => setTimeout(resolve, 50));
});

onRedis('dispatch over BullMQ', () => {
  let prefix: string;

  beforeEach(() => {
    prefix = newPrefix();
  });
  afterEach(async () => {
    await removeKeys(prefix);
    if (warnings.length > 0) throw new Error(`BullMQ warned: ${warnings.join('; ')}`);
  });

  dispatchContract(() => transport({ connection: REDIS_URL, prefix }));

  it('stores only ids in Redis, under its prefix, and leaves no jobs behind', async () => {
    const harness = await DispatchHarness.open({
      store: await openStore(),
      transport: transport({ connection: REDIS_URL, prefix }),
    });
    const { promise, release } = held();
    harness.on('handler', () => promise, CARRIED);
    harness.dispatcher.start();
    await harness.send({ run: 'secret-of-the-payload' });
    const redis = new Redis(REDIS_URL);
    const jobs = async (): Promise<string[]> =>
      (await redis.keys(`${prefix}:deliveries:dlv_*`)).filter((key) => !key.endsWith(':lock'));
    await until(async () => (await jobs()).length === 1);
    const [delivery] = await harness.deliveries('handler');
    const [key = ''] = await jobs();
    expect(key).toBe(`${prefix}:deliveries:${delivery?.id}-1`);
    const job = await redis.hgetall(key);
    expect(JSON.parse(job['data'] ?? '')).toEqual({ id: delivery?.id });
    expect(JSON.stringify(job)).not.toContain('secret-of-the-payload');
    release();
    await until(async () => (await succeeded(harness)) === 1);
    await until(async () => (await jobs()).length === 0);
    await harness.close();
    await redis.quit();
  });

  it('limits its jobs, however much work waits in the inbox', async () => {
    const harness = await DispatchHarness.open({
      store: await openStore(),
      transport: transport({ connection: REDIS_URL, prefix }),
    });
    const { promise, release } = held();
    harness.on('handler', () => promise, CARRIED);
    for (let run = 0; run < 1_500; run += 1) await harness.send({ run: `${run}` });
    harness.dispatcher.start();
    const redis = new Redis(REDIS_URL);
    const waiting = (): Promise<number> => redis.llen(`${prefix}:deliveries:wait`);
    await until(async () => (await harness.inbox.counts()).deliveries.pending === 1_500);
    await until(async () => (await waiting()) >= 250);
    expect(await waiting()).toBeLessThanOrEqual(500);
    release();
    await until(async () => (await succeeded(harness)) === 1_500);
    await harness.close();
    await redis.quit();
  });

  it('runs and records a delivery once when BullMQ delivers its job several times, as after a stall', async () => {
    const harness = await DispatchHarness.open({
      store: await openStore(),
      transport: transport({ connection: REDIS_URL, prefix }),
    });
    const { promise, release } = held();
    let runs = 0;
    const run = (): Promise<void> => {
      runs += 1;
      return promise;
    };
    harness.on('handler', run, CARRIED);
    harness.dispatcher.start();
    await harness.send();
    await until(() => runs === 1);
    const [delivery] = await harness.deliveries('handler');
    const queue = new Queue('deliveries', { connection: { url: REDIS_URL }, prefix });
    const jobs = Array.from({ length: 8 }, (_, index) => ({
      name: 'again',
      data: { id: delivery?.id },
      opts: { jobId: `again-${index}`, removeOnComplete: true },
    }));
    await queue.addBulk(jobs);
    await until(async () => (await queue.getJobCountByTypes('waiting', 'active')) === 1);
    release();
    await until(async () => (await succeeded(harness)) === 1);
    await queue.add('late', { id: delivery?.id }, { removeOnComplete: true });
    await until(async () => (await queue.getJobCountByTypes('waiting', 'active')) === 0);
    expect(runs).toBe(1);
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
    await queue.close();
    await harness.close();
  });

  it('is a module option, logged at startup, and unused by receivers', async () => {
    const dispatch = bullmq({ connection: REDIS_URL, prefix });
    const ran: string[] = [];
    @Injectable()
    class Pager {
      @OnRunFailed({ id: 'page' })
      page({ run }: RunFailed): void {
        ran.push(run.id);
      }
    }
    const host = await startHandlers({ providers: [Pager], webhooks: { dispatch } });
    expect(host.log.containing('Dispatch: BullMQ on Redis')).toHaveLength(1);
    const { body, headers } = dbtCloudWebhook({ event: 'failed', payload: { data: { runId: '7' } } });
    await host.app.listen(0, '127.0.0.1');
    const answer = await fetch(`${await host.app.getUrl()}/webhooks/dbt`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers,
    });
    expect(answer.status).toBe(200);
    await until(() => ran.length === 1);
    await closeApps();
    const receiver = await startHandlers({ webhooks: { dispatch, role: 'receiver' } });
    expect(receiver.log.containing('Dispatch:')).toEqual([]);
    await closeApps();
    expect(ran).toEqual(['7']);
  });

  it.each([
    ['that BullMQ brings', CARRIED],
    ['that the process has recorded itself', {}],
  ])("runs as many deliveries %s as configured, within the process's concurrency", async (_, handling) => {
    const harness = await DispatchHarness.open({
      store: await openStore(),
      concurrency: 3,
      transport: transport({ connection: REDIS_URL, prefix, concurrency: 2 }),
    });
    let running = 0;
    let most = 0;
    const count = async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running -= 1;
    };
    harness.on('handler', count, handling);
    for (let run = 0; run < 10; run += 1) await harness.send({ run: `${run}` });
    harness.dispatcher.start();
    await until(async () => (await succeeded(harness)) === 10);
    expect(most).toBe(2);
    await harness.close();
  });
});

onOwnRedis('a failing Redis', () => {
  let redis: OwnRedis;
  let benches: DispatchHarness[];

  beforeEach(async () => {
    redis = await OwnRedis.begin();
    benches = [];
  });
  afterEach(async () => {
    await Promise.all(benches.map(({ dispatcher }) => dispatcher.stop(0)));
    for (const harness of benches) await harness.close();
    await redis.kill();
  });

  async function start(count: number, run: () => unknown): Promise<DispatchHarness> {
    const store = await openStore();
    for (let index = 0; index < count; index += 1) {
      const clock = benches[0]?.clock;
      const harness = await DispatchHarness.open({
        store,
        transport: transport({ connection: redis.url }),
        ...(clock && { clock }),
      });
      harness.on('handler', run, CARRIED);
      harness.dispatcher.start();
      benches.push(harness);
    }
    return benches[0]!;
  }

  it('loses nothing and runs nothing twice after FLUSHALL during a run', async () => {
    await redis.start();
    let runs = 0;
    const first = await start(2, async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      runs += 1;
    });
    for (let run = 0; run < 300; run += 1) {
      await first.send({ run: `${run}` });
      if (run % 50 === 25) await redis.send('FLUSHALL');
    }
    await redis.send('FLUSHALL');
    await until(async () => (await succeeded(first)) === 300);
    expect(runs).toBe(300);
  });

  it('is replaced by claims while it is down, and used again when it is back and empty', async () => {
    await redis.start();
    let runs = 0;
    const harness = await start(1, () => void (runs += 1));
    await harness.send({ run: '1' });
    await until(() => runs === 1);
    await redis.kill();
    for (let run = 2; run <= 20; run += 1) await harness.send({ run: `${run}` });
    await until(() => runs === 20);
    expect(harness.lines.join('\n')).toContain('claiming deliveries from the inbox instead');
    await redis.start();
    await until(async () => {
      await harness.send({ run: `back ${runs}` });
      return harness.lines.some((line) => line.includes('is dispatching again'));
    });
    const before = runs;
    await harness.send({ run: 'last' });
    await until(() => runs > before);
    await until(async () => (await harness.inbox.counts()).deliveries.pending === 0);
    expect(runs).toBe(await succeeded(harness));
  });

  it('may be down at the start and at the end', async () => {
    let runs = 0;
    const harness = await start(1, () => void (runs += 1));
    await harness.send({ run: '1' });
    await until(() => runs === 1);
    await redis.start();
    await until(async () => {
      await harness.send({ run: `${runs}, away` });
      return harness.lines.some((line) => line.includes('is dispatching again'));
    });
    await redis.kill();
    await harness.close();
    benches = [];
    expect(warnings.length).toBeGreaterThan(0);
  });
});

onOwnRedis('a Redis that rejects commands', () => {
  let redis: OwnRedis;
  let admin: Redis;
  beforeEach(async () => {
    redis = await OwnRedis.begin();
    await redis.start();
    admin = new Redis(redis.url);
  });
  afterEach(async () => {
    await admin.quit();
    await redis.kill();
  });

  async function stat(name: string): Promise<number> {
    return Number(new RegExp(`${name}:(\\d+)`).exec(await admin.info('stats'))?.[1]);
  }

  async function refusals(): Promise<number> {
    const commands = (await admin.info('commandstats')).matchAll(/cmdstat_eval\w*:.*rejected_calls=(\d+)/g);
    return [...commands].reduce((sum, [, calls]) => sum + Number(calls), 0);
  }

  it('causes one warning for a wrong password, however often it is retried', async () => {
    await admin.config('SET', 'requirepass', 'right');
    const refused = transport({ connection: `${redis.url.replace('//', '//:wrong@')}/1` });
    refused.start({ concurrency: 1, run: () => Promise.resolve() });
    await until(async () => (await stat('total_connections_received')) >= 8);
    await refused.stop();
    expect(warnings.length).toBeGreaterThan(0);
    expect(warnings).toEqual([...new Set(warnings)]);
  });

  it('causes one warning for rejected writes, and is used again once it accepts them', async () => {
    await admin.call('ACL', 'SETUSER', 'default', '-eval', '-evalsha');
    const harness = await DispatchHarness.open({
      store: await openStore(),
      transport: transport({ connection: redis.url }),
    });
    let runs = 0;
    harness.on('handler', () => void (runs += 1), CARRIED);
    harness.dispatcher.start();
    await harness.send({ run: '1' });
    await until(() => runs === 1);
    const [asked, connections] = [await refusals(), await stat('total_connections_received')];
    // Two more workers start after this one, each after a pause.
    await until(async () => (await stat('total_connections_received')) >= connections + 4);
    const askedSince = (await refusals()) - asked;
    expect(askedSince).toBeGreaterThan(0);
    expect(askedSince).toBeLessThan(500);
    expect(warnings).toEqual([...new Set(warnings)]);
    await admin.call('ACL', 'SETUSER', 'default', '+eval', '+evalsha');
    await harness.send({ run: '2' });
    await until(() => runs === 2);
    await until(() => harness.lines.some((line) => line.includes('is dispatching again')));
    await until(async () => {
      await harness.send({ run: `${runs}, carried` });
      return (await admin.get('runhooks:deliveries:id')) !== null;
    });
    await until(async () => (await harness.inbox.counts()).deliveries.pending === 0);
    await harness.close();
  });
});

onRedis('dispatch over a Redis that is too old for BullMQ', () => {
  it('is replaced by claims with a warning, and leaves no connection open at the stop', async () => {
    const { host, port } = new Redis(REDIS_URL, { lazyConnect: true }).options;
    const older = createServer((near) => {
      const far = connect(port ?? 6379, host ?? '127.0.0.1');
      near.on('error', () => far.destroy()).pipe(far);
      far.on('error', () => near.destroy());
      far.on('data', (bytes) => {
        near.write(bytes.toString('latin1').replace(/redis_version:\d+/, 'redis_version:4'), 'latin1');
      });
    });
    await new Promise<void>((resolve) => older.listen(0, '127.0.0.1', resolve));
    const url = new URL(REDIS_URL);
    [url.hostname, url.port] = ['127.0.0.1', String((older.address() as AddressInfo).port)];
    const prefix = newPrefix();
    const harness = await DispatchHarness.open({
      store: await openStore(),
      transport: transport({ connection: url.href, prefix }),
    });
    let runs = 0;
    harness.on('handler', () => void (runs += 1), CARRIED);
    harness.dispatcher.start();
    await harness.send();
    await until(() => runs === 1);
    expect(warnings.join()).toContain('Redis version');
    await harness.close();
    // The callback runs when every connection has ended.
    await new Promise((resolve) => older.close(resolve));
  });
});

describe('options of bullmq', () => {
  it.each([
    ['no connection', {}, 'bullmq.connection: expected a URL or { host, port }, got undefined'],
    [
      'a URL of another protocol',
      { connection: 'http://user:secret@host' },
      'bullmq.connection: expected a URL that starts',
    ],
    [
      'a client',
      { connection: { sendCommand: () => undefined } },
      'bullmq.connection: expected a URL or { host, port }, got a client',
    ],
    ['a key prefix', { connection: { keyPrefix: 'x' } }, 'bullmq.connection.keyPrefix: BullMQ does not support it'],
    ['an empty prefix', { connection: {}, prefix: '' }, 'bullmq.prefix: expected a non-empty string, got ""'],
    ['a bad concurrency', { connection: {}, concurrency: 0 }, 'bullmq.concurrency: expected an integer from 1 to'],
    ['a misspelled option', { connection: {}, prefx: 'x' }, 'bullmq.prefx: unknown option'],
  ])('fail the startup for %s, without showing a secret', (_, options, message) => {
    const make = (): unknown => bullmq(options as BullmqOptions);
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(message);
    expect(make).not.toThrow('secret');
  });

  it('are logged without user and password', () => {
    expect(transport({ connection: 'redis://user:secret@host:1234/2', prefix: 'p' }).description).toBe(
      'BullMQ on Redis host:1234, prefix p',
    );
    expect(transport({ connection: { host: 'h', password: 'secret' } }).description).toBe(
      'BullMQ on Redis h:6379, prefix runhooks',
    );
  });
});

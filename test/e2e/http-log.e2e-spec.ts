import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { OnMessage, OnRun, OnRunFailed, WEBHOOKS_STORE, WebhooksModule, type WebhooksOptions } from 'nestjs-runhooks';
import type { Store } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { dbtCloudWebhook, memoryInbox, TEST_SECRETS, waitUntilIdle } from 'nestjs-runhooks/testing';
import { NEST_LIMITS } from 'inside/nest-limits';
import { ADAPTERS, closeApps, closeLater, dbtWebhook, Handled, LogLines, startApp } from './http-app.js';

afterEach(closeApps);

@Injectable()
class OnCall {
  @OnRunFailed({
    id: 'on-call.page',
    provider: 'dbt-cloud',
    project: 'analytics',
    job: ['nightly-*', '7'],
    when: () => true,
  })
  page(): void {}

  @OnRun('run.canceled', 'run.completed', { source: 'bolt' })
  @OnMessage('paradime', 'bolt.run.started')
  note(): void {}
}

const sources = [
  dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud, 'another one'] }),
  paradime({ name: 'bolt', secrets: [TEST_SECRETS.paradime], path: ['/bolt', '/old/bolt'] }),
  paradime({ name: 'token', scheme: 'static-token', header: 'X-Token', tokens: ['token-of-the-test'] }),
];
const SOURCES_AND_HANDLERS = [
  'log Source "dbt" (dbt-cloud): POST /webhooks/dbt; signature: HMAC-SHA256 in authorization, 2 secrets Runhooks',
  'log Source "bolt" (paradime): POST /bolt, POST /old/bolt; signature: Standard Webhooks, 1 secret Runhooks',
  'log Source "token" (paradime): POST /webhooks/token; signature: static token in X-Token, 1 token Runhooks',
  'log Handler "handled" (Handled.add in AppModule): run.started, run.succeeded, run.failed, run.canceled, run.completed Runhooks',
  'log Handler "on-call.page" (OnCall.page in AppModule): run.failed where provider dbt-cloud, project analytics, job nightly-* or 7, when(…) Runhooks',
  'log Handler "OnCall.note" (OnCall.note in AppModule): paradime message bolt.run.started | run.canceled, run.completed where source bolt Runhooks',
];
const OPEN =
  /^warn Source "open" \(paradime\): .*signature: NONE \(unsigned\).*Anyone who can reach this route can trigger your handlers/;

function boot(log: LogLines): string[] {
  return log.lines.filter((line) => / (?:Inbox|Source|Handler|No handlers)\b/.test(line));
}

describe.each(ADAPTERS)('the startup log on %s', (adapter) => {
  it('lists the inbox, every source with its paths and scheme, and every handler with its filters', async () => {
    const { log } = await startApp(adapter, { webhooks: { sources }, module: { providers: [OnCall] } });
    const [inbox, ...others] = boot(log);
    expect(inbox).toMatch(/^log Inbox: SQLite :memory: \((?:node:sqlite|better-sqlite3)\) Runhooks$/);
    expect(others).toEqual(SOURCES_AND_HANDLERS);
    expect(log.lines.filter((line) => line.includes('token-of-the-test'))).toEqual([]);
  });

  it('warns of an unsigned source at every start', async () => {
    for (const _ of [1, 2]) {
      const open = paradime({ name: 'open', scheme: 'unsigned-insecure' });
      const { log } = await startApp(adapter, { webhooks: { sources: [open] } });
      expect(log.lines.filter((line) => OPEN.test(line))).toHaveLength(1);
      await closeApps();
    }
  });

  it('lists the absolute path, whatever prefix and version the host has', async () => {
    const { log } = await startApp(adapter, { main: (app) => app.setGlobalPrefix('api') });
    expect(log.containing('POST /webhooks/dbt;')).toHaveLength(1);
  });
});

describe('the log of a running app', () => {
  afterEach(() => void jest.useRealTimers());

  it.each([
    ['warns that SIGTERM skips a graceful shutdown when main.ts has not called enableShutdownHooks()', false],
    ['logs nothing about SIGTERM when main.ts has called enableShutdownHooks(), even after listen()', true],
  ])('%s', async (_, isEnabled) => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const { app, log } = await startApp('express', { webhooks: { dispatch: 'auto' } });
    if (isEnabled) app.enableShutdownHooks();
    jest.advanceTimersByTime(NEST_LIMITS.signalCheckMs - 1);
    expect(log.containing('SIGTERM')).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(log.containing('warn Graceful shutdown is off')).toHaveLength(isEnabled ? 0 : 1);
  });
});

describe('the log of an app that rejects requests', () => {
  afterEach(() => void jest.useRealTimers());

  it('reports the end and the count of rejections, even when no further request arrives', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const httpApp = await startApp('express');
    for (const _ of [1, 2, 3]) {
      expect(await httpApp.send(dbtCloudWebhook({ secret: 'forged' }))).toMatchObject({ status: 401 });
    }
    await jest.advanceTimersByTimeAsync(LIMITS.refusalQuietMs + LIMITS.refusalCheckMs);
    expect(httpApp.log.containing('requests')).toEqual([
      expect.stringMatching(
        /^warn Source "dbt" still rejects requests: 401 signature-mismatch, 2 in the last 5 min, 3 in/,
      ),
      expect.stringMatching(/^log Source "dbt" no longer rejects requests: 401 signature-mismatch, 3 in/),
    ]);
    expect((await httpApp.app.get<Store>(WEBHOOKS_STORE).counts()).refusals).toMatchObject([
      { source: 'dbt', check: 'signature-mismatch', requests: 3 },
    ]);
  });

  it('reports the count when the app is closed earlier', async () => {
    const httpApp = await startApp('express');
    for (const _ of [1, 2, 3]) await httpApp.send(dbtCloudWebhook({ secret: 'forged' }));
    await httpApp.app.close();
    expect(httpApp.log.containing('until the shutdown: 401 signature-mismatch, 3 in')).toHaveLength(1);
  });
});

describe('an app without HTTP', () => {
  const options = (): WebhooksOptions => ({ sources, inbox: memoryInbox(), dispatch: 'manual' });

  it.each<[title: string, start: (root: object, log: LogLines) => Promise<INestApplicationContext>]>([
    [
      'as an application context',
      (root, logger) => NestFactory.createApplicationContext(root, { logger, abortOnError: false }),
    ],
    [
      'as a TestingModule',
      async (root, log) =>
        await (
          await Test.createTestingModule({ imports: [root as never] })
            .setLogger(log)
            .compile()
        ).init(),
    ],
  ])('starts %s and logs that no source can be reached', async (_, start) => {
    const log = new LogLines();
    closeLater(await start({ module: class {}, imports: [WebhooksModule.forRoot(options())] }, log));
    expect(boot(log).slice(1)).toEqual([
      'log Source "dbt" (dbt-cloud): not reachable: this app has no HTTP server; signature: HMAC-SHA256 in authorization, 2 secrets Runhooks',
      'log Source "bolt" (paradime): not reachable: this app has no HTTP server; signature: Standard Webhooks, 1 secret Runhooks',
      'log Source "token" (paradime): not reachable: this app has no HTTP server; signature: static token in X-Token, 1 token Runhooks',
      "warn No handlers found; webhooks are stored but nothing runs. Add the classes with @On… decorators to a module's providers [RUNHOOKS_NO_HANDLERS] Runhooks",
    ]);
  });

  it('runs handlers for webhooks another process received', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'runhooks-'));
    try {
      const inbox = sqliteInbox({ path: join(directory, 'inbox.db') });
      const receiver = await startApp('express', { webhooks: { inbox } });
      await receiver.send(dbtWebhook({ payload: { data: { runId: '7' } } }));
      const dbt = dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] });
      const root = {
        module: class {},
        imports: [WebhooksModule.forRoot({ sources: [dbt], inbox, dispatch: 'manual' })],
        providers: [Handled],
      };
      const worker = closeLater(
        await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false }),
      );
      await waitUntilIdle(worker);
      expect(worker.get(Handled).events.map(({ type, runId }) => `${type} ${runId}`)).toEqual([
        'run.succeeded 7',
        'run.completed 7',
      ]);
    } finally {
      await closeApps();
      rmSync(directory, { recursive: true });
    }
  });
});

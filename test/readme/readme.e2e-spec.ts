import { execFile } from 'node:child_process';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { UseInterceptors, type DynamicModule, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Inbox, WebhooksModule } from 'nestjs-runhooks';
import { signStandardWebhooks } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import {
  dbtCloudWebhook,
  fakeDbtCloud,
  ManualClock,
  memoryInbox,
  paradimeWebhook,
  sendWebhook,
  sweep,
  TEST_SECRETS,
  waitUntilIdle,
} from 'nestjs-runhooks/testing';
import { runCommand } from 'inside/command';
import { brokenLinks, documents, typeErrors, writeCodeBlocks } from './code-blocks.js';
import { LogLines } from './log-lines.js';

const ACME_SECRET = `whsec_${Buffer.from('a secret of the README test').toString('base64')}`;

const { directory, blocks } = writeCodeBlocks();
const cwd = process.cwd();
const log = new LogLines();
const apps: INestApplication[] = [];

/** Returns the exports of a code block. */
async function load<T extends object>(document: string, file: string): Promise<T> {
  return (await import(join(directory, document, file))) as T;
}

function opened<App extends INestApplication>(app: App): App {
  apps.push(app);
  return app;
}

/** Starts an app with handlers of a document and a source of each provider. */
async function appWith(handlers: Type[], imports: DynamicModule[] = []): Promise<INestApplication> {
  const webhooks = WebhooksModule.forRoot({
    sources: [
      dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] }),
      paradime({ name: 'paradime', secrets: [TEST_SECRETS.paradime] }),
    ],
    inbox: memoryInbox(),
    dispatch: 'manual',
  });
  const module = Test.createTestingModule({ imports: [webhooks, ...imports], providers: handlers });
  return opened((await module.compile()).createNestApplication({ logger: log }));
}

beforeAll(() => {
  process.env['DBT_CLOUD_WEBHOOK_SECRET'] = TEST_SECRETS.dbtCloud;
  process.env['PARADIME_WEBHOOK_SECRET'] = TEST_SECRETS.paradime;
  process.env['ACME_WEBHOOK_SECRET'] = ACME_SECRET;
});

beforeEach(() => {
  // The documents place the inbox file in the working directory.
  process.chdir(mkdtempSync(join(directory, 'cwd-')));
});

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
  log.clear();
});

afterAll(() => {
  process.chdir(cwd);
  rmSync(directory, { recursive: true });
});

describe('documents', () => {
  it('have code blocks that compile unchanged with the strict options of this package', () => {
    expect(new Set(blocks.map(({ document }) => document))).toContain('README.md');
    expect(typeErrors(blocks)).toEqual([]);
  });

  it.each(documents())('%s links only to existing files and headings', (document) => {
    expect(brokenLinks(document)).toEqual([]);
  });
});

/** The class of docs/never-miss-a-run.md that inspects rounds. */
interface Desk {
  failing(): Promise<object[]>;
  found(): Promise<object[]>;
  sweepNow(source: string, by: string): Promise<number>;
}

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const linesOfReadme = (beginning: string): string[] => readme.split('\n').filter((line) => line.startsWith(beginning));

describe('ARCHITECTURE.md', () => {
  const root = join(import.meta.dirname, '../..');
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');

  /** Returns the files of a row. After the first file of a lib, paths are relative to its `src`. */
  function filesOf(row: string): string[] {
    let source = '';
    return [...row.matchAll(/`([\w./-]+(?:\.ts|\/))`/g)].map(([, path = '']) => {
      source = /^[\w-]+\/src\//.exec(path)?.[0] ?? source;
      return join('libs', path.startsWith(source) ? path : `${source}${path}`);
    });
  }

  it('names only existing files', () => {
    const table = text.slice(text.indexOf('## Where to find what'), text.indexOf('## The store port'));
    const files = table.split('\n').slice(3).flatMap(filesOf);
    expect(files.length).toBeGreaterThan(80);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('shows the rooms in the order that is checked', () => {
    const rooms = createRequire(import.meta.url)(join(root, '.rooms.cjs')) as {
      lib: string;
      order: string[];
    }[];
    const drawing = text.slice(text.indexOf('**Rooms.**'), text.indexOf('## Where to find what'));
    const drawn = drawing
      .split(/\n(?=core|sql-inbox)/)
      .slice(1)
      .map((part) => [part.split(' ')[0], [...part.matchAll(/[\w-]+(?= ─)|(?<=─ )[\w-]+/g)].map(([name]) => name)]);
    expect(drawn).toEqual(rooms.map(({ lib, order }) => [lib, order.filter((room) => room !== '.')]));
  });
});

describe('docs/never-miss-a-run.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/never-miss-a-run.md'), 'utf8');

  it('has an app that logs what the page shows, and a desk that lists failed rounds and makes them due', async () => {
    const clock = new ManualClock();
    const dbt = await fakeDbtCloud({ clock, tokens: { read: 'a-read-token' } });
    try {
      const { OnCall } = await load<{ OnCall: Type }>('docs/never-miss-a-run', 'src/on-call.ts');
      const { SweepDesk } = await load<{ SweepDesk: Type<Desk> }>('docs/never-miss-a-run', 'src/sweep-desk.ts');
      const sources = [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], api: dbt.options() })];
      const webhooks = WebhooksModule.forRoot({ sources, inbox: memoryInbox(), clock });
      const module = Test.createTestingModule({ imports: [webhooks], providers: [OnCall, SweepDesk] });
      const app = opened((await module.compile()).createNestApplication({ logger: log }));
      await app.init();
      await sweep(app);
      const run = await dbt.job({ name: 'nightly-build' }).run();
      await run.fail();
      clock.advance(180_000);
      await sweep(app);
      dbt.faults.respond(401, { times: Number.POSITIVE_INFINITY });
      await expect(sweep(app)).rejects.toThrow('api.accessUrl is the address');
      const desk = app.get(SweepDesk);
      expect(await desk.failing()).toMatchObject([{ kind: 'canceled' }, { kind: 'ended' }, { kind: 'open' }]);
      dbt.faults.clear();
      expect(await desk.sweepNow('dbt', 'a test')).toBe(3);
      await sweep(app);
      expect(await desk.failing()).toEqual([]);
      expect(await desk.found()).toEqual([{ source: 'dbt', runs: 1 }]);
    } finally {
      await dbt.close();
    }
    const shown = page.split('\n').filter((line) => /^(LOG|WARN) \[/.test(line));
    expect(shown).toHaveLength(5);
    for (const line of shown) {
      const text = line.replace(/^\w+ \[\w+\] /, '');
      expect([text, log.like(text).length]).toEqual([text, 1]);
    }
  });
});

describe.each(['Express', 'Fastify'])('the app of README.md on %s', (adapter) => {
  async function boot(): Promise<INestApplication> {
    const { AppModule } = await load<{ AppModule: Type }>('README', 'src/app.module.ts');
    return adapter === 'Fastify'
      ? opened(await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { logger: log }))
      : opened(await NestFactory.create(AppModule, { logger: log }));
  }

  it('pages once for a run that dbt Cloud reports twice as failed', async () => {
    const app = await boot();
    const payload = { data: { runId: '42', projectName: 'analytics', jobName: 'nightly-build' } };
    for (const event of ['failed', 'completed-failed', 'failed'] as const) {
      const response = await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ event, payload }));
      expect(response).toMatchObject({ status: 200, body: { status: 'accepted' } });
    }
    await waitUntilIdle(app);
    expect(log.containing('nightly-build failed')).toHaveLength(1);
  });

  it('returns and logs what the page shows when the command sends a webhook', async () => {
    const app = await boot();
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const [command] = linesOfReadme('npx nestjs-runhooks ');
    const args = command?.replace(':3000', `:${port}`).split(' ').slice(2) ?? [];
    let output = '';
    expect(await runCommand(args, { write: (text) => (output += text) }, process.stderr)).toBe(0);
    await waitUntilIdle(app);
    expect(output).toMatch(/^200 accepted msg_\w+\n$/);
    expect(readme).toContain('prints `200 accepted msg_…`');
    const shown = [...linesOfReadme('LOG ['), ...linesOfReadme('WARN [')];
    expect(shown).toHaveLength(7);
    for (const line of shown) {
      const text = line.replace(/^\w+ \[\w+\] /, '').replace(/better-sqlite3|node:sqlite/, '…');
      expect([text, log.like(text).length]).toEqual([text, 1]);
    }
  });

  it('does not page for another project, and rejects unsigned requests', async () => {
    const app = await boot();
    const other = dbtCloudWebhook({ event: 'failed', payload: { data: { projectName: 'sandbox' } } });
    await sendWebhook(app, '/webhooks/dbt', other);
    await waitUntilIdle(app);
    expect(log.containing('Page')).toEqual([]);
    expect(await sendWebhook(app, '/webhooks/dbt', { ...other, headers: {} })).toMatchObject({
      status: 401,
      body: { status: 'missing-header' },
    });
  });
});

describe('docs/options.md', () => {
  it("has an app with both providers whose handlers receive the kit's own webhooks", async () => {
    const { webhooks, Dashboards } = await load<{ webhooks: DynamicModule; Dashboards: Type }>(
      'docs/options',
      'src/webhooks.ts',
    );
    const { OnCall } = await load<{ OnCall: Type }>('README', 'src/on-call.ts');
    const module = Test.createTestingModule({ imports: [webhooks], providers: [OnCall, Dashboards] });
    const app = opened((await module.compile()).createNestApplication({ logger: log }));
    for (const event of ['failed', 'completed-failed'] as const) {
      await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ event, payload: { data: { runId: '42' } } }));
    }
    await sendWebhook(app, '/webhooks/paradime', paradimeWebhook({ event: 'failed' }));
    await waitUntilIdle(app);
    expect(log.containing('nightly-build failed')).toHaveLength(1);
    expect(log.containing('nightly-run failed')).toHaveLength(1);
    expect(log.containing('Refresh after nightly-build: failed on dbt 2025.9.30+21d3fd7')).toHaveLength(1);
    expect(await sendWebhook(app, '/webhooks/paradime', paradimeWebhook())).toMatchObject({ status: 200 });
  });

  it('shows the exact error of a missing secret', async () => {
    const { webhooks } = await load<{ webhooks: DynamicModule }>('docs/options', 'src/webhooks.ts');
    await expect(Test.createTestingModule({ imports: [webhooks] }).compile()).resolves.toBeDefined();
    delete process.env['DBT_CLOUD_WEBHOOK_SECRET'];
    try {
      await expect(Test.createTestingModule({ imports: [webhooks] }).compile()).rejects.toThrow(
        "dbtCloud({ name: 'dbt' }).secrets[0]: expected a string, got undefined. Set the environment variable it is read from, or remove the entry",
      );
    } finally {
      process.env['DBT_CLOUD_WEBHOOK_SECRET'] = TEST_SECRETS.dbtCloud;
    }
  });
});

describe('docs/handlers.md', () => {
  it('has a pager that retries later with the same key when asked to wait, and gives up when rejected', async () => {
    const { Pager } = await load<{ Pager: Type }>('docs/handlers', 'src/pager.ts');
    const { InboxDesk } = await load<{ InboxDesk: Type<Desk> }>('docs/inbox', 'src/inbox-desk.ts');
    const pager = await fakePager([429, 200, 400, 200]);
    process.env['PAGER_URL'] = pager.url;
    const app = await appWith([Pager, InboxDesk]);
    const nightly = () => dbtCloudWebhook({ event: 'failed', payload: { data: { jobName: 'nightly-build' } } });
    const desk = app.get(InboxDesk);
    try {
      await sendWebhook(app, '/webhooks/dbt', nightly());
      await waitUntilIdle(app);
      expect(pager.keys).toEqual([expect.stringMatching(/^dlv_/), pager.keys[0]]);

      await sendWebhook(app, '/webhooks/dbt', nightly());
      await waitUntilIdle(app);
      expect(await desk.deadLetters()).toMatchObject([
        { handlerId: 'pager.page', error: 'the pager refused the alert with 400' },
      ]);
      expect(await desk.redrive('pager.page', 'Kim')).toBe(1);
      await waitUntilIdle(app);
      expect(pager.keys).toHaveLength(4);
      expect(await desk.deadLetters()).toEqual([]);
    } finally {
      await pager.close();
    }
  });

  it('has a request-scoped handler and an interceptor that run for each delivery', async () => {
    const { RunNotes } = await load<{ RunNotes: Type }>('docs/handlers', 'src/run-notes.ts');
    const { SlowHandlers } = await load<{ SlowHandlers: Type }>('docs/handlers', 'src/slow-runs.interceptor.ts');
    UseInterceptors(SlowHandlers)(RunNotes);
    const app = await appWith([RunNotes]);
    await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ payload: { accountId: 1, data: { runId: '7' } } }));
    await waitUntilIdle(app);
    expect(log.containing('Attempt 1 at run.completed:dbt/1/7')).toHaveLength(1);
    expect(log.containing('run-notes.write took')).toHaveLength(1);
  });

  it('has handlers that alert a data team once, report a recovery, and refresh once', async () => {
    const { DataTeam } = await load<{ DataTeam: Type }>('docs/handlers', 'src/data-team.ts');
    const app = await appWith([DataTeam]);
    for (const [runId, event, jobName] of [
      ['1', 'failed', 'ingest-a'],
      ['2', 'failed', 'ingest-a'],
      ['3', 'succeeded', 'ingest-a'],
      ['4', 'succeeded', 'transform'],
    ] as const) {
      const now = new Date(Date.now() - 60_000 + Number(runId) * 1_000);
      const payload = { data: { runId, jobName, jobId: jobName } };
      await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ event, now, payload }));
    }
    await waitUntilIdle(app);
    expect(log.containing('ingest-a fails')).toHaveLength(1);
    expect(log.containing('ingest-a works again after 2 failed runs')).toHaveLength(1);
    expect(log.containing('Refresh after ingest-a and transform')).toHaveLength(1);
  });

  it('has an exception filter that gives up, and a plain listener', async () => {
    const { Tickets } = await load<{ Tickets: Type }>('docs/handlers', 'src/refusals.filter.ts');
    const { FailureCounter } = await load<{ FailureCounter: Type<{ count: number }> }>(
      'docs/handlers',
      'src/failure-counter.ts',
    );
    const app = await appWith([Tickets, FailureCounter], [EventEmitterModule.forRoot()]);
    for (const jobName of ['nightly', null]) {
      await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ event: 'failed', payload: { data: { jobName } } }));
    }
    await waitUntilIdle(app);
    const { deliveries } = await app.get(Inbox).counts();
    expect(deliveries).toMatchObject({ succeeded: 1, dead: 1, pending: 0 });
    expect(app.get(FailureCounter).count).toBe(2);
  });
});

describe('docs/first-hour.md', () => {
  it('sends a webhook with curl and openssl, which is a duplicate when sent again', async () => {
    const app = await appWith([]);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const page = readFileSync(join(import.meta.dirname, '../../docs/first-hour.md'), 'utf8');
    const script = /^```sh\n(body=.*?)^```$/ms.exec(page)?.[1]?.replace(':3000', `:${port}`) ?? '';
    const send = async (): Promise<unknown> =>
      JSON.parse((await promisify(execFile)('sh', ['-c', script], { env: process.env })).stdout);
    expect(await send()).toMatchObject({ status: 'accepted' });
    expect(await send()).toMatchObject({ status: 'duplicate' });
    await waitUntilIdle(app);
    expect(log.like('Message msg_… from source "dbt": run 42 of "nightly-build" failed →…')).toHaveLength(1);
  });
});

describe('docs/inbox.md', () => {
  it('has a support desk that reparses messages and lets a handler catch up', async () => {
    const { RunBoard } = await load<{ RunBoard: Type<{ lines: string[] }> }>('docs/handlers', 'src/run-board.ts');
    const { InboxDesk } = await load<{ InboxDesk: Type<Desk> }>('docs/inbox', 'src/inbox-desk.ts');
    const app = await appWith([RunBoard, InboxDesk]);
    await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ event: 'canceled' }));
    await waitUntilIdle(app);
    const desk = app.get(InboxDesk);
    expect(await desk.reparse('Kim')).toBe(0);
    expect(await desk.catchUp('run-board', new Date(0), 'Kim')).toBe(1);
    expect(await desk.catchUp('run-board', new Date(0), 'Kim')).toBe(0);
    await waitUntilIdle(app);
    expect(app.get(RunBoard).lines).toEqual(Array(2).fill('nightly-build: run.canceled'));
    expect(await desk.eraseName('nightly-build', 'Kim', 'ticket 17')).toEqual({ messages: 1, retryLater: false });
    expect(await desk.decisions()).toMatchObject([
      { action: 'erase', by: 'Kim', reason: 'ticket 17', affected: 1 },
      { action: 'replay', affected: 0 },
      { action: 'replay', affected: 1 },
      { action: 'reparse', by: 'Kim', affected: 0 },
    ]);
  });
});

describe('docs/http.md', () => {
  it.each([
    ['Express', new ExpressAdapter()],
    ['Fastify', new FastifyAdapter()],
  ])('has an access log that shows webhooks on %s', async (_, adapter) => {
    const { logAccess } = await load<{ logAccess: (app: INestApplication, write: (line: string) => void) => void }>(
      'docs/http',
      'src/access-log.ts',
    );
    const { AppModule } = await load<{ AppModule: Type }>('README', 'src/app.module.ts');
    const app = opened(await NestFactory.create(AppModule, adapter, { logger: log }));
    const lines: string[] = [];
    logAccess(app, (line) => lines.push(line));
    await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook());
    expect(lines).toEqual(['POST /webhooks/dbt 200']);
  });

  it('has a CSRF exception that works with a global prefix on Fastify', async () => {
    const { protectFromCsrf } = await load<{ protectFromCsrf: (app: INestApplication) => void }>(
      'docs/http',
      'src/csrf.ts',
    );
    const { AppModule } = await load<{ AppModule: Type }>('README', 'src/app.module.ts');
    const webhook = dbtCloudWebhook();
    const foreign = { ...webhook, headers: { ...webhook.headers, origin: 'https://elsewhere.example' } };
    for (const [protect, status] of [
      [(app: INestApplication) => app.enableCsrfProtection(), 403],
      [protectFromCsrf, 200],
    ] as const) {
      const app = opened(await NestFactory.create(AppModule, new FastifyAdapter(), { logger: log }));
      app.setGlobalPrefix('api');
      protect(app);
      expect((await sendWebhook(app, '/webhooks/dbt', foreign)).status).toBe(status);
    }
  });
});

describe('docs/custom-provider.md', () => {
  it('has an app that runs its handlers for signed webhooks of the new provider', async () => {
    const { AppModule } = await load<{ AppModule: Type }>('docs/custom-provider', 'src/acme-alerts.ts');
    const app = opened(await NestFactory.create(AppModule, { logger: log }));
    const at = '2026-03-01T02:00:00Z';
    const common = { team: 7, run: 4711, pipeline: { id: 'p1', name: 'nightly' }, at };
    const send = (payload: object, id: string) => {
      const body = Buffer.from(JSON.stringify({ ...common, ...payload }));
      const headers = signStandardWebhooks({ secret: ACME_SECRET, id, timestamp: new Date(), body });
      return sendWebhook(app, '/webhooks/acme', { body, headers });
    };
    expect(await send({ type: 'pipeline.started' }, 'msg_1')).toMatchObject({ body: { status: 'accepted' } });
    expect(await send({ type: 'pipeline.started' }, 'msg_1')).toMatchObject({ body: { status: 'duplicate' } });
    expect(await send({ type: 'pipeline.failed', error: 'no disk' }, 'msg_2')).toMatchObject({ status: 200 });
    expect(await send({ type: 'pipeline.paused' }, 'msg_3')).toMatchObject({ status: 200 });
    expect(await send({ type: 'pipeline.done', team: {} }, 'msg_4')).toMatchObject({ status: 200 });
    await waitUntilIdle(app);
    expect(log.containing('nightly started')).toHaveLength(1);
    expect(log.containing('nightly of team 7 failed: no disk')).toHaveLength(1);
    const { messages } = await app.get(Inbox).counts();
    expect(messages).toMatchObject({ parsed: 2, unrecognized: 1, quarantined: 1 });
  });
});

/** The support desk of `docs/inbox.md`. */
interface Desk {
  deadLetters(): Promise<object[]>;
  redrive(handlerId: string, by: string): Promise<number>;
  reparse(by: string): Promise<number>;
  catchUp(handlerId: string, since: Date, by: string): Promise<number>;
  eraseName(name: string, by: string, reason: string): Promise<object>;
  decisions(): Promise<object[]>;
}

/** Starts a pager that returns the statuses in turn and keeps the idempotency keys it receives. */
async function fakePager(statuses: number[]): Promise<{ url: string; keys: unknown[]; close(): Promise<void> }> {
  const keys: IncomingHttpHeaders[string][] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key']);
    request.resume();
    response.writeHead(statuses.shift() ?? 500, { 'retry-after': '0', connection: 'close' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    keys,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

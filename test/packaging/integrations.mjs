// One Nest 11 app runs the code of the docs with the real packages: loggers that accept objects, and Sentry.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, compile, install, repo } from './packed-app.mjs';
import { expectEqual } from './webhook.mjs';

const { devDependencies } = JSON.parse(await readFile(join(repo, 'package.json'), 'utf8'));

const app = {
  type: 'commonjs',
  dependencies: {
    '@nestjs/common': '11.2.10',
    '@nestjs/core': '11.2.10',
    '@nestjs/platform-express': '11.2.10',
    '@sentry/nestjs': '10.75.3',
    'nest-winston': '2.0.0',
    'nestjs-pino': '5.2.1',
    pino: '10.4.0',
    'pino-http': '11.0.0',
    winston: '3.19.0',
    ...Object.fromEntries(
      ['class-transformer', 'class-validator', 'reflect-metadata', 'rxjs'].map((name) => [name, devDependencies[name]]),
    ),
  },
};

/** The options of `nest new` of Nest 11, stricter where the docs are. */
const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2023',
  strict: true,
  noImplicitOverride: true,
  noPropertyAccessFromIndexSignature: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: true,
  types: ['node'],
  rootDir: 'src',
  outDir: 'dist',
};

/** No server listens at this address, but without an address Sentry instruments nothing. */
const SENTRY_ENV = ['SENTRY_DSN=http://key@127.0.0.1:9/1', 'SENTRY_TRACES_SAMPLE_RATE=1'];

const SEND = `
import type { INestApplication } from '@nestjs/common';
import { dbtCloudWebhook, sendWebhook } from 'nestjs-runhooks/testing';

export async function sendFailedRun(app: INestApplication, now = new Date()): Promise<void> {
  const payload = { accountId: 1, data: { runId: '7', jobName: 'nightly' } };
  const { status } = await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ event: 'failed', now, payload }));
  if (status !== 200) throw new Error(\`found \${status}\`);
}`;

/** One app per logger, each of which logs a failed attempt and the lines before it to stdout. */
const logsApp = (pino, winston) => `
import { Injectable, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WinstonModule } from 'nest-winston';
import { Logger as PinoLogger, LoggerModule } from 'nestjs-pino';
import { OnRunFailed, WebhooksModule, type LogArguments } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { memoryInbox, TEST_SECRETS, waitUntilIdle } from 'nestjs-runhooks/testing';
import * as winston from 'winston';
import { sendFailedRun } from './send';

@Injectable()
class OnCall {
  @OnRunFailed({ id: 'on-call.page', retry: false })
  page(): void {
    throw new Error('the pager is busy');
  }
}

const webhooks = (logArguments?: LogArguments) =>
  WebhooksModule.forRoot({
    sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] })],
    inbox: memoryInbox(),
    dispatch: 'manual',
    ...(logArguments && { logArguments }),
  });

async function run(title: string, app: INestApplication): Promise<void> {
  console.log(JSON.stringify({ title }));
  await app.listen(0);
  await sendFailedRun(app);
  await waitUntilIdle(app);
  await app.close();
}

async function withPino(title: string, logArguments?: LogArguments): Promise<void> {
  @Module({ imports: [LoggerModule.forRoot({ pinoHttp: { level: 'debug' } }), webhooks(logArguments)], providers: [OnCall] })
  class PinoApp {}
  const app = await NestFactory.create(PinoApp, { bufferLogs: true, rawBody: true });
  app.useLogger(app.get(PinoLogger));
  await run(title, app);
}

async function withWinston(title: string, logArguments?: LogArguments): Promise<void> {
  @Module({ imports: [webhooks(logArguments)], providers: [OnCall] })
  class WinstonApp {}
  const transports = [new winston.transports.Console({ level: 'debug', format: winston.format.json() })];
  const logger = WinstonModule.createLogger({ level: 'debug', transports });
  await run(title, await NestFactory.create(WinstonApp, { logger, rawBody: true }));
}

async function main(): Promise<void> {
  await withPino('pino');
  await withPino('pino with fields', ${pino});
  await withWinston('winston');
  await withWinston('winston with fields', ${winston});
}

void main();`;

/** The handlers of docs/sentry.md in apps of three setups, which print what they would send to Sentry. */
const SENTRY_APP = `
import './instrument';
import { Controller, Get, Injectable, Module, type Type } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import * as Sentry from '@sentry/nestjs';
import { SentryGlobalFilter, SentryModule } from '@sentry/nestjs/setup';
import { Inbox, OnRunFailed, WebhooksModule, type RunFailed } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { ManualClock, memoryInbox, TEST_SECRETS, waitUntilIdle } from 'nestjs-runhooks/testing';
import { ErrorsModule } from './errors.module';
import { OnCall } from './on-call';
import { Pager } from './pager';
import { sendFailedRun } from './send';

Sentry.addEventProcessor((event) => {
  const [error] = event.exception?.values ?? [];
  const functions = error?.stacktrace?.frames?.map((frame) => frame.function) ?? [];
  if (error) console.log(JSON.stringify({ sent: error.value, stack: functions.slice(-2).reverse(), tags: event.tags, runhooks: event.contexts?.['runhooks'] }));
  return null;
});

/** Has no filter of its own. */
@Injectable()
class Unbound {
  constructor(private readonly pager: Pager) {}

  @OnRunFailed({ id: 'on-call.page' })
  async page({ run }: RunFailed): Promise<void> {
    await this.pager.page(\`\${run.job.name} failed\`);
  }
}

@Controller()
class Routes {
  @Get('broken')
  broken(): void {
    console.log(JSON.stringify({ isTraced: Sentry.getActiveSpan() !== undefined }));
    throw new Error('a broken route');
  }
}

type Errors = 'SentryGlobalFilter' | 'AllErrors' | 'none';

async function run(title: string, handlers: Type, errors: Errors, globalEnhancers: boolean): Promise<void> {
  console.log(JSON.stringify({ title }));
  const clock = new ManualClock();
  @Module({
    imports: [
      SentryModule.forRoot(),
      ...(errors === 'AllErrors' ? [ErrorsModule] : []),
      WebhooksModule.forRoot({
        sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] })],
        inbox: memoryInbox(),
        dispatch: 'manual',
        clock,
        globalEnhancers,
      }),
    ],
    controllers: [Routes],
    providers: [Pager, handlers, ...(errors === 'SentryGlobalFilter' ? [{ provide: APP_FILTER, useClass: SentryGlobalFilter }] : [])],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { rawBody: true, logger: ['warn'] });
  await app.listen(0);
  await sendFailedRun(app, clock.now());
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await waitUntilIdle(app);
    clock.advance(24 * 60 * 60 * 1_000);
  }
  const inbox = app.get(Inbox);
  const { items: [delivery] } = await inbox.deliveries({ handlerId: 'on-call.page' });
  for (const { error } of await inbox.attempts(delivery!.id)) console.log(JSON.stringify({ recorded: error?.message }));
  const { status } = await fetch(\`\${await app.getUrl()}/broken\`);
  console.log(JSON.stringify({ status }));
  await app.close();
  await Sentry.flush();
}

async function main(): Promise<void> {
  await run('bound', OnCall, 'none', false);
  await run('bound beside SentryGlobalFilter', OnCall, 'SentryGlobalFilter', false);
  await run('bound beside SentryGlobalFilter, globalEnhancers', OnCall, 'SentryGlobalFilter', true);
  await run('AllErrors', Unbound, 'AllErrors', true);
  await Sentry.close(0);
}

void main();`;

const PAGER = `
import { Injectable } from '@nestjs/common';
import { PermanentError, RetryLater } from 'nestjs-runhooks';

@Injectable()
export class Pager {
  private calls = 0;

  async page(text: string): Promise<void> {
    this.calls += 1;
    if (this.calls === 1) throw new Error(\`the pager is busy: \${text}\`);
    if (this.calls === 2) throw new RetryLater(60_000);
    throw new PermanentError('no such pager');
  }
}`;

/** Returns the blocks of a document that begin with the name of their file, by name. */
async function blocksOf(document) {
  const text = await readFile(join(repo, document), 'utf8');
  const blocks = text.matchAll(/^```typescript\n\/\/ src\/(\S+)\n(.*?)^```$/gms);
  return Object.fromEntries(Array.from(blocks, ([, name, code]) => [name, code]));
}

/** Returns `logArguments` from the table of docs/handlers.md for a logger. */
async function logArgumentsOf(logger) {
  const text = await readFile(join(repo, 'docs/handlers.md'), 'utf8');
  const [, code] = new RegExp(`^\\| ${logger} +\\| \`([^\`]+)\``, 'm').exec(text);
  return code;
}

/** Returns the JSON lines that a program printed, in sections that begin with a title. */
async function sectionsOf(cwd, file, env = []) {
  const sections = new Map();
  let section;
  const output = await command(cwd, 'env', ...env, process.execPath, join('dist', file));
  for (const text of output.split('\n')) {
    if (!text.startsWith('{')) continue;
    const line = JSON.parse(text);
    if (line.title) sections.set(line.title, (section = []));
    else section?.push(line);
  }
  return sections;
}

const IDS = ['source', 'messageId', 'eventId', 'runId', 'handlerId', 'deliveryId', 'attempt'];
const idsOf = (line) => Object.fromEntries(IDS.filter((name) => name in line).map((name) => [name, line[name]]));
const generic = (value) =>
  JSON.parse(
    JSON.stringify(value)
      .replace(/\b(msg|dlv)_\w+/g, '$1_…')
      .replace(/\d+ ms/g, '… ms'),
  );

/** Returns the lines of Runhooks with level, text and ids, without parts that differ between runs. */
function runhooksLines(lines, textKey) {
  const ours = lines.filter(({ context }) => context === 'Runhooks');
  return generic(ours.map((line) => ({ level: line.level, text: line[textKey], ids: idsOf(line) })));
}

function expectFields(sections, logger, textKey) {
  const plain = runhooksLines(sections.get(logger), textKey);
  const structured = runhooksLines(sections.get(`${logger} with fields`), textKey);
  const texts = (lines) => lines.map(({ level, text }) => [level, text]);
  expectEqual(texts(structured), texts(plain));
  expectEqual(
    plain.filter(({ ids }) => Object.keys(ids).length > 0),
    [],
  );
  const { ids } = structured.find(({ text }) => text.includes('the pager is busy'));
  expectEqual(ids, {
    source: 'dbt',
    messageId: 'msg_…',
    eventId: 'run.failed:dbt/1/7',
    runId: '7',
    handlerId: 'on-call.page',
    deliveryId: 'dlv_…',
    attempt: 1,
  });
}

/**
 * Expects the reports to Sentry for a handler that fails, asks for a later retry, and fails for good, and for a broken
 * route.
 */
function expectReports(lines, { caller, routeIsSent }) {
  const report = (attempt, sent) => ({
    sent,
    stack: ['Pager.page', caller],
    tags: { handlerId: 'on-call.page', source: 'dbt', eventType: 'run.failed' },
    runhooks: { messageId: 'msg_…', eventId: 'run.failed:dbt/1/7', deliveryId: 'dlv_…', attempt },
  });
  const sent = generic(lines.filter((line) => line.sent));
  expectEqual(
    sent.filter(({ runhooks }) => runhooks),
    [report(1, 'the pager is busy: nightly failed'), report(3, 'no such pager')],
  );
  expectEqual(
    sent.filter(({ runhooks }) => !runhooks).map((line) => line.sent),
    routeIsSent ? ['a broken route'] : [],
  );
  expectEqual(generic(lines.filter((line) => line.recorded).map((line) => line.recorded)), [
    'the pager is busy: nightly failed',
    'the handler requested a retry in … ms',
    'no such pager',
  ]);
  expectEqual(lines.find((line) => line.status).status, 500);
  // This proves that Sentry's instrumentation is on.
  expectEqual(
    lines.map((line) => line.isTraced).filter((one) => one !== undefined),
    [true],
  );
}

function suite(cwd, tarball) {
  let logs;
  let reports;
  return {
    name: 'Nest 11 with nestjs-pino, nest-winston and Sentry',
    anyNode: true,
    checks: {
      installs: () => install(cwd, app, tarball),
      'compiles the code of docs/sentry.md': async () => {
        const src = join(cwd, 'src');
        await mkdir(src);
        const files = {
          ...(await blocksOf('docs/sentry.md')),
          'pager.ts': PAGER,
          'send.ts': SEND,
          'sentry.ts': SENTRY_APP,
          'logs.ts': logsApp(await logArgumentsOf('nestjs-pino'), await logArgumentsOf('nest-winston')),
        };
        await Promise.all(Object.entries(files).map(([name, code]) => writeFile(join(src, name), code)));
        await compile(cwd, ['sentry.ts', 'logs.ts'], COMPILER_OPTIONS);
      },
      'nestjs-pino logs the same texts with logArguments, and the ids beside them': async () => {
        logs = await sectionsOf(cwd, 'logs.js');
        expectFields(logs, 'pino', 'msg');
      },
      'nest-winston logs the same texts with logArguments, and the ids beside them': () =>
        expectFields(logs, 'winston', 'message'),
      'Sentry receives each failed attempt once, with its stack and ids, and the inbox records the same': async () => {
        reports = await sectionsOf(cwd, 'sentry.js', SENTRY_ENV);
        expectReports(reports.get('bound'), { caller: 'OnCall.page', routeIsSent: false });
      },
      'SentryGlobalFilter changes nothing for a handler with the filter, with or without globalEnhancers': () => {
        expectReports(reports.get('bound beside SentryGlobalFilter'), { caller: 'OnCall.page', routeIsSent: true });
        expectReports(reports.get('bound beside SentryGlobalFilter, globalEnhancers'), {
          caller: 'OnCall.page',
          routeIsSent: true,
        });
      },
      'one global filter works for routes and handlers': () =>
        expectReports(reports.get('AllErrors'), { caller: 'Unbound.page', routeIsSent: true }),
    },
  };
}

export const integrationSuites = ({ folder, tarball }) => [suite(join(folder, 'integrations'), tarball)];

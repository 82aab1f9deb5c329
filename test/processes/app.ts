import { Module, type LoggerService, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Inbox, OnRunCompleted, WebhooksModule, type Role, type RunCompleted } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { TEST_SECRETS } from 'nestjs-runhooks/testing';

/** Options of a process, which make it differ from others on the same inbox. */
export interface ProcessOptions {
  /** The file of an inbox in SQLite, or the schema of one in Postgres. */
  readonly file?: string;
  readonly schema?: string;
  readonly role: Role;
  /** Ids of its handlers. */
  readonly handlers: readonly string[];
  /** Time by which its clock is ahead. */
  readonly aheadMs?: number;
  /** Time at which its clock stands still. */
  readonly atMs?: number;
  /** Bound of each handler. Deliveries of such handlers are only ever claimed from the inbox. @default none */
  readonly concurrency?: number;
  /** Whether its handlers never return. */
  readonly isHanging?: boolean;
}

const {
  file,
  schema,
  role,
  handlers,
  aheadMs = 0,
  atMs,
  concurrency,
  isHanging,
} = JSON.parse(process.argv[2] ?? '') as ProcessOptions;

const POSTGRES_URL = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';

/** Sends one line to the test that started this process. */
function send(what: string, value: unknown = ''): void {
  process.stdout.write(`${what} ${JSON.stringify(value)}\n`);
}

function handlerClass(id: string): Type {
  class Handlers {
    @OnRunCompleted({ id, ...(concurrency !== undefined && { concurrency }) })
    async completed({ run }: RunCompleted): Promise<void> {
      send('ran', `${id} ${run.id}`);
      if (isHanging) await new Promise(() => undefined);
    }
  }
  return Handlers;
}

const silent = (): void => undefined;
const warn = (message: unknown): void => send('warned', message);
const logger: LoggerService = { log: silent, warn, error: warn };
const options = {
  sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] })],
  inbox:
    schema === undefined ? sqliteInbox({ path: file! }) : postgresInbox({ connectionString: POSTGRES_URL, schema }),
  role,
  clock: { now: () => new Date(atMs ?? Date.now() + aheadMs) },
};

@Module({ imports: [WebhooksModule.forRoot(options)], providers: handlers.map(handlerClass) })
class AppModule {}

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger });
await app.listen(0, '127.0.0.1');
send('ready', await app.getUrl());

process.stdin.on('data', (data) => {
  if (String(data).includes('inbox')) void sendInboxState();
});
process.stdin.on('end', () => void app.close());

async function sendInboxState(): Promise<void> {
  const inbox = app.get(Inbox);
  send('inbox', { counts: await inbox.counts(), missingHandlers: await inbox.missingHandlers() });
}

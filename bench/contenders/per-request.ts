import {
  Controller,
  Headers,
  HttpCode,
  Inject,
  Module,
  Post,
  Req,
  UnauthorizedException,
  type RawBodyRequest,
} from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { isSignedByDbt } from './hand-signatures.js';
import { listen, nestApp } from './nest-app.js';
import type { Running } from './running.js';

let stored = 0;

/** The part that both SQLite drivers share. */
interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): { run(...values: unknown[]): unknown };
}

const DATABASE = 'bench:database';

@Controller('webhooks')
class PerRequestController {
  private readonly insert;

  constructor(@Inject(DATABASE) database: Database) {
    this.insert = database.prepare(
      'insert into webhooks (event_id, body, received_at) values (?, ?, ?) on conflict do nothing',
    );
  }

  @Post('dbt')
  @HttpCode(200)
  dbt(
    @Req() { rawBody }: RawBodyRequest<IncomingMessage>,
    @Headers('authorization') signature: string | undefined,
  ): object {
    if (!rawBody || !isSignedByDbt(rawBody, signature)) throw new UnauthorizedException();
    const { eventId } = JSON.parse(rawBody.toString('utf8')) as { eventId: string };
    this.insert.run(eventId, rawBody, Date.now());
    stored += 1;
    return { status: 'accepted' };
  }
}

/** Starts a careful hand-written receiver with a transaction per request, on Nest and Fastify with SQLite FULL. */
export async function perRequest(path: string): Promise<Running> {
  const database = await openDatabase(path);
  database.exec('pragma journal_mode = wal');
  database.exec('pragma synchronous = full');
  database.exec('create table webhooks (event_id text primary key, body blob not null, received_at integer not null)');
  @Module({ controllers: [PerRequestController], providers: [{ provide: DATABASE, useValue: database }] })
  class PerRequestModule {}
  const app = await nestApp(PerRequestModule, 'fastify', { rawBody: true });
  return { port: await listen(app), handled: () => stored, close: () => app.close() };
}

/** Opens the file with the driver that Runhooks would use. */
async function openDatabase(path: string): Promise<Database> {
  const builtIn = process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') | undefined;
  if (builtIn) return new builtIn.DatabaseSync(path) as unknown as Database;
  return new (await import('better-sqlite3')).default(path);
}

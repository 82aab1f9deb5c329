import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Injectable, type DynamicModule, type INestApplication, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { OnMessage, OnRun, OnRunFailed, WebhooksModule, type RunEvent } from 'nestjs-runhooks';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { newAdapter, type AdapterName } from '../e2e/http-app.js';
import { SECRETS, sources } from './targets.js';

@Injectable()
class Handlers {
  handled = 0;

  @OnRun('run.started', 'run.succeeded', 'run.failed', 'run.canceled', 'run.completed', { id: 'every' })
  every({ run, payload }: RunEvent): void {
    // What handlers do with events: everything in them is there to be read.
    if (JSON.stringify({ run, payload }) !== '') this.handled += 1;
  }

  @OnRunFailed({
    id: 'some',
    job: ['*a*e*i*', '?'],
    project: '*',
    when: ({ run }) => run.status === 'failed',
    serialize: 'job',
  })
  some(): void {
    this.handled += 1;
  }

  @OnMessage('dbt-cloud', 'job.run.completed', { id: 'message' })
  message(): void {
    this.handled += 1;
  }
}

/** Keeps no lines, because there are as many as requests: only the first that must not be there. */
class FuzzLog implements LoggerService {
  readonly faults: string[] = [];

  log = (...said: unknown[]): void => this.#check(said);
  debug = (...said: unknown[]): void => this.#check(said);
  warn = (...said: unknown[]): void => this.#check(said);
  error = (...said: unknown[]): void => void this.faults.push(`error ${String(said)}`);
  fatal = (...said: unknown[]): void => void this.faults.push(`fatal ${String(said)}`);

  #check(said: readonly unknown[]): void {
    const line = said.map(String).join(' ');
    if (SECRETS.some((secret) => line.includes(secret))) this.faults.push(`told a secret: ${line}`);
    // They can only come from a sender, who could forge lines with them.
    if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(line)) this.faults.push(`unprintable: ${JSON.stringify(line)}`);
    if (line.length > 20_000) this.faults.push(`${line.length} characters: ${line.slice(0, 200)}`);
  }
}

/** An app as a host has it: an inbox in a file, a dispatcher that runs all the while, and handlers. */
export class FuzzApp {
  private constructor(
    readonly adapter: AdapterName,
    readonly app: INestApplication,
    readonly log: FuzzLog,
  ) {}

  static async start(adapter: AdapterName, file: string): Promise<FuzzApp> {
    const log = new FuzzLog();
    const module: DynamicModule = {
      module: class AppModule {},
      imports: [WebhooksModule.forRoot({ sources: sources(), inbox: sqliteInbox({ path: file }) })],
      providers: [Handlers],
    };
    const app = await NestFactory.create(module, newAdapter(adapter), { logger: log, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    return new FuzzApp(adapter, app, log);
  }

  get port(): number {
    return ((this.app.getHttpServer() as Server).address() as AddressInfo).port;
  }

  get handled(): number {
    return this.app.get(Handlers).handled;
  }
}

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
    // This handler reads every field of its events, as handlers do.
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

/** A logger that keeps only the first forbidden line, because there are as many lines as requests. */
class FuzzLog implements LoggerService {
  readonly faults: string[] = [];

  log = (...parts: unknown[]): void => this.#check(parts);
  debug = (...parts: unknown[]): void => this.#check(parts);
  warn = (...parts: unknown[]): void => this.#check(parts);
  error = (...parts: unknown[]): void => void this.faults.push(`error ${String(parts)}`);
  fatal = (...parts: unknown[]): void => void this.faults.push(`fatal ${String(parts)}`);

  #check(parts: readonly unknown[]): void {
    const line = parts.map(String).join(' ');
    if (SECRETS.some((secret) => line.includes(secret))) this.faults.push(`logged a secret: ${line}`);
    // Control characters can only come from a sender, who could use them to forge log lines.
    if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(line)) this.faults.push(`unprintable: ${JSON.stringify(line)}`);
    if (line.length > 20_000) this.faults.push(`${line.length} characters: ${line.slice(0, 200)}`);
  }
}

/** An app like a host's, with an inbox in a file, a worker that runs all the time, and handlers. */
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

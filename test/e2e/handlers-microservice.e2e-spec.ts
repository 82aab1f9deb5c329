import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Injectable, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { OnRunFailed, WebhooksModule, type RunFailed } from 'nestjs-runhooks';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { dbtCloudWebhook, sendWebhook, waitUntilIdle } from 'nestjs-runhooks/testing';
import { firstValueFrom, from } from 'rxjs';
import { closeApps, startHandlers, webhooksOptions } from './handlers-app.js';

afterEach(closeApps);

let ran: string[] = [];
afterEach(() => {
  ran = [];
});

const failed = (runId: string) => ({ event: 'failed', payload: { data: { runId } } }) as const;

/** A microservice transport whose messages come from the test. */
class LocalServer extends Server implements CustomTransportStrategy {
  listen(done: () => void): void {
    done();
  }

  close(): void {}

  async request(pattern: string, data: unknown): Promise<unknown> {
    const handler = this.getHandlerByPattern(pattern);
    if (!handler) throw new Error(`no handler of ${pattern}`);
    return await firstValueFrom(from(await handler(data)));
  }

  override on(): void {}

  override unwrap<T>(): T {
    throw new Error('there is nothing below');
  }
}

class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    ran.push(`guard ${context.getType()}`);
    return true;
  }
}

@UseGuards(Guard)
@Controller()
class Runs {
  private readonly failedRuns: string[] = [];

  @MessagePattern('runs.failed')
  all(): string {
    return this.failedRuns.join(' ');
  }

  @OnRunFailed({ id: 'runs.add' })
  add({ run }: RunFailed): void {
    this.failedRuns.push(run.id);
  }
}

describe('hybrid app', () => {
  it.each([false, true])(
    'receives webhooks, runs handlers and responds to messages; inheritAppConfig %s',
    async (inherit) => {
      const server = new LocalServer();
      const host = await startHandlers({
        controllers: [Runs],
        main: async (app) => {
          app.connectMicroservice({ strategy: server }, { inheritAppConfig: inherit });
          await app.startAllMicroservices();
        },
      });
      await host.dbt(failed('7'));
      expect(await server.request('runs.failed', {})).toBe('7');
      expect(ran).toEqual(['guard webhook', 'guard rpc']);
      expect(await host.outcomes()).toEqual(['runs.add 1 succeeded']);
    },
  );

  it('runs no guard of the microservice for handlers, even with globalEnhancers', async () => {
    const host = await startHandlers({
      webhooks: { globalEnhancers: true },
      controllers: [Runs],
      main: async (app) => {
        const microservice = app.connectMicroservice({ strategy: new LocalServer() });
        microservice.useGlobalGuards({ canActivate: () => false });
        await app.startAllMicroservices();
      },
    });
    await host.dbt(failed('7'));
    expect(await host.outcomes()).toEqual(['runs.add 1 succeeded']);
  });
});

it('runs handlers in a microservice for webhooks another process received', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runhooks-'));
  const options = () => webhooksOptions({ inbox: sqliteInbox({ path: join(folder, 'runhooks.db') }) });
  try {
    const receiver = await startHandlers({ webhooks: options() });
    const server = new LocalServer();
    const worker = await NestFactory.createMicroservice(
      { module: class WorkerModule {}, imports: [WebhooksModule.forRoot(options())], controllers: [Runs] },
      { strategy: server, logger: false, abortOnError: false },
    );
    await worker.listen();
    try {
      await sendWebhook(receiver.app, '/webhooks/dbt', dbtCloudWebhook(failed('7')));
      await waitUntilIdle(worker);
      expect(await server.request('runs.failed', {})).toBe('7');
      expect(await receiver.outcomes()).toEqual(['runs.add 1 succeeded']);
    } finally {
      await worker.close();
    }
  } finally {
    await closeApps();
    rmSync(folder, { recursive: true });
  }
});

it('runs handlers in a TestingModule without an HTTP server for messages in the inbox', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runhooks-'));
  const options = () => webhooksOptions({ inbox: sqliteInbox({ path: join(folder, 'runhooks.db') }) });
  @Injectable()
  class Pager {
    @OnRunFailed()
    page({ run }: RunFailed): void {
      ran.push(run.id);
    }
  }
  try {
    const receiver = await startHandlers({ webhooks: options() });
    await sendWebhook(receiver.app, '/webhooks/dbt', dbtCloudWebhook(failed('7')));
    const module = await Test.createTestingModule({
      imports: [WebhooksModule.forRoot(options())],
      providers: [Pager],
    })
      .setLogger(receiver.log)
      .compile();
    await module.init();
    await waitUntilIdle(module);
    expect(ran).toEqual(['7']);
    await module.close();
  } finally {
    await closeApps();
    rmSync(folder, { recursive: true });
  }
});

import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Inbox, OnRunFailed, WebhooksModule, type DeliveryContext, type RunFailed } from 'nestjs-runhooks';
import { StoreUnavailableError } from 'nestjs-runhooks/core';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { dbtCloudWebhook, sendWebhook } from 'nestjs-runhooks/testing';
import { closeApps, startHandlers, webhooksOptions } from './handlers-app.js';

afterEach(closeApps);

/**
 * Nest orders shutdown hooks by module distance, which each version computes differently, so the titles name the
 * version.
 */
const { version } = createRequire(import.meta.url)('@nestjs/core/package.json') as { version: string };

/** A resource of the host that handlers use for as long as the app runs. */
@Injectable()
class Pool implements OnModuleInit, OnModuleDestroy {
  state = 'made';

  onModuleInit(): void {
    this.state = 'open';
  }

  onModuleDestroy(): void {
    this.state = 'closed';
  }
}

/** Returns a handler that runs until the test releases it, with a promise of its start. */
function gatedHandler() {
  let start: () => void;
  let letGo: () => void;
  const started = new Promise<void>((resolve) => (start = resolve));
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  const seen: string[] = [];
  @Injectable()
  class Handlers {
    constructor(@Inject(Pool) private readonly pool: Pool) {}

    @OnRunFailed()
    async page(_event: RunFailed, { signal }: DeliveryContext): Promise<void> {
      seen.push(this.pool.state);
      start();
      await gate;
      seen.push(`${this.pool.state} ${signal.aborted}`);
    }
  }
  return { Handlers, started, letGo: () => letGo(), seen };
}

describe(`shutdown on Nest ${version}`, () => {
  it.each(['in the root module', 'in a module imported before', 'in a module imported after', 'in a global module'])(
    'lets a running handler use a resource that the host destroys in onModuleDestroy: %s',
    async (place) => {
      const { Handlers, started, letGo, seen } = gatedHandler();
      const parts = { providers: [Pool, Handlers], exports: [Pool] };
      const feature = { module: class Feature {}, ...parts, global: place === 'in a global module' };
      const webhooks = WebhooksModule.forRoot(webhooksOptions({ dispatch: 'auto' }));
      const imports = place === 'in a module imported before' ? [feature, webhooks] : [webhooks, feature];
      const root =
        place === 'in the root module'
          ? { module: class AppModule {}, imports: [webhooks], ...parts }
          : { module: class AppModule {}, imports };
      const app = await NestFactory.create(root, { logger: false, abortOnError: false });
      await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ event: 'failed' }));
      await started;
      const closing = app.close();
      // The app returns 503 here because the shutdown has begun and waits for the handler.
      const { status } = await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook());
      expect(status).toBe(503);
      expect(app.get(Pool, { strict: false }).state).toBe('open');
      letGo();
      await closing;
      expect(seen).toEqual(['open', 'open false']);
      expect(app.get(Pool, { strict: false }).state).toBe('closed');
    },
  );

  it('aborts a handler that does not end in time, and keeps its resources available until then', async () => {
    const seen: string[] = [];
    let start: () => void;
    const started = new Promise<void>((resolve) => (start = resolve));
    @Injectable()
    class Handlers {
      constructor(@Inject(Pool) private readonly pool: Pool) {}

      @OnRunFailed()
      async page(_event: RunFailed, { signal }: DeliveryContext): Promise<void> {
        start();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        seen.push(`${this.pool.state} ${(signal.reason as Error).name}`);
      }
    }
    @Module({
      imports: [WebhooksModule.forRoot(webhooksOptions({ dispatch: 'auto', drainMs: 1 }))],
      providers: [Pool, Handlers],
    })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ event: 'failed' }));
    await started;
    await app.close();
    expect(seen).toEqual(['open ShutdownError']);
  });
});

it('releases the inbox and stops purging when the app is closed', async () => {
  const { app } = await startHandlers({});
  const inbox = app.get(Inbox, { strict: false });
  await closeApps();
  await expect(inbox.counts()).rejects.toThrow(StoreUnavailableError);
  expect(await inbox.purge()).toBe(0);
});

it(`runs no handler before the whole host is ready on Nest ${version}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runhooks-'));
  const inbox = sqliteInbox({ path: join(folder, 'runhooks.db') });
  const order: string[] = [];
  let end: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  @Injectable()
  class Handlers implements OnModuleInit, OnApplicationBootstrap {
    async onModuleInit(): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve));
      order.push('init');
    }

    async onApplicationBootstrap(): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve));
      order.push('bootstrap');
    }

    @OnRunFailed()
    page(): void {
      order.push('handler');
      end();
    }
  }
  const before = await startHandlers({ webhooks: { inbox } });
  await sendWebhook(before.app, '/webhooks/dbt', dbtCloudWebhook({ event: 'failed' }));
  await closeApps();
  await startHandlers({ providers: [Handlers], webhooks: { inbox, dispatch: 'auto' } });
  await ended;
  await closeApps();
  rmSync(folder, { recursive: true });
  expect(order).toEqual(['init', 'bootstrap', 'handler']);
});

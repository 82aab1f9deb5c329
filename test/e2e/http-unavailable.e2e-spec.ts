import { Injectable, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Inbox, WEBHOOKS_STORE, WebhooksModule } from 'nestjs-runhooks';
import { StoreUnavailableError, type Appended, type NewMessage, type Source, type Store } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { memoryInbox, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { NEST_LIMITS } from 'inside/nest-limits';
import { until } from '../dispatch/dispatch-harness.js';
import {
  ADAPTERS,
  closeApps,
  DBT,
  dbtWebhook,
  isNest12,
  startApp,
  type WebhookResponse,
  type HttpApp,
} from './http-app.js';
import { head } from './http-client.js';

afterEach(closeApps);

type Append = (store: Store, message: NewMessage) => Promise<Appended>;

/** Returns a real inbox whose `append` is controlled by the test. */
function inboxWith(append: Append): {
  createStore(logger: Parameters<ReturnType<typeof memoryInbox>['createStore']>[0]): Store;
} {
  return {
    createStore(logger) {
      const store = memoryInbox().createStore(logger);
      return new Proxy(store, {
        get(target, name: keyof Store) {
          if (name === 'append') return (message: NewMessage) => append(target, message);
          const value: unknown = target[name];
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    },
  };
}

const UNAVAILABLE = {
  status: 503,
  headers: { 'retry-after': String(NEST_LIMITS.retryAfterSeconds) },
  body: { status: 'unavailable', message: 'it is unknown whether the message was stored; sending it again is safe' },
};

describe.each(ADAPTERS)('failing to store messages, on %s', (adapter) => {
  it('returns 503 with Retry-After, and accepts the message when it is resent', async () => {
    let isDown = true;
    const inbox = inboxWith(async (store, message) => {
      if (isDown) throw new StoreUnavailableError('the disk is full');
      return await store.append(message);
    });
    const httpApp = await startApp(adapter, { webhooks: { inbox } });
    const webhook = dbtWebhook();
    expect(await httpApp.send(webhook)).toMatchObject(UNAVAILABLE);
    isDown = false;
    expect(await httpApp.send(webhook)).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(await httpApp.handled()).toHaveLength(2);
  });

  it('returns 503 for a store error of another copy of the package, recognized by its flag', async () => {
    const inbox = inboxWith(async () => {
      const brand = { [Symbol.for('nestjs-runhooks:store-unavailable-error')]: true };
      throw Object.assign(new Error('the disk is full'), brand);
    });
    const httpApp = await startApp(adapter, { webhooks: { inbox } });
    expect(await httpApp.send(dbtWebhook())).toMatchObject(UNAVAILABLE);
  });

  it('logs the reason once, and the number of rejected messages at the end', async () => {
    let reason: string | undefined = 'the disk is full';
    const inbox = inboxWith(async (store, message) => {
      if (reason !== undefined) throw new StoreUnavailableError(reason);
      return await store.append(message);
    });
    const source = dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], path: ['/old', DBT] });
    const httpApp = await startApp(adapter, { webhooks: { inbox, sources: [source] } });
    for (const path of ['/old', DBT, '/old']) await httpApp.send(dbtWebhook(), path);
    reason = 'the disk reported an I/O error';
    await httpApp.send(dbtWebhook());
    const isDown = httpApp.log.containing('Source "dbt" is responding with 503');
    expect(isDown).toEqual([
      expect.stringContaining('the disk is full'),
      expect.stringContaining('the disk reported an I/O error'),
    ]);
    reason = undefined;
    await httpApp.send(dbtWebhook({ secret: 'forged' }));
    expect(httpApp.log.containing('accepts webhooks again')).toEqual([]);
    await until(async () => {
      await httpApp.send(dbtWebhook());
      return httpApp.log.containing('accepts webhooks again').length > 0;
    });
    await httpApp.send(dbtWebhook(), '/old');
    expect(httpApp.log.containing('accepts webhooks again')).toEqual([
      expect.stringContaining('Source "dbt" accepts webhooks again after 4 responses with 503'),
    ]);
  });

  it('returns duplicate for a resend when the message was stored in spite of the 503', async () => {
    let isCutOff = true;
    const inbox = inboxWith(async (store, message) => {
      const appended = await store.append(message);
      if (isCutOff) throw new StoreUnavailableError('no word from the database');
      return appended;
    });
    const httpApp = await startApp(adapter, { webhooks: { inbox } });
    const webhook = dbtWebhook();
    expect(await httpApp.send(webhook)).toMatchObject(UNAVAILABLE);
    isCutOff = false;
    expect(await httpApp.send(webhook)).toMatchObject({ status: 200, body: { status: 'duplicate' } });
    expect(await httpApp.handled()).toHaveLength(2);
  });

  it('returns 401 for a forged message without calling the store', async () => {
    const inbox = inboxWith(() => Promise.reject(new StoreUnavailableError('down')));
    const httpApp = await startApp(adapter, { webhooks: { inbox } });
    expect(await httpApp.send(dbtWebhook({ secret: 'forged' }))).toMatchObject({ status: 401 });
  });

  it.each<[title: string, append: Append, failure: string]>([
    ['fails in a way of its own', () => Promise.reject(new RangeError('column 7')), 'failed with RangeError: column 7'],
    ['rejects with nothing', () => Promise.reject(), 'failed with'],
    [
      'throws before it promises',
      () => {
        throw new TypeError('not a function');
      },
      'failed with TypeError: not a function',
    ],
  ])('returns 500 for one message only when the store %s', async (_, append, failure) => {
    const bad = dbtWebhook();
    const inbox = inboxWith((store, message) =>
      Buffer.compare(message.body, bad.body) === 0 ? append(store, message) : store.append(message),
    );
    const httpApp = await startApp(adapter, { webhooks: { inbox } });
    expect(await httpApp.send(bad)).toMatchObject({ status: 500, body: { status: 'error' } });
    expect(httpApp.log.containing(`Source "dbt" is responding with 500: receiving ${failure}`)).toHaveLength(1);
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200 });
  });

  it('rejects one message and no other when a provider throws during verification', async () => {
    const broken: Source = {
      name: 'broken',
      provider: 'other',
      open: () => ({
        name: 'other',
        signature: 'a signature',
        isOpenToAnyone: false,
        headersKept: [],
        verify: () => {
          throw new Error('bad key');
        },
        identify: () => '',
        parse: () => ({ state: 'quarantined', reason: 'never read' }),
      }),
    };
    const httpApp = await startApp(adapter, { webhooks: { sources: [broken] } });
    const response = await httpApp.send(dbtWebhook(), '/webhooks/broken');
    expect(response).toMatchObject({ status: 500, body: { status: 'error' } });
    expect(response.text).not.toContain('bad key');
    expect(
      httpApp.log.containing('Source "broken" is responding with 500: receiving failed with Error: bad key'),
    ).toHaveLength(1);
    expect(await httpApp.stored()).toBe(0);
  });

  it("is reproducible with a test's own store instead of the configured one", async () => {
    const store = inboxWith(() => Promise.reject(new StoreUnavailableError('by order of the test'))).createStore(
      console as never,
    );
    const httpApp = await startApp(adapter, {
      create: async (module, http, options) => {
        const builder = Test.createTestingModule({ imports: [module] })
          .overrideProvider(WEBHOOKS_STORE)
          .useValue(store);
        return (await builder.compile()).createNestApplication(http, options);
      },
    });
    expect(await httpApp.send(dbtWebhook())).toMatchObject(UNAVAILABLE);
  });

  it("is reproducible with a test's own store factory, as for the inbox option", async () => {
    const asConfigured: unknown[] = [];
    const httpApp = await startApp(adapter, {
      webhooks: { inbox: inboxWith((_store, message) => Promise.reject(asConfigured.push(message))) },
      create: async (module, http, options) => {
        const builder = Test.createTestingModule({ imports: [module] })
          .overrideProvider(WEBHOOKS_STORE)
          .useValue(memoryInbox());
        return (await builder.compile()).createNestApplication(http, options);
      },
    });
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200 });
    expect(await httpApp.app.get(Inbox).counts()).toMatchObject({ messages: { stored: 1 } });
    expect(asConfigured).toEqual([]);
    await httpApp.app.close();
  });

  // Nest 11 treats an override by undefined as no override.
  it.each(isNest12 ? [[undefined], ['runhooks.db'], [{}]] : [['runhooks.db'], [{}]])(
    'fails with the fix when a test sets the store to %p',
    async (store) => {
      const builder = Test.createTestingModule({
        imports: [
          WebhooksModule.forRoot({
            sources: [dbtCloud({ name: 'dbt', secrets: ['12345abcde'] })],
            inbox: memoryInbox(),
          }),
        ],
      });
      await expect(builder.overrideProvider(WEBHOOKS_STORE).useValue(store).compile()).rejects.toThrow(
        /^WEBHOOKS_STORE: expected a store or a factory of one, got .*memoryInbox\(\)/,
      );
    },
  );
});

describe.each(ADAPTERS)('shutting down, on %s', (adapter) => {
  const late: { httpApp?: HttpApp; responses: WebhookResponse[] } = { responses: [] };

  /** A provider of the host whose hooks run while the shutdown has begun and the server still listens. */
  @Injectable()
  class Late implements OnModuleDestroy, BeforeApplicationShutdown {
    async onModuleDestroy(): Promise<void> {
      await this.send();
    }
    async beforeApplicationShutdown(): Promise<void> {
      await this.send();
    }
    private async send(): Promise<void> {
      if (late.httpApp) late.responses.push(await late.httpApp.send(dbtWebhook()));
    }
  }

  it('returns 503 for every new message and closes the connection', async () => {
    late.responses = [];
    late.httpApp = await startApp(adapter, { module: { providers: [Late] } });
    expect(await late.httpApp.send(dbtWebhook())).toMatchObject({ status: 200 });
    await late.httpApp.app.close();
    expect(late.responses).toHaveLength(2);
    for (const response of late.responses) {
      expect(response).toMatchObject({
        status: 503,
        headers: { 'retry-after': String(NEST_LIMITS.retryAfterSeconds), connection: 'close' },
        body: { status: 'unavailable', message: 'the app is shutting down; send the message again' },
      });
    }
    delete late.httpApp;
  });

  it('stores a message whose upload had begun before the app closed', async () => {
    const stored: string[] = [];
    const inbox = inboxWith(async (store, message) => {
      const appended = await store.append(message);
      stored.push(appended.status);
      return appended;
    });
    const httpApp = await startApp(adapter, { webhooks: { inbox } });
    const { body, headers } = dbtWebhook();
    const connection = httpApp.connect();
    const started = new Promise((resolve) => httpApp.app.getHttpServer().once('request', resolve));
    await connection.write(head(DBT, { ...headers, 'content-length': body.length }));
    await connection.write(body.subarray(0, 10));
    await started;
    const closed = httpApp.app.close();
    await connection.write(body.subarray(10));
    expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 200 .*"accepted"/s);
    expect(stored).toEqual(['accepted']);
    connection.destroy();
    await closed;
  });
});

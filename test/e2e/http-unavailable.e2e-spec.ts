import { Injectable, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Inbox, WEBHOOKS_STORE, WebhooksModule } from 'nestjs-runhooks';
import { StoreUnavailableError, type Appended, type NewMessage, type Source, type Store } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { memoryInbox, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { NEST_LIMITS } from 'inside/nest-limits';
import { until } from '../dispatch/dispatch-harness.js';
import { ADAPTERS, closeApps, DBT, dbtWebhook, isNest12, startApp, type EdgeAnswer, type HttpApp } from './http-app.js';
import { head } from './http-client.js';

afterEach(closeApps);

type Append = (store: Store, message: NewMessage) => Promise<Appended>;

/** A real inbox whose way in is the test's. */
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

describe.each(ADAPTERS)('while messages cannot be stored, on %s', (adapter) => {
  it('a sender is told to come back, and is accepted when it does', async () => {
    let isDown = true;
    const inbox = inboxWith(async (store, message) => {
      if (isDown) throw new StoreUnavailableError('the disk is full');
      return await store.append(message);
    });
    const edge = await startApp(adapter, { webhooks: { inbox } });
    const webhook = dbtWebhook();
    expect(await edge.send(webhook)).toMatchObject(UNAVAILABLE);
    isDown = false;
    expect(await edge.send(webhook)).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(await edge.handled()).toHaveLength(2);
  });

  it('a store of another copy of the package is told by its mark, not by its class', async () => {
    const inbox = inboxWith(async () => {
      const brand = { [Symbol.for('nestjs-runhooks:store-unavailable-error')]: true };
      throw Object.assign(new Error('the disk is full'), brand);
    });
    const edge = await startApp(adapter, { webhooks: { inbox } });
    expect(await edge.send(dbtWebhook())).toMatchObject(UNAVAILABLE);
  });

  it('the log says once why, and in the end how many messages it was', async () => {
    let reason: string | undefined = 'the disk is full';
    const inbox = inboxWith(async (store, message) => {
      if (reason !== undefined) throw new StoreUnavailableError(reason);
      return await store.append(message);
    });
    const source = dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], path: ['/old', DBT] });
    const edge = await startApp(adapter, { webhooks: { inbox, sources: [source] } });
    for (const path of ['/old', DBT, '/old']) await edge.send(dbtWebhook(), path);
    reason = 'the disk reported an I/O error';
    await edge.send(dbtWebhook());
    const isDown = edge.log.containing('Source "dbt" is responding with 503');
    expect(isDown).toEqual([
      expect.stringContaining('the disk is full'),
      expect.stringContaining('the disk reported an I/O error'),
    ]);
    reason = undefined;
    await edge.send(dbtWebhook({ secret: 'forged' }));
    expect(edge.log.containing('accepts webhooks again')).toEqual([]);
    await until(async () => {
      await edge.send(dbtWebhook());
      return edge.log.containing('accepts webhooks again').length > 0;
    });
    await edge.send(dbtWebhook(), '/old');
    expect(edge.log.containing('accepts webhooks again')).toEqual([
      expect.stringContaining('Source "dbt" accepts webhooks again; responses with 503 in between: 4'),
    ]);
  });

  it('a message that was stored although the answer was 503 is a duplicate when it comes again', async () => {
    let isCutOff = true;
    const inbox = inboxWith(async (store, message) => {
      const appended = await store.append(message);
      if (isCutOff) throw new StoreUnavailableError('no word from the database');
      return appended;
    });
    const edge = await startApp(adapter, { webhooks: { inbox } });
    const webhook = dbtWebhook();
    expect(await edge.send(webhook)).toMatchObject(UNAVAILABLE);
    isCutOff = false;
    expect(await edge.send(webhook)).toMatchObject({ status: 200, body: { status: 'duplicate' } });
    expect(await edge.handled()).toHaveLength(2);
  });

  it('a forged message is a 401 all the same, as the store is not asked', async () => {
    const inbox = inboxWith(() => Promise.reject(new StoreUnavailableError('down')));
    const edge = await startApp(adapter, { webhooks: { inbox } });
    expect(await edge.send(dbtWebhook({ secret: 'forged' }))).toMatchObject({ status: 401 });
  });

  it.each<[title: string, append: Append, said: string]>([
    ['fails in a way of its own', () => Promise.reject(new RangeError('column 7')), 'failed with RangeError: column 7'],
    ['rejects with nothing', () => Promise.reject(), 'failed with'],
    [
      'throws before it promises',
      () => {
        throw new TypeError('not a function');
      },
      'failed with TypeError: not a function',
    ],
  ])('a store that %s is a 500 for this message alone', async (_, append, said) => {
    const bad = dbtWebhook();
    const inbox = inboxWith((store, message) =>
      Buffer.compare(message.body, bad.body) === 0 ? append(store, message) : store.append(message),
    );
    const edge = await startApp(adapter, { webhooks: { inbox } });
    expect(await edge.send(bad)).toMatchObject({ status: 500, body: { status: 'error' } });
    expect(edge.log.containing(`Source "dbt" is responding with 500: receiving ${said}`)).toHaveLength(1);
    expect(await edge.send(dbtWebhook())).toMatchObject({ status: 200 });
  });

  it('a provider that throws while it verifies lets nothing in, and breaks nothing else', async () => {
    const broken: Source = {
      name: 'broken',
      provider: 'other',
      open: () => ({
        name: 'other',
        signature: 'a signature',
        headersKept: [],
        verify: () => {
          throw new Error('bad key');
        },
        identify: () => '',
        parse: () => ({ state: 'quarantined', reason: 'never read' }),
      }),
    };
    const edge = await startApp(adapter, { webhooks: { sources: [broken] } });
    const answer = await edge.send(dbtWebhook(), '/webhooks/broken');
    expect(answer).toMatchObject({ status: 500, body: { status: 'error' } });
    expect(answer.text).not.toContain('bad key');
    expect(
      edge.log.containing('Source "broken" is responding with 500: receiving failed with Error: bad key'),
    ).toHaveLength(1);
    expect(await edge.stored()).toBe(0);
  });

  it('a test can put its own store in place of the configured one', async () => {
    const store = inboxWith(() => Promise.reject(new StoreUnavailableError('by order of the test'))).createStore(
      console as never,
    );
    const edge = await startApp(adapter, {
      create: async (module, http, options) => {
        const builder = Test.createTestingModule({ imports: [module] })
          .overrideProvider(WEBHOOKS_STORE)
          .useValue(store);
        return (await builder.compile()).createNestApplication(http, options);
      },
    });
    expect(await edge.send(dbtWebhook())).toMatchObject(UNAVAILABLE);
  });

  it('a test can give what makes a store, as for the option inbox', async () => {
    const asConfigured: unknown[] = [];
    const edge = await startApp(adapter, {
      webhooks: { inbox: inboxWith((_store, message) => Promise.reject(asConfigured.push(message))) },
      create: async (module, http, options) => {
        const builder = Test.createTestingModule({ imports: [module] })
          .overrideProvider(WEBHOOKS_STORE)
          .useValue(memoryInbox());
        return (await builder.compile()).createNestApplication(http, options);
      },
    });
    expect(await edge.send(dbtWebhook())).toMatchObject({ status: 200 });
    expect(await edge.app.get(Inbox).counts()).toMatchObject({ messages: { stored: 1 } });
    expect(asConfigured).toEqual([]);
    await edge.app.close();
  });

  // Nest 11 takes undefined for no override at all.
  it.each(isNest12 ? [[undefined], ['runhooks.db'], [{}]] : [['runhooks.db'], [{}]])(
    'a test that gives %p as store is told what to give',
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

describe.each(ADAPTERS)('while the app shuts down, on %s', (adapter) => {
  const late: { edge?: HttpApp; answers: EdgeAnswer[] } = { answers: [] };

  /** A provider of the host's whose hooks run when the shutdown has begun and the server still listens. */
  @Injectable()
  class Late implements OnModuleDestroy, BeforeApplicationShutdown {
    async onModuleDestroy(): Promise<void> {
      await this.send();
    }
    async beforeApplicationShutdown(): Promise<void> {
      await this.send();
    }
    private async send(): Promise<void> {
      if (late.edge) late.answers.push(await late.edge.send(dbtWebhook()));
    }
  }

  it('new messages are a 503, whatever they are, and the connection is closed', async () => {
    late.answers = [];
    late.edge = await startApp(adapter, { module: { providers: [Late] } });
    expect(await late.edge.send(dbtWebhook())).toMatchObject({ status: 200 });
    await late.edge.app.close();
    expect(late.answers).toHaveLength(2);
    for (const answer of late.answers) {
      expect(answer).toMatchObject({
        status: 503,
        headers: { 'retry-after': String(NEST_LIMITS.retryAfterSeconds), connection: 'close' },
        body: { status: 'unavailable', message: 'the app is shutting down; send the message again' },
      });
    }
    delete late.edge;
  });

  it('a message whose upload had begun is stored before the app is gone', async () => {
    const stored: string[] = [];
    const inbox = inboxWith(async (store, message) => {
      const appended = await store.append(message);
      stored.push(appended.status);
      return appended;
    });
    const edge = await startApp(adapter, { webhooks: { inbox } });
    const { body, headers } = dbtWebhook();
    const connection = edge.connect();
    const started = new Promise((resolve) => edge.app.getHttpServer().once('request', resolve));
    await connection.write(head(DBT, { ...headers, 'content-length': body.length }));
    await connection.write(body.subarray(0, 10));
    await started;
    const closed = edge.app.close();
    await connection.write(body.subarray(10));
    expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 200 .*"accepted"/s);
    expect(stored).toEqual(['accepted']);
    connection.destroy();
    await closed;
  });
});

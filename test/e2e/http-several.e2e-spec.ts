import { NestFactory } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WebhooksModule } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { memoryInbox, paradimeWebhook, sendWebhook, TEST_SECRETS, waitUntilIdle } from 'nestjs-runhooks/testing';
import { ADAPTERS, closeApps, closeLater, DBT, dbtWebhook, Handled, newAdapter, startApp } from './http-app.js';

afterEach(closeApps);

const EU = 'secret-of-the-account-in-europe';
const US = 'secret-of-the-account-in-america';
const aRun = (secret: string) => dbtWebhook({ secret, payload: { data: { runId: '7' } } });

describe.each(ADAPTERS)('several sources, paths or apps, on %s', (adapter) => {
  it('keep secrets, paths and runs separate when two sources have one provider', async () => {
    const sources = [
      dbtCloud({ name: 'dbt-eu', secrets: [EU] }),
      dbtCloud({ name: 'dbt-us', secrets: [US], path: '/hooks/america' }),
    ];
    const httpApp = await startApp(adapter, { webhooks: { sources } });
    expect((await httpApp.send(aRun(EU), '/webhooks/dbt-eu')).body.status).toBe('accepted');
    expect((await httpApp.send(aRun(US), '/hooks/america')).body.status).toBe('accepted');
    for (const [secret, path] of [
      [US, '/webhooks/dbt-eu'],
      [EU, '/hooks/america'],
    ] as const) {
      expect(await httpApp.send(aRun(secret), path)).toMatchObject({
        status: 401,
        body: { status: 'signature-mismatch' },
      });
    }
    expect((await httpApp.request({ path: '/webhooks/dbt-us', ...aRun(US) })).status).toBe(404);
    expect((await httpApp.handled()).filter(({ type }) => type === 'run.succeeded')).toEqual([
      { type: 'run.succeeded', source: 'dbt-eu', runId: '7' },
      { type: 'run.succeeded', source: 'dbt-us', runId: '7' },
    ]);
    expect(await httpApp.stored()).toBe(2);
  });

  it('store one message per source when a message is sent to two sources with one secret', async () => {
    const secrets = [TEST_SECRETS.dbtCloud];
    const sources = [dbtCloud({ name: 'one', secrets }), dbtCloud({ name: 'two', secrets })];
    const httpApp = await startApp(adapter, { webhooks: { sources } });
    const webhook = dbtWebhook();
    const responses = [await httpApp.send(webhook, '/webhooks/one'), await httpApp.send(webhook, '/webhooks/two')];
    expect(responses.map(({ body }) => body.status)).toEqual(['accepted', 'accepted']);
    expect(new Set(responses.map(({ body }) => body.id)).size).toBe(2);
  });

  it('lead to the same messages when one source has several paths', async () => {
    const path = ['/webhooks/dbt', '/old/path-of.before', '/a'];
    const httpApp = await startApp(adapter, {
      webhooks: { sources: [dbtCloud({ name: 'dbt', path, secrets: [TEST_SECRETS.dbtCloud] })] },
    });
    const webhook = dbtWebhook();
    const statuses: string[] = [];
    for (const one of path) statuses.push((await httpApp.send(webhook, one)).body.status);
    expect(statuses).toEqual(['accepted', 'duplicate', 'duplicate']);
    expect(httpApp.log.containing('POST /webhooks/dbt, POST /old/path-of.before, POST /a')).toHaveLength(1);
  });

  it('are independent when two apps run in one process', async () => {
    const appOf = (secret: string) =>
      startApp(adapter, { webhooks: { sources: [dbtCloud({ name: 'dbt', secrets: [secret] })] } });
    const [eu, us] = [await appOf(EU), await appOf(US)];
    expect(await eu.send(aRun(EU))).toMatchObject({ status: 200 });
    expect(await eu.send(aRun(US))).toMatchObject({ status: 401 });
    expect(await us.send(aRun(EU))).toMatchObject({ status: 401 });
    expect((await eu.handled()).map(({ type }) => type)).toEqual(['run.succeeded', 'run.completed']);
    expect(await us.handled()).toEqual([]);
    await eu.app.close();
    expect(await us.send(aRun(US))).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(await us.handled()).toHaveLength(2);
  });

  it('are independent when two apps are created from one module object', async () => {
    const sources = [paradime({ name: 'paradime', secrets: [TEST_SECRETS.paradime] })];
    class AppModule {}
    const root = {
      module: AppModule,
      imports: [WebhooksModule.forRoot({ sources, inbox: memoryInbox(), dispatch: 'manual' })],
      providers: [Handled],
    };
    const start = async () =>
      closeLater(await NestFactory.create(root, newAdapter(adapter), { logger: false, abortOnError: false }));
    const [one, two] = [await start(), await start()];
    const webhook = paradimeWebhook();
    for (const app of [one, two]) {
      const response = await sendWebhook(app, '/webhooks/paradime', webhook);
      expect(response.body.status).toBe('accepted');
    }
    await waitUntilIdle(one);
    expect(one.get(Handled).events).toHaveLength(2);
    expect(two.get(Handled).events).toEqual([]);
  });

  it('are independent when an app starts after another was closed', async () => {
    const webhook = dbtWebhook();
    for (const _ of [1, 2]) {
      const httpApp = await startApp(adapter);
      expect(await httpApp.send(webhook, DBT)).toMatchObject({ status: 200, body: { status: 'accepted' } });
      await closeApps();
    }
  });
});

it('runs an Express app and a Fastify app in one process', async () => {
  const [one, two] = [await startApp('express'), await startApp('fastify')];
  const webhook = dbtWebhook();
  expect([(await one.send(webhook)).body.status, (await two.send(webhook)).body.status]).toEqual([
    'accepted',
    'accepted',
  ]);
});

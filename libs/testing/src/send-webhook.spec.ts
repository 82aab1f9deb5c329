import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Inbox, OnRun, WebhooksModule, type RunEvent } from 'nestjs-runhooks';
import { TEST_SECRETS } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { dbtCloudWebhook } from './dbt-cloud-webhook.js';
import { memoryInbox } from './memory-inbox.js';
import { paradimeWebhook } from './paradime-webhook.js';
import { sendWebhook } from './send-webhook.js';
import { signDbtCloud } from './sign-dbt-cloud.js';
import type { SignedWebhook } from './signed-webhook.js';
import { waitUntilIdle } from './wait-until-idle.js';

@Injectable()
class Seen {
  readonly runs: string[] = [];

  @OnRun('run.succeeded', 'run.failed')
  ended({ run }: RunEvent<'run.succeeded' | 'run.failed'>): void {
    this.runs.push(`${run.id} ${run.status}`);
  }
}

function appModule(dispatch: 'auto' | 'manual'): Type {
  @Module({
    imports: [
      WebhooksModule.forRoot({
        sources: [
          dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] }),
          paradime({ name: 'paradime', secrets: [TEST_SECRETS.paradime] }),
        ],
        inbox: memoryInbox(),
        dispatch,
      }),
    ],
    providers: [Seen],
  })
  class AppModule {}
  return AppModule;
}

describe.each([
  ['Express', 'auto', () => new ExpressAdapter()],
  ['Express', 'manual', () => new ExpressAdapter()],
  ['Fastify', 'auto', () => new FastifyAdapter()],
  ['Fastify', 'manual', () => new FastifyAdapter()],
] as const)('an app on %s with dispatch %s', (_name, dispatch, adapter) => {
  let app: INestApplication;

  beforeEach(async () => {
    app = await NestFactory.create(appModule(dispatch), adapter(), { logger: false });
  });

  afterEach(async () => {
    await app.close();
  });

  it('gets a webhook of each provider, sent before it listens and at once, and has handled both when it is idle', async () => {
    const answers = await Promise.all([
      sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ payload: { data: { runId: '7' } } })),
      sendWebhook(app, '/webhooks/paradime', paradimeWebhook({ event: 'failed', payload: { id: 8 } })),
    ]);
    expect(answers).toMatchObject([
      { status: 200, body: { status: 'accepted', message: 'stored', id: expect.stringMatching(/^msg_/) } },
      { status: 200, body: { status: 'accepted' }, headers: { 'content-type': 'application/json; charset=utf-8' } },
    ]);
    await waitUntilIdle(app);
    expect(app.get(Seen).runs.sort()).toEqual(['7 succeeded', '8 failed']);
    expect(await app.get(Inbox).counts()).toMatchObject({ messages: { parsed: 2, stored: 0 } });
  });

  it('tells a message sent twice and a wrong secret apart', async () => {
    const webhook = paradimeWebhook();
    expect(await sendWebhook(app, '/webhooks/paradime', webhook)).toMatchObject({ body: { status: 'accepted' } });
    expect(await sendWebhook(app, '/webhooks/paradime', webhook)).toMatchObject({ body: { status: 'duplicate' } });
    const forged = dbtCloudWebhook({ secret: 'another one' });
    expect(await sendWebhook(app, '/webhooks/dbt', forged)).toMatchObject({
      status: 401,
      body: { status: 'signature-mismatch' },
    });
  });

  it('gets the answer to a body that is not read to its end', async () => {
    const tooLarge = signDbtCloud(Buffer.alloc(8 * 1024 * 1024));
    expect(await sendWebhook(app, '/webhooks/dbt', tooLarge)).toMatchObject({
      status: 413,
      body: { status: 'too-large' },
    });
  });

  it('answers what is not a webhook path as the app does', async () => {
    expect(await sendWebhook(app, '/elsewhere', dbtCloudWebhook())).toMatchObject({ status: 404 });
  });
});

describe('sendWebhook that is called wrongly', () => {
  it.each([
    ['webhooks/dbt', dbtCloudWebhook(), 'found "webhooks/dbt"; expected the path of the source'],
    [undefined, dbtCloudWebhook(), 'found undefined; expected the path of the source'],
    ['/webhooks/dbt', { headers: {}, body: { runId: '1' } }, 'webhook.body: found object; expected the bytes'],
    ['/webhooks/dbt', { headers: {} }, 'webhook.body: found undefined; expected the bytes'],
  ])('rejects %j with %j before it sends anything', async (path, webhook, says) => {
    const app = {} as INestApplication;
    await expect(sendWebhook(app, path as string, webhook as SignedWebhook)).rejects.toThrow(says);
  });
});

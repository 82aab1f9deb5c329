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
import { memoryInbox } from '../memory-inbox.js';
import { paradimeWebhook } from './paradime-webhook.js';
import { sendWebhook } from './send-webhook.js';
import { signDbtCloud } from './sign-dbt-cloud.js';
import type { SignedWebhook } from './signed-webhook.js';
import { waitUntilIdle } from '../wait-until-idle.js';

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

  it('handles a webhook of each provider that was sent before the app listened', async () => {
    const responses = await Promise.all([
      sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ payload: { data: { runId: '7' } } })),
      sendWebhook(app, '/webhooks/paradime', paradimeWebhook({ event: 'failed', payload: { id: 8 } })),
    ]);
    expect(responses).toMatchObject([
      { status: 200, body: { status: 'accepted', message: 'stored', id: expect.stringMatching(/^msg_/) } },
      { status: 200, body: { status: 'accepted' }, headers: { 'content-type': 'application/json; charset=utf-8' } },
    ]);
    await waitUntilIdle(app);
    expect(app.get(Seen).runs.sort()).toEqual(['7 succeeded', '8 failed']);
    expect(await app.get(Inbox).counts()).toMatchObject({ messages: { parsed: 2, stored: 0 } });
  });

  it('responds differently to a duplicate and to a wrong secret', async () => {
    const webhook = paradimeWebhook();
    expect(await sendWebhook(app, '/webhooks/paradime', webhook)).toMatchObject({ body: { status: 'accepted' } });
    expect(await sendWebhook(app, '/webhooks/paradime', webhook)).toMatchObject({ body: { status: 'duplicate' } });
    const forged = dbtCloudWebhook({ secret: 'another one' });
    expect(await sendWebhook(app, '/webhooks/dbt', forged)).toMatchObject({
      status: 401,
      body: { status: 'signature-mismatch' },
    });
  });

  it('sends a response to a body that is too large', async () => {
    const tooLarge = signDbtCloud(Buffer.alloc(8 * 1024 * 1024));
    expect(await sendWebhook(app, '/webhooks/dbt', tooLarge)).toMatchObject({
      status: 413,
      body: { status: 'too-large' },
    });
  });

  it('responds with 404 on another path', async () => {
    expect(await sendWebhook(app, '/elsewhere', dbtCloudWebhook())).toMatchObject({ status: 404 });
  });
});

describe('sendWebhook with wrong arguments', () => {
  it.each([
    [
      'webhooks/dbt',
      dbtCloudWebhook(),
      'path: expected the path of the source, for example "/webhooks/dbt", got "webhooks/dbt"',
    ],
    [undefined, dbtCloudWebhook(), 'path: expected the path of the source, for example "/webhooks/dbt", got undefined'],
    [
      '/webhooks/dbt',
      { headers: {}, body: { runId: '1' } },
      'webhook.body: expected the bytes that were signed, got an object',
    ],
    ['/webhooks/dbt', { headers: {} }, 'webhook.body: expected the bytes that were signed, got undefined'],
  ])('rejects %j with %j before it sends anything', async (path, webhook, message) => {
    const app = {} as INestApplication;
    await expect(sendWebhook(app, path as string, webhook as SignedWebhook)).rejects.toThrow(message);
  });
});

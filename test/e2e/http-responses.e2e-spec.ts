import { afterEach, describe, expect, it } from '@jest/globals';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { paradimeWebhook, signParadime, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { ADAPTERS, closeApps, CONTENT, dbtWebhook, PARADIME, startApp } from './http-app.js';

afterEach(closeApps);

const MESSAGE_ID = /^msg_[0-9A-Za-z]+$/;

describe.each(ADAPTERS)('responses to senders, on %s', (adapter) => {
  it('are small JSON with status accepted and an id for a new message', async () => {
    const httpApp = await startApp(adapter);
    const { status, headers, body, text } = await httpApp.send(dbtWebhook());
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'accepted', message: 'stored', id: expect.stringMatching(MESSAGE_ID) });
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(text)),
    });
  });

  it('are duplicate with the first id for the same bytes, and no handler runs again', async () => {
    const httpApp = await startApp(adapter);
    const webhook = dbtWebhook({ payload: { data: { runId: '7' } } });
    const first = await httpApp.send(webhook);
    const events = [
      { type: 'run.succeeded', source: 'dbt', runId: '7' },
      { type: 'run.completed', source: 'dbt', runId: '7' },
    ];
    expect(await httpApp.handled()).toEqual(events);
    const second = await httpApp.send(webhook);
    expect(second).toMatchObject({
      status: 200,
      body: { status: 'duplicate', message: 'stored before', id: first.body.id },
    });
    expect(await httpApp.handled()).toEqual(events);
  });

  it('are accepted for one of many simultaneous copies, with the same id for all', async () => {
    const httpApp = await startApp(adapter);
    const webhook = dbtWebhook();
    const responses = await Promise.all(Array.from({ length: 20 }, () => httpApp.send(webhook)));
    expect(responses.filter(({ body }) => body.status === 'accepted')).toHaveLength(1);
    expect(responses.filter(({ body }) => body.status === 'duplicate')).toHaveLength(19);
    expect(new Set(responses.map(({ body }) => body.id)).size).toBe(1);
    expect(await httpApp.messages()).toHaveLength(1);
  });

  it('are duplicate for a resend that was signed again later', async () => {
    const httpApp = await startApp(adapter);
    const { body } = paradimeWebhook();
    const sentAt = (secondsAgo: number) =>
      signParadime(body, { id: 'msg_1', now: new Date(Date.now() - secondsAgo * 1_000) });
    const first = await httpApp.send(sentAt(60), PARADIME);
    const second = await httpApp.send(sentAt(0), PARADIME);
    expect([first.body.status, second.body.status]).toEqual(['accepted', 'duplicate']);
    expect(second.body.id).toBe(first.body.id);
  });

  it('are accepted for the same id with other bytes, and the log warns that an id was used twice', async () => {
    const httpApp = await startApp(adapter);
    const [one, other] = ['1', '2'].map((runId) => dbtWebhook({ payload: { eventId: 'wev_1', data: { runId } } }));
    const responses = [await httpApp.send(one!), await httpApp.send(other!)];
    expect(responses.map(({ body }) => body.status)).toEqual(['accepted', 'accepted']);
    expect(await httpApp.handled()).toHaveLength(4);
    expect(httpApp.log.containing('has the id of an earlier message but a different body')).toHaveLength(1);
  });

  it.each([
    ['svix headers', () => paradimeWebhook({ family: 'svix' })],
    ['webhook headers', () => paradimeWebhook({ family: 'webhook' })],
  ])("are accepted for Paradime's Standard Webhooks with %s", async (_, make) => {
    const httpApp = await startApp(adapter);
    const webhook = make();
    const first = await httpApp.send(webhook, PARADIME);
    const second = await httpApp.send(webhook, PARADIME);
    expect([first.body.status, second.body.status]).toEqual(['accepted', 'duplicate']);
    expect((await httpApp.handled()).map(({ type }) => type)).toEqual(['run.succeeded', 'run.completed']);
  });

  it("are accepted for Paradime's static token and unsigned messages only when configured", async () => {
    const token = 'Bearer static-token-of-the-test';
    const httpApp = await startApp(adapter, {
      webhooks: {
        sources: [
          paradime({ name: 'token', scheme: 'static-token', header: 'Authorization', tokens: [token] }),
          paradime({ name: 'open', scheme: 'unsigned-insecure' }),
        ],
      },
    });
    const { body } = paradimeWebhook();
    const send = (path: string, headers: Record<string, string>) =>
      httpApp.send({ body, headers }, `/webhooks/${path}`);
    expect(await send('token', { authorization: token })).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(await send('token', { authorization: `${token}.` })).toMatchObject({
      status: 401,
      body: { status: 'signature-mismatch' },
    });
    expect(await send('token', {})).toMatchObject({ status: 401, body: { status: 'missing-header' } });
    expect(await send('open', {})).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(httpApp.log.containing('static-token-of-the-test')).toEqual([]);
  });

  it.each([0, 1])('are accepted for a message signed with secret %i of two', async (index) => {
    const secrets = ['old-secret', TEST_SECRETS.dbtCloud];
    const httpApp = await startApp(adapter, { webhooks: { sources: [dbtCloud({ name: 'dbt', secrets })] } });
    expect(await httpApp.send(dbtWebhook({ secret: secrets[index]! }))).toMatchObject({ status: 200 });
  });

  it('are accepted for a signature in another header when that header is configured', async () => {
    const sources = [
      dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], signatureHeader: 'X-Forwarded-Authorization' }),
    ];
    const httpApp = await startApp(adapter, { webhooks: { sources } });
    const { body, headers } = dbtWebhook();
    const moved = {
      authorization: 'Bearer token-of-the-gateway',
      'x-forwarded-authorization': headers['authorization']!,
    };
    expect(await httpApp.send({ body, headers: moved })).toMatchObject({ status: 200, body: { status: 'accepted' } });
  });

  it("never contain the request's content", async () => {
    const httpApp = await startApp(adapter);
    const good = dbtWebhook();
    const forged = dbtWebhook({ secret: 'another' });
    const responses = [await httpApp.send(good), await httpApp.send(good), await httpApp.send(forged)];
    for (const { text, headers } of responses) expect(text + JSON.stringify(headers)).not.toContain(CONTENT);
    expect(responses.map(({ body }) => Object.keys(body))).toEqual([
      ['status', 'message', 'id'],
      ['status', 'message', 'id'],
      ['status', 'message'],
    ]);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { paradimeWebhook, signParadime, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { ADAPTERS, closeApps, CONTENT, dbtWebhook, PARADIME, startApp } from './http-app.js';

afterEach(closeApps);

const MESSAGE_ID = /^msg_[0-9A-Za-z]+$/;

describe.each(ADAPTERS)('what a sender is told, on %s', (adapter) => {
  it('a new message is accepted, under an id, as small JSON', async () => {
    const edge = await startApp(adapter);
    const { status, headers, body, text } = await edge.send(dbtWebhook());
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'accepted', message: 'stored', id: expect.stringMatching(MESSAGE_ID) });
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(text)),
    });
  });

  it('the same bytes again are a duplicate, with the id of the first, and reach no handler again', async () => {
    const edge = await startApp(adapter);
    const webhook = dbtWebhook({ payload: { data: { runId: '7' } } });
    const first = await edge.send(webhook);
    const events = [
      { type: 'run.succeeded', source: 'dbt', runId: '7' },
      { type: 'run.completed', source: 'dbt', runId: '7' },
    ];
    expect(await edge.handled()).toEqual(events);
    const second = await edge.send(webhook);
    expect(second).toMatchObject({
      status: 200,
      body: { status: 'duplicate', message: 'stored before', id: first.body.id },
    });
    expect(await edge.handled()).toEqual(events);
  });

  it('of many copies at the same time one is accepted, and all are told its id', async () => {
    const edge = await startApp(adapter);
    const webhook = dbtWebhook();
    const answers = await Promise.all(Array.from({ length: 20 }, () => edge.send(webhook)));
    expect(answers.filter(({ body }) => body.status === 'accepted')).toHaveLength(1);
    expect(answers.filter(({ body }) => body.status === 'duplicate')).toHaveLength(19);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await edge.messages()).toHaveLength(1);
  });

  it('a resend that was signed again at a later time is a duplicate too', async () => {
    const edge = await startApp(adapter);
    const { body } = paradimeWebhook();
    const sentAt = (secondsAgo: number) =>
      signParadime(body, { id: 'msg_1', now: new Date(Date.now() - secondsAgo * 1_000) });
    const first = await edge.send(sentAt(60), PARADIME);
    const second = await edge.send(sentAt(0), PARADIME);
    expect([first.body.status, second.body.status]).toEqual(['accepted', 'duplicate']);
    expect(second.body.id).toBe(first.body.id);
  });

  it('the same id with other bytes is another message, and the log says that an id was used twice', async () => {
    const edge = await startApp(adapter);
    const [one, other] = ['1', '2'].map((runId) => dbtWebhook({ payload: { eventId: 'wev_1', data: { runId } } }));
    const answers = [await edge.send(one!), await edge.send(other!)];
    expect(answers.map(({ body }) => body.status)).toEqual(['accepted', 'accepted']);
    expect(await edge.handled()).toHaveLength(4);
    expect(edge.log.containing('has the id of an earlier message but a different body')).toHaveLength(1);
  });

  it.each([
    ['svix headers', () => paradimeWebhook({ family: 'svix' })],
    ['webhook headers', () => paradimeWebhook({ family: 'webhook' })],
  ])('Paradime by Standard Webhooks with %s is accepted', async (_, make) => {
    const edge = await startApp(adapter);
    const webhook = make();
    const first = await edge.send(webhook, PARADIME);
    const second = await edge.send(webhook, PARADIME);
    expect([first.body.status, second.body.status]).toEqual(['accepted', 'duplicate']);
    expect((await edge.handled()).map(({ type }) => type)).toEqual(['run.succeeded', 'run.completed']);
  });

  it('Paradime by a static token or unsigned is accepted as configured, and only so', async () => {
    const token = 'Bearer static-token-of-the-test';
    const edge = await startApp(adapter, {
      webhooks: {
        sources: [
          paradime({ name: 'token', scheme: 'static-token', header: 'Authorization', tokens: [token] }),
          paradime({ name: 'open', scheme: 'unsigned-insecure' }),
        ],
      },
    });
    const { body } = paradimeWebhook();
    const send = (path: string, headers: Record<string, string>) => edge.send({ body, headers }, `/webhooks/${path}`);
    expect(await send('token', { authorization: token })).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(await send('token', { authorization: `${token}.` })).toMatchObject({
      status: 401,
      body: { status: 'signature-mismatch' },
    });
    expect(await send('token', {})).toMatchObject({ status: 401, body: { status: 'missing-header' } });
    expect(await send('open', {})).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(edge.log.containing('static-token-of-the-test')).toEqual([]);
  });

  it.each([0, 1])('a message signed with secret %i of two is accepted', async (index) => {
    const secrets = ['old-secret', TEST_SECRETS.dbtCloud];
    const edge = await startApp(adapter, { webhooks: { sources: [dbtCloud({ name: 'dbt', secrets })] } });
    expect(await edge.send(dbtWebhook({ secret: secrets[index]! }))).toMatchObject({ status: 200 });
  });

  it('a signature that a gateway moved to another header is accepted where that header is configured', async () => {
    const sources = [
      dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], signatureHeader: 'X-Forwarded-Authorization' }),
    ];
    const edge = await startApp(adapter, { webhooks: { sources } });
    const { body, headers } = dbtWebhook();
    const moved = {
      authorization: 'Bearer token-of-the-gateway',
      'x-forwarded-authorization': headers['authorization']!,
    };
    expect(await edge.send({ body, headers: moved })).toMatchObject({ status: 200, body: { status: 'accepted' } });
  });

  it('an answer never holds what was sent', async () => {
    const edge = await startApp(adapter);
    const good = dbtWebhook();
    const forged = dbtWebhook({ secret: 'another' });
    const answers = [await edge.send(good), await edge.send(good), await edge.send(forged)];
    for (const { text, headers } of answers) expect(text + JSON.stringify(headers)).not.toContain(CONTENT);
    expect(answers.map(({ body }) => Object.keys(body))).toEqual([
      ['status', 'message', 'id'],
      ['status', 'message', 'id'],
      ['status', 'message'],
    ]);
  });
});

/** @jest-environment ./test/light-my-request-environment.cjs */
import { request, type Server } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { dbtCloudWebhook, paradimeWebhook, type SignedWebhook } from 'nestjs-runhooks/testing';
import { ADAPTERS, closeApps, startApp } from './http-app.js';

afterEach(closeApps);

type Client = (app: INestApplication, path: string, webhook: SignedWebhook) => Promise<number | undefined>;

/** Sends a string over HTTP, like supertest and superagent: `request(server).post(…).set(headers).send(text)`. */
const overHttp: Client = async (app, path, { headers, text }) => {
  const url = new URL(path, await app.getUrl());
  return await new Promise((resolve, reject) => {
    const sending = request(url, { method: 'POST', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    for (const [name, value] of Object.entries(headers)) sending.setHeader(name, value);
    sending.on('error', reject).end(text);
  });
};

const byFetch: Client = async (app, path, { headers, text }) => {
  const url = new URL(path, await app.getUrl());
  return (await fetch(url, { method: 'POST', headers: { ...headers, connection: 'close' }, body: text })).status;
};

type Inject = (dispatch: unknown, request: object) => Promise<{ readonly statusCode: number }>;

/** Comes from the test environment of this file. */
declare const lightMyRequest: Inject;

/** Sends a request with `inject()`, without a socket. */
function byInject(form: 'text' | 'body'): Client {
  return async (app, url, { headers, [form]: payload }) => {
    const [dispatch] = (app.getHttpServer() as Server).listeners('request');
    return (await lightMyRequest(dispatch, { method: 'POST', url, headers, payload })).statusCode;
  };
}

const WEBHOOKS: [path: string, webhook: SignedWebhook][] = [
  ['/webhooks/dbt', dbtCloudWebhook({ payload: { webhookName: 'Täglich – 夜' } })],
  ['/webhooks/paradime', paradimeWebhook({ payload: { schedule: { name: 'Täglich – 夜' } } })],
];

describe.each(ADAPTERS)('the text of a webhook, on %s', (adapter) => {
  it.each([
    ['a string over HTTP', overHttp],
    ['fetch', byFetch],
  ])('is accepted when sent as %s', async (_, client) => {
    const { app } = await startApp(adapter);
    for (const [path, webhook] of WEBHOOKS) expect(await client(app, path, webhook)).toBe(200);
  });

  it('is rejected when a client has encoded it again', async () => {
    const { app } = await startApp(adapter);
    for (const [path, webhook] of WEBHOOKS) {
      expect(await overHttp(app, path, { ...webhook, text: JSON.stringify(webhook.body) })).toBe(401);
    }
  });
});

// light-my-request changes the prototypes of node:http for the whole process, so this test does not cover Express.
describe('app.inject of Fastify', () => {
  it.each(['text', 'body'] as const)('accepts the %s of a webhook', async (form) => {
    const { app } = await startApp('fastify');
    for (const [path, webhook] of WEBHOOKS) expect(await byInject(form)(app, path, webhook)).toBe(200);
  });
});

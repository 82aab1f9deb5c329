import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { OnRunCompleted, OnRunFailed, WebhooksModule, type RunCompleted, type RunFailed } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { memoryInbox, TEST_SECRETS, waitUntilIdle } from 'nestjs-runhooks/testing';
import { runCommand } from 'inside/command';

@Injectable()
class Seen {
  readonly events: string[] = [];

  @OnRunFailed({ id: 'seen.failed' })
  failed({ run }: RunFailed): void {
    this.events.push(`failed ${run.job.name} of ${run.project?.name} run ${run.id}`);
  }

  @OnRunCompleted({ id: 'seen.completed' })
  completed({ run }: RunCompleted): void {
    this.events.push(`${run.status} ${run.job.name}`);
  }
}

/** Writes until the client has closed the connection. */
function endless(response: ServerResponse): void {
  response.on('error', () => undefined).on('drain', () => response.write('x'.repeat(100_000)));
  while (response.write('x'.repeat(100_000)));
}

describe('npx nestjs-runhooks send', () => {
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    const webhooks = WebhooksModule.forRoot({
      sources: [
        dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] }),
        paradime({ name: 'paradime', secrets: [TEST_SECRETS.paradime] }),
      ],
      inbox: memoryInbox(),
    });
    const module = await Test.createTestingModule({ imports: [webhooks], providers: [Seen] }).compile();
    app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  });

  afterAll(() => app.close());

  afterEach(() => {
    app.get(Seen).events.length = 0;
    for (const name of ['DBT_CLOUD_WEBHOOK_SECRET', 'PARADIME_WEBHOOK_SECRET', 'ANOTHER']) delete process.env[name];
  });

  async function send(...args: string[]): Promise<{ code: number; output: string; errors: string }> {
    let [output, errors] = ['', ''];
    const code = await runCommand(
      ['send', ...args],
      { write: (text) => (output += text) },
      { write: (text) => (errors += text) },
    );
    return { code, output, errors };
  }

  it('sends a dbt Cloud webhook signed with the secret from the environment', async () => {
    process.env['DBT_CLOUD_WEBHOOK_SECRET'] = TEST_SECRETS.dbtCloud;
    const args = ['--event', 'failed', '--job', 'hourly', '--project', 'finance', '--run', '42'];
    const sent = await send(`${url}/webhooks/dbt`, ...args);
    expect(sent).toEqual({ code: 0, output: expect.stringMatching(/^200 accepted msg_\w+\n$/), errors: '' });
    await waitUntilIdle(app);
    expect(app.get(Seen).events).toEqual(['failed hourly of finance run 42']);
  });

  it('sends a Paradime webhook with the secret from another variable, and prints JSON', async () => {
    process.env['ANOTHER'] = TEST_SECRETS.paradime;
    const args = ['--provider=paradime', '--secret-env=ANOTHER', '--job=hourly', '--run=43', '--json'];
    const { code, output } = await send(`${url}/webhooks/paradime`, ...args);
    const messageId = expect.stringMatching(/^msg_/);
    const text = expect.stringMatching(/^accepted msg_/);
    expect(JSON.parse(output)).toEqual({ kind: 'response', httpStatus: 200, status: 'accepted', text, messageId });
    expect(code).toBe(0);
    await waitUntilIdle(app);
    expect(app.get(Seen).events).toEqual(['succeeded hourly']);
  });

  it('explains a rejection', async () => {
    process.env['DBT_CLOUD_WEBHOOK_SECRET'] = 'the secret of another app';
    expect(await send(`${url}/webhooks/dbt`)).toEqual({
      code: 1,
      output: expect.stringMatching(/^401 signature-mismatch: /),
      errors: expect.stringMatching(/the app has another secret/),
    });
    expect(await send(`${url}/webhooks/paradime`)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^401 missing-header: /),
      errors: expect.stringMatching(/Check that --provider is the provider of the source/),
    });
    expect(await send(`${url}/webhooks/elsewhere`)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^404 /),
      errors: expect.stringMatching(/no source has this path/),
    });
  });

  it('reports an app that is not running', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    process.env['DBT_CLOUD_WEBHOOK_SECRET'] = TEST_SECRETS.dbtCloud;
    expect(await send(`http://127.0.0.1:${port}/webhooks/dbt`)).toEqual({
      code: 1,
      output: '',
      errors: expect.stringMatching(
        /^nestjs-runhooks send: 127\.0\.0\.1:\d+ sent no HTTP response: ECONNREFUSED\. Check that the app /,
      ),
    });
  });

  it.each<[title: string, respond: (response: ServerResponse) => void, output: string, errors: RegExp]>([
    [
      'a page',
      (response) => response.end('<!doctype html>'),
      '200 <!doctype html>\n',
      /the response is not from Runhooks/,
    ],
    ['nothing', (response) => response.writeHead(204).end(), '204\n', /the response is not from Runhooks/],
    ['null', (response) => response.end('null'), '200 null\n', /the response is not from Runhooks/],
    [
      'a status of its own',
      (response) => response.end('{"status":"ok"}'),
      '200 {"status":"ok"}\n',
      /the response is not from Runhooks/,
    ],
    [
      'a redirect',
      (response) => response.writeHead(308, { location: 'https://app.example/x' }).end(),
      '308\n',
      /redirects to https:\/\/app\.example\/x\./,
    ],
    ['half an answer', (response) => response.write('{', () => response.destroy()), '', /sent no HTTP response: /],
    [
      'more than it reads',
      (response) => endless(response),
      `200 ${'x'.repeat(200)}\n`,
      /the response is not from Runhooks/,
    ],
  ])('fails when the response is %s', async (_, respond, output, errors) => {
    process.env['DBT_CLOUD_WEBHOOK_SECRET'] = TEST_SECRETS.dbtCloud;
    const server = createServer((_request, response) => respond(response)).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const sent = await send(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    expect(sent).toEqual({ code: 1, output, errors: expect.stringMatching(errors) });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it.each([
    [['http://me:hunter2@localhost/x', '--secret-env', 'ANOTHER'], '<url>: expected a URL without user and password'],
    [['http://localhost/x'], 'expected a secret in the environment variable DBT_CLOUD_WEBHOOK_SECRET, got none'],
    [['http://localhost/x', '--provider', 'fivetran'], '--provider: expected dbt-cloud or paradime, got "fivetran"'],
    [['localhost:3000'], '<url>: expected a URL that begins with http:// or https://'],
    [
      ['http://localhost/x', '--event', 'exploded', '--secret-env', 'ANOTHER'],
      '--event: expected one of started, succeeded, failed, completed-failed, canceled, got "exploded"',
    ],
    [
      ['http://localhost/x', '--provider=paradime', '--run', 'x', '--secret-env', 'ANOTHER'],
      '--run: expected an integer, as in ids of Paradime, got "x"',
    ],
  ])('rejects invalid arguments: %j', async (args, message) => {
    process.env['ANOTHER'] = TEST_SECRETS.paradime;
    const { code, output, errors } = await send(...args);
    expect([code, output]).toEqual([2, '']);
    expect(errors).toContain(message);
    expect(errors).not.toContain(TEST_SECRETS.paradime);
    expect(errors).not.toContain('hunter2');
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { signDbtCloud, signParadime, TEST_SECRETS, type SignedWebhook } from 'nestjs-runhooks/testing';
import { ADAPTERS, closeApps, startApp } from './http-app.js';

afterEach(closeApps);

const FIXTURES = new URL('../fixtures/', import.meta.url);

/** The events that each documented or captured payload leads to. */
const EVENTS_OF: Readonly<Record<string, readonly string[]>> = {
  'dbt-cloud/02-2022-started.json': ['run.started'],
  'dbt-cloud/03-2022-canceled.json': ['run.canceled', 'run.completed'],
  'dbt-cloud/04-2022-completed.json': ['run.succeeded', 'run.completed'],
  'dbt-cloud/05-beta-started.json': ['run.started'],
  'dbt-cloud/06-beta-completed.json': ['run.succeeded', 'run.completed'],
  'dbt-cloud/07-beta-errored.json': ['run.failed'],
  'dbt-cloud/08-2023-started.json': ['run.started'],
  'dbt-cloud/09-2023-completed.json': ['run.succeeded', 'run.completed'],
  'dbt-cloud/10-2023-errored.json': ['run.failed'],
  'dbt-cloud/11-started.json': ['run.started'],
  'dbt-cloud/12-completed.json': ['run.succeeded', 'run.completed'],
  'dbt-cloud/13-errored.json': ['run.failed'],
  'dbt-cloud/14-captured-completed.json': ['run.succeeded', 'run.completed'],
  'dbt-cloud/18-spike-errored.json': ['run.failed'],
  'dbt-cloud/19-spike-completed.json': ['run.succeeded', 'run.completed'],
  'paradime/run-completed-failed.json': ['run.failed', 'run.completed'],
  'paradime/run-started.json': ['run.started'],
};
const UNSIGNED = 'dbt-cloud/01-2021-lifecycle-running.json';

const FILES = ['dbt-cloud', 'paradime'].flatMap((provider) =>
  readdirSync(new URL(`${provider}/`, FIXTURES))
    .filter((name) => name.endsWith('.json') && !name.endsWith('.headers.json'))
    .map((name) => `${provider}/${name}`),
);

function bytesOf(file: string): Buffer {
  return readFileSync(new URL(file, FIXTURES));
}

function signed(file: string): SignedWebhook {
  return file.startsWith('dbt-cloud/') ? signDbtCloud(bytesOf(file)) : signParadime(bytesOf(file));
}

/** Returns the name of a payload's source. Payloads about the same run are sent to separate sources. */
function sourceOf(file: string): string {
  return file.replace(/\.json$/, '').replace('/', '-');
}

it('has an expectation for every payload', () => {
  expect(FILES).toEqual([UNSIGNED, ...Object.keys(EVENTS_OF)]);
});

describe.each(ADAPTERS)('documented and captured payloads, on %s', (adapter) => {
  it('are stored, parsed and handled separately', async () => {
    const sources = FILES.map((file) =>
      file.startsWith('dbt-cloud/')
        ? dbtCloud({ name: sourceOf(file), secrets: [TEST_SECRETS.dbtCloud] })
        : paradime({ name: sourceOf(file), secrets: [TEST_SECRETS.paradime] }),
    );
    const httpApp = await startApp(adapter, { webhooks: { sources } });
    const files = Object.keys(EVENTS_OF);
    for (const file of files) {
      const webhook = signed(file);
      const first = await httpApp.send(webhook, `/webhooks/${sourceOf(file)}`);
      const second = await httpApp.send(webhook, `/webhooks/${sourceOf(file)}`);
      expect({ file, status: first.status, responseStatus: first.body.status }).toEqual({
        file,
        status: 200,
        responseStatus: 'accepted',
      });
      expect({ file, ...second.body }).toMatchObject({ file, status: 'duplicate', id: first.body.id });
    }
    const messages = await httpApp.messages();
    expect(messages).toHaveLength(files.length);
    expect(messages.filter(({ state }) => state !== 'parsed')).toEqual([]);
    const events = await httpApp.handled();
    for (const file of files) {
      const types = events.filter(({ source }) => source === sourceOf(file)).map(({ type }) => type);
      expect({ file, types }).toEqual({ file, types: EVENTS_OF[file] });
    }
  });

  it('are three messages with one outcome when the three of 2022 share one event id and one run', async () => {
    const httpApp = await startApp(adapter);
    for (const file of FILES.filter((name) => name.includes('-2022-'))) {
      expect((await httpApp.send(signed(file))).body).toMatchObject({ status: 'accepted' });
    }
    expect(await httpApp.messages()).toMatchObject([{ state: 'parsed' }, { state: 'parsed' }, { state: 'parsed' }]);
    expect((await httpApp.handled()).map(({ type }) => type)).toEqual(['run.started', 'run.canceled', 'run.completed']);
    expect(httpApp.log.containing('has the id of an earlier message but a different body')).toHaveLength(2);
  });

  it('are rejected with the reason and not stored when unsigned: the lifecycle event of 2021', async () => {
    const httpApp = await startApp(adapter);
    const captured = JSON.parse(bytesOf(UNSIGNED.replace('.json', '.headers.json')).toString()) as Record<
      string,
      string
    >;
    const { host: _, 'content-length': __, ...headers } = captured;
    const { status, body } = await httpApp.send({ body: bytesOf(UNSIGNED), headers });
    expect({ status, body }).toEqual({
      status: 401,
      body: { status: 'missing-header', message: expect.stringMatching(/unsigned dbt Cloud lifecycle event of 2021/) },
    });
    expect(httpApp.log.containing('lifecycle event of 2021')).toHaveLength(1);
    expect(await httpApp.stored()).toBe(0);
  });
});

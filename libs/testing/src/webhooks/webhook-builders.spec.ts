import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { restoreMessage, TEST_SECRETS, type ParseResult, type Source } from 'nestjs-runhooks/core';
import { openSources } from 'nestjs-runhooks/internal';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { dbtCloudWebhook, type DbtCloudTestEvent } from './dbt-cloud-webhook.js';
import { paradimeWebhook, type ParadimeTestEvent } from './paradime-webhook.js';
import { signDbtCloud } from './sign-dbt-cloud.js';
import { signParadime } from './sign-paradime.js';
import type { SignedWebhook } from './signed-webhook.js';

const NOW = new Date('2026-10-09T05:24:19.074Z');
const DBT = dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] });
const PARADIME = paradime({ name: 'paradime', secrets: [TEST_SECRETS.paradime] });

interface Received {
  readonly ok: boolean;
  readonly id: string;
  readonly result: ParseResult;
}

/** Verifies, identifies and parses a webhook with the provider of a source. */
async function receive(source: Source, webhook: SignedWebhook, receivedAt = NOW): Promise<Received> {
  const [open] = openSources([source]);
  if (!open) throw new Error('no source');
  const { name, provider } = open;
  const { body, headers } = webhook;
  const { ok } = await provider.verify({ source: name, body, headers, receivedAt });
  const stored = { id: 'msg_1', provider: provider.name, messageKey: '', state: 'stored' } as const;
  const message = restoreMessage({ ...stored, source: name, body, headers, receivedAt });
  return { ok, id: provider.identify(message), result: provider.parse(message) };
}

/** Returns the run of a parsed message. */
function runOf({ result }: Received) {
  if (result.state !== 'parsed') throw new Error(`parsed as ${result.state}: ${result.reason}`);
  return result.signal.run;
}

const EVENTS = [
  [DBT, 'started', 'job.run.started', ['run.started'], 'running'],
  [DBT, 'succeeded', 'job.run.completed', ['run.succeeded', 'run.completed'], 'succeeded'],
  [DBT, 'failed', 'job.run.errored', ['run.failed'], 'failed'],
  [DBT, 'completed-failed', 'job.run.completed', ['run.failed', 'run.completed'], 'failed'],
  [DBT, 'canceled', 'job.run.completed', ['run.canceled', 'run.completed'], 'canceled'],
  [PARADIME, 'started', 'bolt.run.started', ['run.started'], 'running'],
  [PARADIME, 'succeeded', 'bolt.run.completed', ['run.succeeded', 'run.completed'], 'succeeded'],
  [PARADIME, 'failed', 'bolt.run.completed', ['run.failed', 'run.completed'], 'failed'],
  [PARADIME, 'canceled', 'bolt.run.completed', ['run.canceled', 'run.completed'], 'canceled'],
] as const;

function build(source: Source, event: string, now = NOW): SignedWebhook {
  return source === DBT
    ? dbtCloudWebhook({ event: event as DbtCloudTestEvent, now })
    : paradimeWebhook({ event: event as ParadimeTestEvent, now });
}

describe.each(EVENTS)('$provider: a webhook built as "%s"', (source, event, messageType, types, status) => {
  it(`is verified and parsed as ${messageType} with ${types.join(' and ')}`, async () => {
    const webhook = build(source, event);
    const received = await receive(source, webhook);
    expect(webhook.provider).toBe(source.provider);
    expect(received.ok).toBe(true);
    expect(received.result).toMatchObject({ state: 'parsed', messageType, signal: { types, run: { status } } });
  });

  it('is parsed the same, whatever its time', async () => {
    const times = fc.date({ min: new Date('2001-01-01'), max: new Date('2099-01-01'), noInvalidDate: true });
    await fc.assert(
      fc.asyncProperty(times, async (now) => {
        const received = await receive(source, build(source, event, now), now);
        expect(received).toMatchObject({ ok: true, result: { state: 'parsed', messageType, signal: { types } } });
      }),
    );
  });

  it('has times shortly before it was sent', async () => {
    const { startedAt, finishedAt, durationMs } = runOf(await receive(source, build(source, event)));
    expect(NOW.getTime() - (startedAt?.getTime() ?? 0)).toBeGreaterThan(60_000);
    expect(NOW.getTime() - (startedAt?.getTime() ?? 0)).toBeLessThan(120_000);
    if (event === 'started') expect(finishedAt).toBeUndefined();
    else expect(durationMs).toBe(90_000);
  });
});

describe.each([
  ['dbtCloudWebhook', DBT],
  ['paradimeWebhook', PARADIME],
] as const)('%s', (_name, source) => {
  const builder = source === DBT ? dbtCloudWebhook : paradimeWebhook;

  it('creates a new message about a new run of the same job on each call', async () => {
    const received = await Promise.all(Array.from({ length: 50 }, () => receive(source, builder(), new Date())));
    expect(received.every(({ ok, id }) => ok && id !== '')).toBe(true);
    expect(new Set(received.map(({ id }) => id)).size).toBe(50);
    expect(new Set(received.map((one) => runOf(one).id)).size).toBe(50);
    expect(new Set(received.map((one) => runOf(one).job.key)).size).toBe(1);
  });

  it('is about a succeeded run by default', async () => {
    expect(runOf(await receive(source, builder(), new Date())).status).toBe('succeeded');
  });

  it('is rejected by a source with another secret', async () => {
    const secret = source === DBT ? 'another' : { utf8: 'another' };
    expect((await receive(source, builder({ secret, now: NOW } as object))).ok).toBe(false);
  });
});

describe('dbtCloudWebhook', () => {
  it('takes the run of several messages from `payload.data.runId`', async () => {
    const payload = { data: { runId: '42' } };
    const events = ['started', 'failed', 'completed-failed'] as const;
    const received = await Promise.all(events.map((event) => receive(DBT, dbtCloudWebhook({ event, payload }))));
    expect(received.map((one) => runOf(one).id)).toEqual(['42', '42', '42']);
    expect(new Set(received.map(({ id }) => id)).size).toBe(3);
  });

  it('sends no field that was overridden with undefined', async () => {
    const webhook = dbtCloudWebhook({ payload: { eventId: undefined, data: { runId: undefined } } });
    const { ok, id, result } = await receive(DBT, webhook);
    expect([ok, id, result.state]).toEqual([true, '', 'test']);
    expect(Object.keys(JSON.parse(webhook.body.toString()) as object)).not.toContain('eventId');
  });

  it('sends a payload that no provider would send', async () => {
    const { result } = await receive(DBT, dbtCloudWebhook({ payload: { data: ['no', 'object'] } }));
    expect(result.state).toBe('quarantined');
  });

  it('formats the body as dbt Cloud does: on one line, with nanoseconds', () => {
    const text = dbtCloudWebhook({ now: NOW }).body.toString();
    expect(text).toMatch(
      /^\{"accountId":43786,"eventId":"wev_[0-9A-Za-z]{27}","timestamp":"2026-10-09T05:24:19\.074\d{6}Z",/,
    );
    expect(text).not.toContain('\n');
  });
});

describe('paradimeWebhook', () => {
  it('takes the run of several messages from `payload.id`', async () => {
    const events = ['started', 'failed'] as const;
    const received = await Promise.all(
      events.map((event) => receive(PARADIME, paradimeWebhook({ event, payload: { id: 42 }, now: NOW }))),
    );
    expect(received.map((one) => runOf(one).id)).toEqual(['42', '42']);
  });

  it('names the failed command with its return code and its files', async () => {
    const { commands = [] } = runOf(await receive(PARADIME, paradimeWebhook({ event: 'failed', now: NOW })));
    expect(commands.map(({ command, status, returnCode }) => [command, status, returnCode])).toEqual([
      ['git clone ...', 'succeeded', 0],
      ['dbt deps', 'succeeded', 0],
      ['dbt seed', 'succeeded', 0],
      ['dbt run', 'failed', 1],
    ]);
    expect(commands[3]?.resources.map(({ path }) => path)).toEqual(['target/manifest.json', 'target/run_results.json']);
    expect(new Set(commands.map(({ id }) => id)).size).toBe(4);
    const [last] = commands.slice(-1);
    expect(last?.finishedAt).toEqual(NOW);
  });

  it.each(['svix', 'webhook'] as const)('signs with the headers of %s and the id of the options', async (family) => {
    const webhook = paradimeWebhook({ family, id: 'msg_42', now: NOW });
    expect(webhook.headers).toMatchObject({ [`${family}-id`]: 'msg_42' });
    const { ok, id } = await receive(PARADIME, webhook);
    expect([ok, id]).toEqual([true, 'msg_42']);
  });

  it('signs the time of the options', async () => {
    const early = paradimeWebhook({ now: new Date(NOW.getTime() - 301_000) });
    expect((await receive(PARADIME, early)).ok).toBe(false);
  });

  it('sends no field that was overridden with undefined, but sends null', async () => {
    const end = { end_dttm: undefined, commands: undefined, error_string: undefined };
    const removed = paradimeWebhook({ payload: end, now: NOW });
    expect((await receive(PARADIME, removed)).result).toMatchObject({ messageType: 'bolt.run.started' });
    const nulled = paradimeWebhook({ payload: { workspace: null }, now: NOW });
    expect((await receive(PARADIME, nulled)).result.state).toBe('quarantined');
  });
});

describe('wrong options in JavaScript', () => {
  it.each([
    [
      'another event',
      { event: 'errored' },
      /\(\{ event \}\): expected one of started, succeeded, failed.*, got "errored"/,
    ],
    [
      'an event and no options',
      'failed',
      /Webhook: expected options, got a string\. Write .*Webhook\(\{ event: 'failed' \}\)/,
    ],
    ['a misspelled option', { evnt: 'failed' }, /Webhook\.evnt: unknown option \(did you mean "event"\?\)/],
    ['null', null, /Webhook: expected options, got null/],
    [
      'a payload that is a string',
      { payload: '{}' },
      /\(\{ payload \}\): expected options, got a string\. Write \w+Webhook/,
    ],
    [
      'a secret that is not set',
      { secret: undefined },
      /\(\{ secret \}\): expected the secret of the source, got undefined\. .*TEST_SECRETS/,
    ],
    ['an empty secret', { secret: '' }, /\(\{ secret \}\): expected the secret of the source, got an empty string/],
  ])('throw an error for %s', (_, options, message) => {
    for (const builder of [dbtCloudWebhook, paradimeWebhook]) expect(() => builder(options as never)).toThrow(message);
  });

  it.each<[builder: (options: never) => unknown, options: object, problem: string]>([
    [dbtCloud, { name: 'dbt', maxAgeMS: 5 }, `dbtCloud({ name: 'dbt' }).maxAgeMS: … "maxAgeMs"`],
    [dbtCloud, { name: 'dbt', bodyBytesmax: 5 }, `dbtCloud({ name: 'dbt' }).bodyBytesmax: … "bodyBytesMax"`],
    [dbtCloud, { name: 'dbt', accesUrl: 'x' }, `dbtCloud({ name: 'dbt' }).accesUrl: … "accessUrl"`],
    [dbtCloud, { name: 'dbt', secret: 'x' }, `dbtCloud({ name: 'dbt' }).secret: … "secrets"`],
    [dbtCloud, { name: 'dbt', enable: false }, `dbtCloud({ name: 'dbt' }).enable: … "enabled"`],
    [paradime, { name: 'bolt', token: 'x' }, `paradime({ name: 'bolt' }).token: … "tokens"`],
    [paradime, { name: 'bolt', bodyBytesmax: 5 }, `paradime({ name: 'bolt' }).bodyBytesmax: … "bodyBytesMax"`],
    [sqliteInbox, { path: ':memory:', fileModee: 0o640 }, 'sqliteInbox.fileModee: … "fileMode"'],
  ])('throw an error in %p for a misspelled option in %j', (make, options, problem) => {
    const [option, meant] = problem.split(' … ');
    const call = (): unknown => make(options as never);
    expect(call).toThrow(`${option} unknown option `);
    expect(call).toThrow(`(did you mean ${meant}?)`);
  });

  it('may be undefined, as if they were omitted', () => {
    const left = { path: undefined, bodyBytesMax: undefined, enabled: undefined };
    const source = dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], maxAgeMs: undefined, ...left } as never);
    expect(openSources([source])).toHaveLength(1);
    expect(() => sqliteInbox({ path: ':memory:', driver: undefined, fileMode: undefined } as never)).not.toThrow();
  });

  it.each([dbtCloud, paradime, sqliteInbox, postgresInbox])(
    'throw an error with an example in %p if all are missing',
    (make) => {
      const call = make.name;
      for (const options of [undefined, null, 'a-secret', ['a-secret']]) {
        expect(() => make(options as never)).toThrow(
          new RegExp(`^${call}: expected options, got (undefined|null|a string|an array)\\. Write ${call}\\(\\{ `),
        );
        expect(() => make(options as never)).not.toThrow(/a-secret/);
      }
    },
  );
});

describe('the text of a webhook', () => {
  it('contains the bytes that were signed', async () => {
    for (const [source, webhook] of [
      [DBT, dbtCloudWebhook({ payload: { webhookName: 'Täglich – 夜' } })],
      [PARADIME, paradimeWebhook({ payload: { uuid: 'Täglich – 夜' }, now: NOW })],
      [DBT, signDbtCloud('\ufeff{}')],
    ] as const) {
      expect(await receive(source, { ...webhook, body: Buffer.from(webhook.text) })).toMatchObject({ ok: true });
    }
  });
});

describe('signDbtCloud and signParadime', () => {
  const body = Buffer.from([0x7b, 0xff, 0x00, 0x7d]);

  it('sign a body byte for byte', async () => {
    for (const [source, webhook] of [
      [DBT, signDbtCloud(body)],
      [PARADIME, signParadime(body, { now: NOW })],
    ] as const) {
      expect(webhook.body.equals(body)).toBe(true);
      expect(await receive(source, webhook)).toMatchObject({ ok: true, result: { state: 'quarantined' } });
    }
  });
});

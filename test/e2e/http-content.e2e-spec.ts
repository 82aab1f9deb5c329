import { afterEach, describe, expect, it } from '@jest/globals';
import { dbtCloudWebhook, paradimeWebhook, signDbtCloud, signParadime } from 'nestjs-runhooks/testing';
import { ADAPTERS, closeApps, CONTENT, DBT, dbtWebhook, PARADIME, startApp } from './http-app.js';

afterEach(closeApps);

const DEEP = 100_000;
const dbtText = (change: (text: string) => string) => change(dbtWebhook().body.toString());

/** Bodies that no JSON parser may accept, even if they are signed. */
const NO_JSON: [title: string, body: string | Uint8Array, reason: RegExp][] = [
  ['cut off', dbtText((text) => text.slice(0, -1)), /not JSON/],
  ['with single quotes', `{'a':'${CONTENT}'}`, /not JSON/],
  ['with curly quotes, as in the documentation of 2022', `{“account_id”: 123, “x”: “${CONTENT}”}`, /not JSON/],
  ['with a trailing comma', `{"a":1,}`, /not JSON/],
  ['with something after it', `${dbtText((text) => text)}{}`, /not JSON/],
  ['a form', `payload=${CONTENT}`, /not JSON/],
  ['spaces', '   ', /empty/],
  ['a NUL byte', '\0', /not JSON/],
  ['a string with a raw NUL', `{"a":"\0${CONTENT}"}`, /not JSON/],
  ['Latin-1', Buffer.from(`{"a":"é${CONTENT}"}`, 'latin1'), /not UTF-8/],
  [
    'UTF-16',
    Buffer.from(
      dbtText((text) => text),
      'utf16le',
    ),
    /not JSON|UTF-8/,
  ],
  ['random bytes', Uint8Array.from({ length: 512 }, (_, index) => (index * 7_919) % 256), /UTF-8/],
  ['an id given twice', dbtText((text) => text.replace('{', `{"accountId":1,`)), /accountId: .*a duplicate key/],
  [
    'an id given twice, once escaped',
    dbtText((text) => text.replace('{', `{"\\u0061ccountId":1,`)),
    /accountId: .*a duplicate key/,
  ],
  ['a number beyond 2^53', dbtText((text) => text.replace('43786', '9007199254740993')), /accountId/],
  ['a number beyond every other', dbtText((text) => text.replace('43786', '1e999')), /accountId/],
  ['a number of 100 000 digits', dbtText((text) => text.replace('43786', '9'.repeat(100_000))), /accountId/],
  ['arrays too deep', '['.repeat(DEEP) + ']'.repeat(DEEP), /nested deeper than 64/],
  ['arrays too deep and cut off', '['.repeat(DEEP), /nested deeper than 64/],
  ['objects too deep', '{"a":'.repeat(DEEP) + '1' + '}'.repeat(DEEP), /nested deeper than 64/],
];

const LINE_OF_STATE: Readonly<Record<string, string>> = {
  quarantined: 'was quarantined',
  unrecognized: 'was not recognized',
  test: 'is a test webhook',
};

/** Valid JSON that is not a dbt message. */
const NO_MESSAGE: [title: string, body: string, state: string, reason: RegExp][] = [
  ['null', 'null', 'quarantined', /expected|object/i],
  ['an array', '[]', 'quarantined', /expected|object/i],
  ['a string', `"${CONTENT}"`, 'quarantined', /expected|object/i],
  ['a number', '1', 'quarantined', /expected|object/i],
  ['no data', `{"accountId":1,"eventId":"wev_1","eventType":"job.run.started"}`, 'test', /data.runId/],
  ['an account that is a string with a NUL', JSON.stringify(payload({ accountId: '1\0' })), 'quarantined', /accountId/],
  ['a run id that is a lone surrogate', JSON.stringify(payload({ data: { runId: '\ud800' } })), 'quarantined', /runId/],
  ['a run id that is an object', JSON.stringify(payload({ data: { runId: { a: CONTENT } } })), 'quarantined', /runId/],
  ['a run id of 256 characters', JSON.stringify(payload({ data: { runId: '1'.repeat(256) } })), 'quarantined', /runId/],
  ['a new type', JSON.stringify(payload({ eventType: 'job.run.paused' })), 'unrecognized', /eventType/],
  ['no run id', JSON.stringify(payload({ data: { runId: undefined } })), 'test', /runId/],
  [
    'no status',
    JSON.stringify(payload({ data: { runStatus: undefined, runStatusCode: undefined } })),
    'test',
    /runStatus/,
  ],
];

/** dbt messages with an odd field that decides nothing, and the path that is noted. */
const ODD: [title: string, body: string, path: string][] = [
  ['an invalid time', JSON.stringify(payload({ data: { runStartedAt: CONTENT } })), 'data.runStartedAt'],
  [
    'a number instead of a message',
    JSON.stringify(payload({ data: { runStatusMessage: 7 } })),
    'data.runStatusMessage',
  ],
  ['an unused number beyond 2^53', dbtText((text) => text.replace('{', '{"cost":1e22,')), 'cost'],
  [
    'a key of control characters given twice',
    dbtText((text) => text.replace('{', String.raw`{"\n\u001b[2J\r":1,"\n\u001b[2J\r":2,`)),
    '["??[2J?"]',
  ],
  ['__proto__', dbtText((text) => text.replace('{', '{"__proto__":{"a":1},')), '__proto__'],
];

function payload(change: { accountId?: string; eventType?: string; data?: Record<string, unknown> }): unknown {
  return JSON.parse(dbtCloudWebhook({ payload: change }).body.toString());
}

describe.each(ADAPTERS)('signed content with an invalid payload, on %s', (adapter) => {
  it.each([...NO_JSON.map(([title, body, reason]) => [title, body, 'quarantined', reason] as const), ...NO_MESSAGE])(
    'is accepted, stored with the reason, and blocks no other message: %s',
    async (_, body, state, reason) => {
      const httpApp = await startApp(adapter);
      const neighbour = (runId: string) => dbtWebhook({ payload: { data: { runId } } });
      const responses = [
        await httpApp.send(neighbour('1')),
        await httpApp.send(signDbtCloud(body)),
        await httpApp.send(neighbour('2')),
        await httpApp.send(signDbtCloud(body)),
      ];
      expect(responses.map((response) => [response.status, response.body.status])).toEqual([
        [200, 'accepted'],
        [200, 'accepted'],
        [200, 'accepted'],
        [200, 'duplicate'],
      ]);
      const messages = await httpApp.messages();
      expect(messages).toHaveLength(3);
      const bad = messages.find(({ id }) => id === responses[1]?.body.id);
      expect(bad).toMatchObject({ state, reason: expect.stringMatching(reason) });
      expect(bad?.reason).not.toContain(CONTENT);
      expect((await httpApp.handled()).map(({ type, runId }) => `${type} ${runId}`).sort()).toEqual([
        'run.completed 1',
        'run.completed 2',
        'run.succeeded 1',
        'run.succeeded 2',
      ]);
      expect(httpApp.log.containing(LINE_OF_STATE[state] ?? 'no such state')).toHaveLength(1);
    },
  );

  it.each(NO_JSON)('is quarantined for Paradime: %s', async (_, body, reason) => {
    const httpApp = await startApp(adapter);
    expect(await httpApp.send(signParadime(body), PARADIME)).toMatchObject({
      status: 200,
      body: { status: 'accepted' },
    });
    const [message] = await httpApp.messages();
    expect(message).toMatchObject({ state: 'quarantined', reason: expect.any(String) });
    if (!reason.source.includes('accountId')) expect(message?.reason).toMatch(reason);
  });

  it.each(ODD)('still yields its event and is noted and logged once: %s', async (_, body, path) => {
    const httpApp = await startApp(adapter);
    const { body: response } = await httpApp.send(signDbtCloud(body));
    const [message] = await httpApp.messages();
    expect(message).toMatchObject({ id: response.id, state: 'parsed', notes: [{ path, found: expect.any(String) }] });
    expect((await httpApp.handled()).map(({ type }) => type).sort()).toEqual(['run.completed', 'run.succeeded']);
    expect(httpApp.log.containing('did not match')).toEqual([
      expect.stringContaining(
        `Message ${response.id} from source "dbt": 1 field did not match and was left out: ${path}`,
      ),
    ]);
    expect(JSON.stringify([message?.notes, httpApp.log.containing('did not match')])).not.toContain(CONTENT);
  });

  it('blocks no good message when all of it arrives at once', async () => {
    const httpApp = await startApp(adapter);
    const bodies = [...NO_JSON, ...NO_MESSAGE].map(([, body]) => body);
    const responses = await Promise.all(
      bodies.flatMap((body) => [
        httpApp.send(signDbtCloud(body), DBT),
        httpApp.send(signParadime(body), PARADIME),
        httpApp.send(dbtWebhook(), DBT),
        httpApp.send(paradimeWebhook(), PARADIME),
      ]),
    );
    expect(responses.filter(({ status, body }) => status !== 200 || body.status !== 'accepted')).toEqual([]);
    const messages = await httpApp.messages();
    expect(messages.filter(({ state }) => state === 'parsed')).toHaveLength(bodies.length * 2);
    expect(await httpApp.handled()).toHaveLength(bodies.length * 4);
  });

  it('reaches handlers unchanged when strings are hard for databases and terminals', async () => {
    const odd = `nul \0 lone \ud800 right-to-left \u202e escape \u001b[31m emoji 🐘 ${'x'.repeat(5_000)}`;
    const httpApp = await startApp(adapter);
    const response = await httpApp.send(
      dbtWebhook({ payload: { data: { runId: '1', jobName: odd, runReason: odd } } }),
    );
    expect(response).toMatchObject({ status: 200, body: { status: 'accepted' } });
    const [message] = await httpApp.messages();
    expect(message).toMatchObject({ state: 'parsed' });
    expect(await httpApp.handled()).toHaveLength(2);
    const lines = httpApp.log.containing('right-to-left');
    // The line names the job; the name is printable and truncated.
    expect(lines).toEqual([
      expect.stringMatching(/^log Message msg_\w+ from source "dbt": run 1 of "nul \\u0000 .* \[…\] x+"/),
    ]);
    expect(lines.join('')).toMatch(/^\P{Cc}{1,400}$/u);
    expect(lines.join('')).not.toContain('\u202e');
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isRetryLater, type ApiHost } from 'nestjs-runhooks/core';
import { ManualClock } from 'nestjs-runhooks/testing';
import { LoopbackGraphql, respondWith, type GraphqlRequest } from '../../../../test/providers/loopback-graphql.js';
import { checkApiOptions } from './api-options.js';
import { ParadimeApi } from './paradime-api.js';

const TOKEN = 'prdm_wsp_0123456789';
const clock = new ManualClock(new Date('2026-03-01T12:00:00Z'));

class Host implements ApiHost {
  readonly cooldowns: [host: string, account: string, until: Date][] = [];
  now(): Date {
    return clock.now();
  }
  async cooldownUntil(): Promise<Date | undefined> {
    return this.cooldowns.at(-1)?.[2];
  }
  async coolDown(host: string, account: string, until: Date): Promise<void> {
    this.cooldowns.push([host, account, until]);
  }
  act(): Promise<never> {
    return Promise.reject(new Error('No action was expected.'));
  }
}

/** Resolvers by operation, which tests replace. */
let resolvers: Record<string, (request: GraphqlRequest) => unknown>;
let server: LoopbackGraphql;
let host: Host;
let api: ParadimeApi;

function apiWith(options: object): ParadimeApi {
  const access = checkApiOptions({ endpoint: server.endpoint, ...options }, 'api');
  return new ParadimeApi(access, host, { monotonicMs: () => 0, pause: async () => undefined });
}

beforeEach(async () => {
  resolvers = {};
  server = await new LoopbackGraphql(new Proxy({}, { get: (_, name) => resolvers[String(name)] })).start();
  host = new Host();
  api = apiWith({ token: TOKEN, workspace: 'w1' });
});

afterEach(() => server.close());

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function errorOf(call: Promise<unknown>): Promise<Error & { reason?: string }> {
  return call.then(
    () => new Error('no error'),
    (error: unknown) => error as Error,
  );
}

/** Resolves a list in pages. */
function paged(field: string, items: readonly object[]) {
  return ({ variables }: GraphqlRequest) => {
    const { offset, limit } = variables as { offset: number; limit: number };
    return { ok: true, [field]: items.slice(offset, offset + limit), totalCount: items.length };
  };
}

describe('the credentials', () => {
  it.each([
    ['a token', { token: TOKEN }, { authorization: `Bearer ${TOKEN}` }],
    ['a key', { apiKey: 'key-1', apiSecret: 'secret-1' }, { 'x-api-key': 'key-1', 'x-api-secret': 'secret-1' }],
    [
      'a company token',
      { token: 'prdm_cmp_1', workspace: 'w1' },
      { authorization: 'Bearer prdm_cmp_1', 'x-paradime-workspace': 'w1' },
    ],
  ])('are sent as headers: %s', async (_what, options, headers) => {
    resolvers['boltRunStatus'] = () => ({ state: 'SUCCESS', commands: [] });
    await apiWith(options).run('1');
    expect(server.requests[0]?.headers).toMatchObject(headers);
  });
});

describe('lists', () => {
  it('return schedules of all pages, tolerantly', async () => {
    const schedules = Array.from({ length: 101 }, (_, index) => ({ slug: `s-${index}`, name: `S ${index}` }));
    resolvers['listBoltSchedules'] = paged('schedules', [
      {
        slug: 'daily-1',
        name: 'Daily',
        lastRunAt: '2026-03-01 11:00:00.123456',
        lastRunState: 'SUCCESS',
        nextRunAt: null,
        suspended: false,
        added: 'later',
      },
      { slug: null, name: 'Old', lastRunAt: 'soon' },
      { slug: null, name: '' },
      null as unknown as object,
      ...schedules,
    ]);
    const found = await all(api.schedules());
    expect(found).toHaveLength(103);
    expect(found.slice(0, 2)).toEqual([
      {
        slug: 'daily-1',
        name: 'Daily',
        lastRunAt: new Date('2026-03-01T11:00:00.123Z'),
        lastRunText: '2026-03-01 11:00:00.123456',
        lastRunState: 'SUCCESS',
        suspended: false,
      },
      { name: 'Old', lastRunText: 'soon' },
    ]);
    expect(server.asked('listBoltSchedules')).toEqual([
      { offset: 0, limit: 100, showInactive: false },
      { offset: 100, limit: 100, showInactive: false },
    ]);
  });

  it('return runs of all pages, and stop asking when the reader stops', async () => {
    const runs = Array.from({ length: 250 }, (_, index) => ({ id: 250 - index, state: 'SUCCESS', gitInfo: null }));
    resolvers['listBoltRuns'] = paged('runs', runs);
    expect(await all(api.runs('daily'))).toHaveLength(250);
    expect(server.asked('listBoltRuns').map(({ offset }) => offset)).toEqual([0, 100, 200]);

    for await (const { id } of api.runs('daily')) if (id === '240') break;
    expect(server.asked('listBoltRuns')).toHaveLength(4);
  });

  it('return a run with ids as strings and without what is null', async () => {
    resolvers['listBoltRuns'] = paged('runs', [
      {
        id: 7,
        state: 'RUNNING',
        actor: 'Scheduler',
        actorEmail: null,
        startDttm: '2026-03-01 11:00:00',
        endDttm: null,
        parentScheduleRunId: 5,
        gitInfo: { branch: 'main', commitHash: null, pullRequestId: '12' },
      },
    ]);
    expect(await all(api.runs('daily'))).toEqual([
      {
        id: '7',
        schedule: 'daily',
        state: 'RUNNING',
        status: 'running',
        actor: 'Scheduler',
        startedAt: new Date('2026-03-01T11:00:00Z'),
        parentRunId: '5',
        branch: 'main',
        pullRequestId: '12',
      },
    ]);
  });

  it('reject if the API returns ok: false', async () => {
    resolvers['listBoltRuns'] = () => ({ ok: false, runs: null });
    expect(await errorOf(all(api.runs('daily')))).toMatchObject({
      code: 'RUNHOOKS_PROVIDER_API',
      reason: 'refused',
      message: expect.stringContaining('Paradime: list runs of schedule "daily" from 0'),
    });
  });
});

describe('a run', () => {
  it('has its commands by id, also while fields are null that the SDK calls required', async () => {
    resolvers['boltRunStatus'] = () => ({
      state: 'RUNNING',
      commands: [
        { id: 12, command: 'dbt run', startDttm: null, endDttm: null, returnCode: null },
        {
          id: 9,
          command: 'git clone',
          startDttm: '2026-03-01 11:00:00',
          endDttm: '2026-03-01 11:00:01',
          returnCode: 0,
        },
      ],
    });
    expect(await api.run('7')).toEqual({
      id: '7',
      state: 'RUNNING',
      status: 'running',
      commands: [
        {
          id: '9',
          command: 'git clone',
          returnCode: 0,
          startedAt: new Date('2026-03-01T11:00:00Z'),
          endedAt: new Date('2026-03-01T11:00:01Z'),
        },
        { id: '12', command: 'dbt run' },
      ],
    });
    expect(server.asked('boltRunStatus')).toEqual([{ runId: 7 }]);
  });

  it('is not found if the API returns null', async () => {
    resolvers['boltRunStatus'] = () => null;
    expect(await errorOf(api.run('7'))).toMatchObject({
      reason: 'not-found',
      message:
        'Paradime: get run 7: expected boltRunStatus, got null. ' +
        'Check the id, and that the run belongs to the workspace of the token or the API key',
    });
  });

  it.each(['', '0', '-1', '1.5', '2147483648', '1 OR 1', '7\n'])('is not asked for by the id %j', async (id) => {
    expect(await errorOf(api.run(id))).toMatchObject({ reason: 'invalid-request' });
    expect(server.requests).toEqual([]);
  });
});

describe('artifacts', () => {
  beforeEach(() => {
    const started = { startDttm: '2026-03-01 11:00:00' };
    resolvers['boltRunStatus'] = () => ({
      state: 'FAILED',
      commands: [
        { id: 1, command: 'git clone', returnCode: 0, ...started },
        { id: 2, command: 'dbt build', returnCode: 1, ...started },
        { id: 3, command: 'dbt docs generate', returnCode: 0, ...started },
        { id: 4, command: 'never started', returnCode: null },
      ],
    });
    resolvers['boltCommand'] = ({ variables }) => ({
      command: 'dbt',
      returnCode: 1,
      scheduleRunId: 7,
      resources:
        variables['commandId'] === 1 ? null : [{ id: Number(variables['commandId']) * 10, path: 'target/a.json' }],
    });
  });

  it('of a run are ordered: failed commands first, then the last command', async () => {
    expect(await api.artifacts({ runId: '7' })).toEqual([
      { id: '20', path: 'target/a.json', commandId: '2' },
      { id: '30', path: 'target/a.json', commandId: '3' },
    ]);
    expect(server.asked('boltCommand').map(({ commandId }) => commandId)).toEqual([2, 3, 1]);
  });

  it('are returned as JSON and as a stream, and no credentials are sent to their URL', async () => {
    server.files.set('/files/20?signature=s3cret', '{"results":[]}');
    resolvers['boltResourceUrl'] = () => ({ ok: true, url: `${server.origin}/files/20?signature=s3cret` });
    const [artifact] = await api.artifacts({ commandId: '2' });
    expect(await api.artifact(artifact!)).toEqual({ results: [] });
    expect(await new Response(await api.artifactStream(artifact!)).text()).toBe('{"results":[]}');
    expect(server.downloads).toHaveLength(2);
    for (const headers of server.downloads) {
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('x-paradime-workspace');
    }
  });

  it.each([
    ['a file that is not JSON', 'results', {}, 'invalid-answer'],
    ['a larger file', '{"results":[]}', { bytesMax: 5 }, 'too-large'],
    ['a missing file', undefined, {}, 'not-found'],
  ])('reject for %s, without the URL', async (_what, file, options, reason) => {
    if (file !== undefined) server.files.set('/files/20?signature=s3cret', file);
    resolvers['boltResourceUrl'] = () => ({ ok: true, url: `${server.origin}/files/20?signature=s3cret` });
    const error = await errorOf(api.artifact({ id: '20' }, options));
    expect(error).toMatchObject({ reason });
    expect(`${error.stack}`).not.toMatch(/s3cret|127\.0\.0\.1/);
  });

  it.each([
    { ok: false, url: 'https://example.com' },
    { ok: true, url: null },
  ])('reject if the API returns no URL: %j', async (result) => {
    resolvers['boltResourceUrl'] = () => result;
    expect(await errorOf(api.artifact({ id: '20' }))).toMatchObject({ reason: 'not-found' });
  });

  it('are not downloaded from a private address that no option names', async () => {
    server.files.set('/files/20', '{}');
    resolvers['boltResourceUrl'] = () => ({ ok: true, url: `${server.origin}/files/20` });
    const strict = apiWith({ token: TOKEN, artifactHosts: ['files.example.com'] });
    expect(await errorOf(strict.artifact({ id: '20' }))).toMatchObject({ reason: 'refused' });
    expect(server.downloads).toEqual([]);
  });
});

describe('logs of failed commands', () => {
  beforeEach(() => {
    resolvers['boltRunStatus'] = () => ({
      state: 'FAILED',
      commands: [
        { id: 1, command: 'git clone', returnCode: 0 },
        { id: 2, command: 'dbt build', returnCode: 1 },
        { id: 3, command: 'waiting', returnCode: null },
      ],
    });
  });

  it('are read to their end, and only the last lines are returned', async () => {
    resolvers['boltCommandLogs'] = ({ variables }) => {
      const batch = Number(String(variables['cursor']).split(':')[1]);
      const lines = Array.from({ length: 600 }, (_, index) => ({ stream: 'STDOUT', line: `${batch}.${index}` }));
      return {
        lines: batch === 0 ? lines : [...lines, { stream: 'STDERR', line: 'Error' }],
        cursor: `0:${batch + 1}`,
        finished: batch === 1,
      };
    };
    const [log, ...more] = await api.failedCommandLogs('7');
    expect(more).toEqual([]);
    expect(log).toMatchObject({ command: { id: '2', command: 'dbt build' }, isCut: true });
    expect(log?.lines).toHaveLength(1_000);
    expect(log?.lines[0]).toEqual({ stream: 'stdout', line: '0.201' });
    expect(log?.lines.at(-1)).toEqual({ stream: 'stderr', line: 'Error' });
    expect(server.asked('boltCommandLogs')).toEqual([
      { commandId: 2, cursor: '0:0' },
      { commandId: 2, cursor: '0:1' },
    ]);
  });

  it('end at a cursor that does not move', async () => {
    resolvers['boltCommandLogs'] = () => ({ lines: [{ stream: 'STDOUT', line: 'x' }], cursor: '0:0', finished: false });
    expect(await api.failedCommandLogs('7')).toMatchObject([{ lines: [{ line: 'x' }], isCut: false }]);
  });
});

describe('a failed call', () => {
  it.each([
    ['Permission denied for this key', 'forbidden'],
    ['Invalid API key', 'unauthorized'],
    ['Run not found', 'not-found'],
    ['Cannot query field "slug" on type "BoltSchedule"', 'refused'],
  ])('is recognized in an answer 200 with errors: %s', async (message, reason) => {
    server.faults.push(respondWith(200, { data: null, errors: [{ message }] }));
    expect(await errorOf(api.run('7'))).toMatchObject({
      reason,
      message: expect.stringContaining(`Paradime: get run 7: expected data, got an error: "${message}". `),
    });
  });

  it('shows neither the token nor URLs of a message', async () => {
    const message = `no right for ${TOKEN}\nhttps://s3.example/x?sig=1`;
    server.faults.push(respondWith(200, { data: null, errors: [{ message }] }));
    expect((await errorOf(api.run('7'))).message).toContain('"no right for [secret]\\n[URL]"');
  });

  it('is an error even if the answer has data as well', async () => {
    server.faults.push(respondWith(200, { data: { boltRunStatus: { state: 'SUCCESS' } }, errors: [{}] }));
    expect(await errorOf(api.run('7'))).toMatchObject({ reason: 'refused' });
  });

  it.each([
    ['401', respondWith(401, { message: 'no' }), 'unauthorized'],
    ['403', respondWith(403, '<html>no</html>'), 'forbidden'],
    ['HTML', respondWith(200, '<html>login</html>'), 'invalid-answer'],
    ['no data', respondWith(200, {}), 'invalid-answer'],
  ])('has the reason of %s, and contains no token and no address', async (_what, fault, reason) => {
    server.faults.push(fault, fault, fault);
    const error = await errorOf(api.run('7'));
    expect(error).toMatchObject({ reason });
    expect(`${error.stack}`).not.toMatch(/prdm_|127\.0\.0\.1|company-token/);
  });

  it('is repeated after 503, although it is a POST', async () => {
    resolvers['boltRunStatus'] = () => ({ state: 'SUCCESS', commands: null });
    server.faults.push(respondWith(503, 'down'), respondWith(502, 'down'));
    expect(await api.run('7')).toMatchObject({ status: 'succeeded', commands: [] });
    expect(server.requests).toHaveLength(3);
  });

  it('cools the workspace down after 429, so that nothing more is asked', async () => {
    server.faults.push(respondWith(429, {}));
    const error = await errorOf(api.run('7'));
    expect(error).toMatchObject({ reason: 'rate-limited', delayMs: 60_000 });
    expect(isRetryLater(error)).toBe(true);
    expect(host.cooldowns).toEqual([[new URL(server.endpoint).host, 'w1', new Date('2026-03-01T12:01:00Z')]]);
    expect(await errorOf(api.run('8'))).toMatchObject({ reason: 'rate-limited' });
    expect(server.requests).toHaveLength(1);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ProviderApiError } from 'nestjs-runhooks/core';
import { apiHost } from '../../../../test/providers/api-host.js';
import { LoopbackDbtApi, sendJson, statusOf } from '../../../../test/providers/loopback-dbt-api.js';
import { checkApiOptions, type DbtCloudApiOptions } from './api-options.js';
import { DbtCloudApi } from './dbt-cloud-api.js';

const NOW = new Date('2026-11-30T12:00:00.000Z');
const V2 = '/api/v2/accounts/4';
const V3 = '/api/v3/accounts/4';

let server: LoopbackDbtApi;
let baseUrl: string;
let api: DbtCloudApi;

beforeEach(async () => {
  server = new LoopbackDbtApi();
  baseUrl = await server.listen();
  api = client({});
});

afterEach(() => server.close());

function client(options: DbtCloudApiOptions): DbtCloudApi {
  const all = { baseUrl, accountId: '4', readToken: 'read-token', webhooksToken: 'webhooks-token', ...options };
  return new DbtCloudApi(
    checkApiOptions(all, "dbtCloud({ name: 'dbt' }).api", undefined),
    apiHost(() => NOW),
  );
}

async function failureOf(promise: Promise<unknown>): Promise<ProviderApiError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown as ProviderApiError,
  );
  expect(error).toMatchObject({ code: 'RUNHOOKS_PROVIDER_API' });
  expect(error?.message).not.toMatch(/-token|127\.0\.0\.1/);
  return error as ProviderApiError;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('runs', () => {
  it('returns a run with ids as strings and times as dates', async () => {
    server.setRun(70_403_110_257_794, {
      retrying_run_id: 5,
      trigger: { cause: 'Kicked off from UI by kim', cause_category: 'ui', gitlab_merge_request_id: 12 },
    });
    await expect(api.run('70403110257794')).resolves.toMatchObject({
      id: '70403110257794',
      accountId: '4',
      jobId: '10',
      jobName: 'nightly',
      projectId: '20',
      environmentId: '30',
      status: 10,
      createdAt: new Date('2026-11-30T11:00:00Z'),
      startedAt: new Date('2026-11-30T11:00:10.250Z'),
      finishedAt: new Date('2026-11-30T11:10:00.123Z'),
      retryOf: '5',
      trigger: { cause: 'Kicked off from UI by kim', category: 'ui', pullRequestId: '12' },
    });
    expect(server.calls).toEqual([
      {
        method: 'GET',
        path: `${V2}/runs/70403110257794/`,
        query: { include_related: 'trigger,job' },
        authorization: 'Token read-token',
        accept: 'application/json',
      },
    ]);
  });

  it('leaves out fields that are null or of another type', async () => {
    server.setRun(7, { finished_at: null, started_at: 5, trigger: null, job: null, project_id: null, status: '10' });
    const run = await api.run('7');
    for (const name of ['finishedAt', 'startedAt', 'trigger', 'jobName', 'projectId', 'status', 'retryOf', 'steps']) {
      expect(run).not.toHaveProperty(name);
    }
  });

  it('lists runs with JSON arrays, UTC times and a comma list', async () => {
    const range = [new Date('2026-11-30T11:00:00Z'), NOW] as const;
    server.setRun(7, {});
    const filter = { jobId: '10', statuses: [10, 20], ids: ['7', 'x'], createdAt: range, finishedAt: range };
    await expect(all(api.runs({ ...filter, projectIds: ['20'], idAfter: '6' }))).resolves.toMatchObject([{ id: '7' }]);
    expect(server.calls[0]).toMatchObject({
      path: `${V2}/runs/`,
      query: {
        job_definition_id: '10',
        project_id__in: '[20]',
        status__in: '[10,20]',
        pk__in: '[7]',
        id__gt: '6',
        created_at__range: '["2026-11-30T11:00:00.000Z","2026-11-30T12:00:00.000Z"]',
        finished_at__range: '["2026-11-30T11:00:00.000Z","2026-11-30T12:00:00.000Z"]',
        order_by: 'id',
        include_related: 'trigger,job',
        limit: '100',
        offset: '0',
      },
    });
  });

  it('reads all pages, each with the time of the server', async () => {
    for (let id = 1; id <= 250; id++) server.setRun(id, {});
    const pages = await all(api.runPages());
    expect(pages.map(({ runs, serverTime, hasMore }) => [runs.length, serverTime, hasMore])).toEqual([
      [100, NOW, true],
      [100, NOW, true],
      [50, NOW, false],
    ]);
  });

  it('makes no call for an array that matches nothing, which the API would take for no filter', async () => {
    server.setRun(7, {});
    await expect(all(api.runs({ ids: [] }))).resolves.toEqual([]);
    await expect(all(api.runs({ projectIds: ['x'] }))).resolves.toEqual([]);
    await expect(all(api.jobs({ projectIds: [] }))).resolves.toEqual([]);
    expect(server.calls).toHaveLength(0);
  });

  it('returns the logs of failed steps', async () => {
    const step = (index: number, status: number) => ({ index, status, name: `step ${index}`, logs: `log ${index}` });
    server.setRun(7, { run_steps: [step(1, 10), step(4, 20), { status: 20 }, null] });
    await expect(api.failedStepLogs('7')).resolves.toEqual([{ step: 4, name: 'step 4', logs: 'log 4' }]);
    expect(server.calls[0]?.query).toEqual({ include_related: 'trigger,job,run_steps' });
  });
});

describe('artifacts', () => {
  it('reads a list, which is null if there are none', async () => {
    server.objects.set(`${V2}/runs/7/artifacts/`, ['manifest.json', 'compiled/a b.sql']);
    await expect(api.artifacts('7', { step: 4 })).resolves.toEqual(['manifest.json', 'compiled/a b.sql']);
    expect(server.calls[0]).toMatchObject({ path: `${V2}/runs/7/artifacts/`, query: { step: '4' } });
    server.objects.set(`${V2}/runs/7/artifacts/`, null);
    await expect(api.artifacts('7')).resolves.toEqual([]);
  });

  it('reads a file as JSON or as a stream, without an envelope and without a slash at the end', async () => {
    server.files.set(`${V2}/runs/7/artifacts/run_results.json?step=4`, '{"results":[]}');
    server.files.set(`${V2}/runs/7/artifacts/compiled/a%20b.sql`, 'select 1');
    await expect(api.artifact('7', 'run_results.json', { step: 4 })).resolves.toEqual({ results: [] });
    expect(server.calls[0]).toMatchObject({ accept: '*/*', query: { step: '4' } });
    const stream = await api.artifactStream('7', 'compiled/a b.sql');
    expect(Buffer.concat(await all(stream)).toString()).toBe('select 1');
  });

  it('rejects with not-found before a file exists', async () => {
    expect(await failureOf(api.artifact('7', 'run_results.json'))).toMatchObject({ reason: 'not-found', status: 404 });
  });

  it.each(['../../jobs/1', './x', '/etc/passwd', 'a//b', 'a/', ''])('does not call a path such as %j', async (path) => {
    expect(await failureOf(api.artifact('7', path))).toMatchObject({ reason: 'invalid-request' });
    expect(server.calls).toHaveLength(0);
  });

  it.each(['..', '', '.'])('does not call with the id %j', async (id) => {
    expect(await failureOf(api.run(id))).toMatchObject({ reason: 'invalid-request' });
    expect(server.calls).toHaveLength(0);
  });
});

describe('jobs, projects, environments and subscriptions', () => {
  it('reads jobs', async () => {
    const job = {
      id: 10,
      name: 'nightly',
      project_id: 20,
      job_type: 'scheduled',
      triggers: { schedule: true },
      schedule: { cron: '0 3 * * *' },
      next_run: '2026-12-01T03:00:00+00:00',
    };
    server.objects.set(`${V2}/jobs/10/`, job);
    server.objects.set(`${V2}/jobs/`, [job, { name: 'no id' }]);
    const expected = {
      id: '10',
      name: 'nightly',
      projectId: '20',
      jobType: 'scheduled',
      cron: '0 3 * * *',
      nextRunAt: new Date('2026-12-01T03:00:00Z'),
      isScheduled: true,
    };
    await expect(api.job('10')).resolves.toMatchObject(expected);
    await expect(all(api.jobs({ projectIds: ['20'], nameContains: 'night' }))).resolves.toMatchObject([expected]);
    expect(server.calls.at(-1)?.query).toMatchObject({ project_id__in: '[20]', name__icontains: 'night' });
  });

  it('reads projects and environments of v3', async () => {
    server.objects.set(`${V3}/projects/`, [{ id: 20, name: 'analytics' }]);
    server.objects.set(`${V3}/projects/20/environments/`, [{ id: 30, name: 'production' }]);
    await expect(api.projects()).resolves.toMatchObject([{ id: '20', name: 'analytics' }]);
    await expect(api.environments('20')).resolves.toMatchObject([{ id: '30', name: 'production' }]);
  });

  it('reads subscriptions of both systems with their own token, and never shows a secret', async () => {
    const old = { id: 'wsu_1', client_url: 'https://a.example/webhooks/dbt', active: true, job_ids: ['10', '11'] };
    const sent = { http_status_code: '0', dispatched_at: '1732924800000000', hmac_secret: 'the-secret' };
    server.objects.set(`${V3}/webhooks/subscriptions`, [
      { ...old, ...sent },
      { ...old, id: 'wsu_2', job_ids: [10] },
    ]);
    server.objects.set(`${V3}/webhooks/subscription/wsu_1`, { ...old, http_status_code: '503' });
    const subscriptions = await api.subscriptions();
    expect(subscriptions).toMatchObject([
      { id: 'wsu_1', jobIds: ['10', '11'] },
      { id: 'wsu_2', jobIds: ['10'] },
    ]);
    expect(subscriptions[0]?.lastDispatchedAt).toEqual(new Date(1_732_924_800_000));
    expect(subscriptions[0]).not.toHaveProperty('lastStatus');
    expect(JSON.stringify(subscriptions)).not.toContain('the-secret');
    await expect(api.subscription('wsu_1')).resolves.toMatchObject({ lastStatus: 503, isActive: true });
    expect(server.calls.map(({ authorization }) => authorization)).toEqual([
      'Token webhooks-token',
      'Token webhooks-token',
    ]);
  });
});

describe('failures', () => {
  it('names the address of the cell for a 401', async () => {
    server.nextResponses.push((response) => sendJson(response, 401, statusOf(401, 'Invalid token.')));
    const failure = await failureOf(api.run('7'));
    expect(failure.reason).toBe('unauthorized');
    expect(failure.message).toMatch(/^dbt Cloud: get run 7 of account 4: .* got 401: "Invalid token\."\. .*cell/);
  });

  it('takes a 404 of a list for a missing right, and a 404 of an object for a missing object', async () => {
    const message = 'The requested resource was not found. Please check that you have the proper permissions.';
    const respond = () => server.nextResponses.push((response) => sendJson(response, 404, statusOf(404, message)));
    respond();
    expect(await failureOf(api.projects())).toMatchObject({ reason: 'forbidden', status: 404 });
    respond();
    expect(await failureOf(all(api.runs()))).toMatchObject({ reason: 'forbidden', status: 404 });
    respond();
    const failure = await failureOf(api.run('7'));
    expect(failure).toMatchObject({ reason: 'not-found', status: 404 });
    expect(failure.message).toContain('lacks the right');
  });

  it('stops calling the account for five minutes after a 429', async () => {
    server.nextResponses.push((response) => sendJson(response, 429, statusOf(429, 'Too many requests')));
    const until = new Date(NOW.getTime() + 300_000);
    expect(await failureOf(api.run('7'))).toMatchObject({ reason: 'rate-limited', until });
    expect(await failureOf(api.projects())).toMatchObject({ reason: 'rate-limited', until });
    expect(server.calls).toHaveLength(1);
  });

  it.each([
    ['no envelope', [1]],
    ['no run', { data: { name: 'x' } }],
  ])('rejects an answer with %s', async (_, body) => {
    server.nextResponses.push((response) => sendJson(response, 200, body));
    expect(await failureOf(api.run('7'))).toMatchObject({ reason: 'invalid-answer' });
  });

  it('names the option of a missing token and makes no call', async () => {
    const failure = await failureOf(client({ webhooksToken: undefined }).subscriptions());
    expect(failure.reason).toBe('no-token');
    expect(failure.message).toContain("dbtCloud({ name: 'dbt' }).api.webhooksToken");
    expect(server.calls).toHaveLength(0);
  });

  it('finds the only account of a token, and asks for the option if there are several', async () => {
    server.objects.set('/api/v3/accounts/', [{ id: 4, name: 'a' }]);
    server.setRun(7, {});
    const found = client({ accountId: undefined });
    await found.run('7');
    await found.run('7');
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v3/accounts/', `${V2}/runs/7/`, `${V2}/runs/7/`]);
    server.objects.set('/api/v3/accounts/', [
      { id: 4, name: 'a' },
      { id: 5, name: 'b' },
    ]);
    const failure = await failureOf(client({ accountId: undefined }).run('7'));
    expect(failure.message).toContain('expected one account, got 2');
  });
});

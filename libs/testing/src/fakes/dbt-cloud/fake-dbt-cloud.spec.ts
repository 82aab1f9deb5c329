import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../manual-clock.js';
import { fakeDbtCloud, type FakeDbtCloud } from './fake-dbt-cloud.js';

const START = new Date('2026-11-30T03:00:00.123Z');
const MINUTE = 60_000;

let clock: ManualClock;
let dbt: FakeDbtCloud;

beforeEach(async () => {
  clock = new ManualClock(START);
  dbt = await fakeDbtCloud({ clock, accountId: '7', tokens: { read: 'r', act: 'a', webhooks: 'w' } });
});

afterEach(() => dbt.close());

interface Envelope {
  readonly data: never;
  readonly status: { readonly code: number; readonly user_message: string; readonly developer_message: string };
  readonly extra: {
    readonly pagination: { readonly count: number; readonly total_count: number };
    readonly filters: Readonly<Record<string, unknown>>;
    readonly order_by: string;
  };
}

interface Called {
  readonly token?: string;
  readonly method?: string;
  readonly body?: unknown;
  readonly accept?: string;
}

function raw(path: string, { token = 'r', method = 'GET', body, accept = '*/*' }: Called = {}): Promise<Response> {
  return fetch(`${dbt.options().baseUrl}${path}`, {
    method,
    headers: { authorization: `Token ${token}`, accept },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function call(path: string, called: Called = {}): Promise<{ code: number } & Envelope> {
  const response = await raw(`/api/v${path.replace('/', '/accounts/7/')}`, called);
  return { code: response.status, ...((await response.json()) as Envelope) };
}

const runs = async (query = '') => call(`2/runs/${query}`);
const idsOf = async (query: string) => ((await runs(query)).data as { id: number }[]).map(({ id }) => String(id));
const json = (value: unknown) => encodeURIComponent(JSON.stringify(value));

describe('runs', () => {
  it('are shown with the fields, types and times of the Admin API', async () => {
    const job = dbt.job({ name: 'nightly', schedule: '30 3 * * *', project: 'sales', environment: 'Prod' });
    const run = job.queue({ id: '42', cause: 'Kicked off from the UI by kim@acme.example', causeCategory: 'ui' });
    const queued = await call('2/runs/42/');
    expect(queued).toMatchObject({
      code: 200,
      status: { code: 200, is_success: true },
      data: { id: 42, account_id: 7, status: 1, started_at: null, finished_at: null, in_progress: true, run_steps: [] },
    });
    clock.advance(2 * MINUTE);
    await run.start();
    clock.advance(5 * MINUTE);
    await run.succeed();
    const { data } = await call('2/runs/42/?include_related=trigger,job,run_steps');
    expect(data).toMatchObject({
      id: 42,
      job_id: Number(job.id),
      job_definition_id: Number(job.id),
      status: 10,
      status_humanized: 'Success',
      is_success: true,
      is_complete: true,
      created_at: '2026-11-30 03:00:00.123000+00:00',
      started_at: '2026-11-30 03:02:00.123000+00:00',
      finished_at: '2026-11-30 03:07:00.123000+00:00',
      duration: '00:07:00',
      run_duration: '00:05:00',
      artifacts_saved: true,
      trigger: { cause: 'Kicked off from the UI by kim@acme.example', cause_category: 'ui' },
      job: { name: 'nightly', schedule: { cron: '30 3 * * *' }, next_run: '2026-11-30 03:30:00.000000+00:00' },
      run_steps: [
        { index: 1, status: 10 },
        { index: 2, status: 10 },
        { index: 3, name: 'Invoke dbt with `dbt deps`', status: 10 },
        { index: 4, name: 'Invoke dbt with `dbt build`', status: 10 },
      ],
    });
  });

  it('stop at the step that failed', async () => {
    const run = await dbt.job({ name: 'nightly', steps: ['dbt seed', 'dbt build', 'dbt docs generate'] }).run();
    await run.fail({ step: 'dbt build', message: 'dbt command failed', logs: 'ERROR\n' });
    const { data } = await call(`2/runs/${run.id}/?include_related=run_steps`);
    const { run_steps: steps } = data as { run_steps: readonly { id: number }[] };
    expect(steps).toHaveLength(5);
    expect(steps[4]).toMatchObject({ name: 'Invoke dbt with `dbt build`', status: 20, logs: 'ERROR\n' });
    expect(data).toMatchObject({ status: 20, status_message: 'dbt command failed', is_error: true });
    const { data: step } = await call(`2/steps/${steps[4]?.id}/?include_related=debug_logs`);
    expect(step).toMatchObject({ index: 5, status_humanized: 'Error', debug_logs: 'ERROR\n' });
  });

  it('have no end if they were cancelled in the queue, or if a test wants none', async () => {
    const job = dbt.job({ name: 'nightly' });
    const cancelled = [await job.queue().cancel(), await (await job.run()).cancel({ withoutEnd: true })];
    const ended = await (await job.run()).cancel();
    expect((await runs('?status__in=%5B30%5D')).data).toMatchObject([
      { id: Number(cancelled[0]?.id), finished_at: null, started_at: null, is_cancelled: true, is_complete: true },
      { id: Number(cancelled[1]?.id), finished_at: null, is_cancelled: true },
      { id: Number(ended.id), finished_at: expect.any(String) },
    ]);
  });

  it('cannot end before they start, or twice', async () => {
    const run = dbt.job({ name: 'nightly' }).queue();
    await expect(run.succeed()).rejects.toThrow('expected the status 3, got 1');
    await (await run.start()).succeed();
    await expect(run.fail()).rejects.toThrow('expected the status 3, got 10');
    await expect(
      dbt
        .job({ name: 'x' })
        .run()
        .then((other) => other.fail({ step: 'dbt x' })),
    ).rejects.toThrow('dbt build');
  });
});

describe('the list of runs', () => {
  it('has pages of up to 100 in the asked order, and no steps', async () => {
    const job = dbt.job({ name: 'nightly' });
    for (let index = 0; index < 103; index += 1) {
      clock.advance(1_000);
      await (await job.run({ id: String(1_000 - index) })).succeed();
    }
    const first = await runs('?order_by=finished_at&include_related=trigger');
    expect(first.extra).toMatchObject({ pagination: { count: 100, total_count: 103 }, order_by: 'finished_at' });
    expect((first.data as { id: number }[])[0]).toMatchObject({
      id: 1_000,
      run_steps: [],
      trigger: { cause: expect.any(String) },
    });
    expect(await idsOf('?order_by=finished_at&limit=2&offset=101')).toEqual(['899', '898']);
    expect(await idsOf('?order_by=-finished_at&limit=1')).toEqual(['898']);
    expect(await idsOf('?limit=1')).toEqual(['898']);
  });

  it('has the runs that fit every filter', async () => {
    const job = dbt.job({ name: 'nightly' });
    const other = dbt.job({ name: 'hourly', project: 'sales' });
    const first = await (await job.run()).succeed();
    clock.advance(MINUTE);
    const second = await (await other.run()).fail();
    clock.advance(MINUTE);
    const third = await job.run();
    const range = (from: number, to: number) => json([from, to].map((at) => new Date(START.getTime() + at * MINUTE)));
    expect(await idsOf(`?finished_at__range=${range(0, 1)}`)).toEqual([first.id, second.id]);
    expect(await idsOf(`?finished_at__range=${range(0.5, 9)}`)).toEqual([second.id]);
    expect(await idsOf(`?created_at__range=${range(1, 2)}`)).toEqual([second.id, third.id]);
    expect(await idsOf(`?status__in=${json([10, 20])}`)).toEqual([first.id, second.id]);
    expect(await idsOf('?status=3')).toEqual([third.id]);
    expect(await idsOf(`?pk__in=${json([Number(third.id)])}`)).toEqual([third.id]);
    expect(await idsOf(`?job_definition_id=${other.id}`)).toEqual([second.id]);
    expect(await idsOf(`?id__gt=${second.id}`)).toEqual([third.id]);
    const { data: projects } = await call('3/projects/?limit=100');
    const sales = (projects as { id: number; name: string }[]).find(({ name }) => name === 'sales');
    expect(await idsOf(`?project_id__in=${json([sales?.id])}`)).toEqual([second.id]);
    expect(await idsOf(`?project_id=${sales?.id}`)).toEqual([second.id]);
    const { environment_id: environment } = (await call(`2/jobs/${other.id}/`)).data as { environment_id: number };
    expect(await idsOf(`?environment_id=${environment}`)).toEqual([second.id]);
    expect(await idsOf(`?pk=${first.id}`)).toEqual([first.id]);
    expect(await idsOf('?dbt_version=1.9.0')).toEqual([]);
  });

  it.each([
    ['limit=101', 'limit: expected an integer from 1 to 100'],
    ['limit=0', 'limit: expected an integer from 1 to 100'],
    ['limit=ten', 'limit: expected an integer'],
    ['status__in=10&status__in=20', 'status__in: expected a JSON array of integers'],
    ['status__in=10,20', 'status__in: expected a JSON array of integers'],
    ['pk__in=%5B%221%22%5D', 'pk__in: expected a JSON array of integers'],
    ["include_related=['trigger']", 'include_related: expected a comma-separated list'],
    ['include_related=trigger&include_related=job', 'include_related: expected the parameter once'],
    [
      'include_related=run_steps',
      'include_related: expected a comma-separated list of trigger, job, audit, debug_logs',
    ],
    ['finished_at__range=%5B%222026-11-30T03:00:00+00:00%22,%222026-11-30T04:00:00+00:00%22%5D', 'finished_at__range'],
    ['finished_at__range=%5B%222026-11-30T03:00:00%22,%222026-11-30T04:00:00%22%5D', 'finished_at__range'],
    [
      'finished_at__range=2026-11-30T03:00:00Z,2026-11-30T04:00:00Z',
      'finished_at__range: expected a JSON array of two',
    ],
    ['order_by=status', 'order_by: expected id, created_at or finished_at'],
    ['finished_after=2026', 'finished_after: expected one of the parameters'],
  ])('refuses %s', async (query, hint) => {
    const refused = await runs(`?${query}`);
    expect(refused).toMatchObject({ code: 400, data: null, status: { code: 400, is_success: false } });
    expect(refused.status.developer_message).toContain(hint);
  });
});

describe('artifacts', () => {
  it('belong to a step, and are sent without an envelope', async () => {
    const run = await dbt.job({ name: 'nightly', steps: ['dbt build', 'dbt docs generate'] }).run();
    await run.fail({ step: 'dbt build', results: { results: [] }, artifacts: { 'manifest.json': '{"a":' } });
    expect((await call(`2/runs/${run.id}/artifacts/?step=4`)).data).toEqual(['manifest.json', 'run_results.json']);
    expect((await call(`2/runs/${run.id}/artifacts/?step=1`)).data).toBeNull();
    const path = `/api/v2/accounts/7/runs/${run.id}/artifacts`;
    expect(await (await raw(`${path}/run_results.json?step=4`)).text()).toBe('{"results":[]}');
    expect(await (await raw(`${path}/manifest.json`)).text()).toBe('{"a":');
    expect((await raw(`${path}/catalog.json?step=4`)).status).toBe(404);
    expect((await raw(`${path}/manifest.json?step=4`, { accept: 'application/json' })).status).toBe(406);
    expect((await raw(`${path}/manifest.json/?step=4`)).status).toBe(404);
    expect(await (await raw(`/api/v2/accounts/7/jobs/${run.jobId}/artifacts/run_results.json`)).json()).toEqual({
      results: [],
    });
  });

  it('are null in the list if the run has none', async () => {
    const run = await (await dbt.job({ name: 'nightly' }).run()).succeed();
    expect(await call(`2/runs/${run.id}/artifacts/`)).toMatchObject({ code: 200, data: null });
  });

  it('are a 404, and not saved, until they are ready', async () => {
    dbt.faults.delayArtifacts(MINUTE);
    const run = await (await dbt.job({ name: 'nightly' }).run()).fail({ results: {} });
    const path = `/api/v2/accounts/7/runs/${run.id}/artifacts/run_results.json?step=4`;
    expect((await raw(path)).status).toBe(404);
    expect((await call(`2/runs/${run.id}/`)).data).toMatchObject({ status: 20, artifacts_saved: false });
    clock.advance(MINUTE);
    expect((await raw(path)).status).toBe(200);
    expect((await call(`2/runs/${run.id}/`)).data).toMatchObject({ artifacts_saved: true });
  });
});

describe('files of several steps', () => {
  const fileOf = async (runId: string, path: string) => {
    const response = await raw(`/api/v2/accounts/7/runs/${runId}/artifacts/${path}`);
    return response.status === 200 ? response.text() : response.status;
  };

  it('belong to their command or to the index of their step', async () => {
    const job = dbt.job({ name: 'nightly', steps: ['dbt build', 'dbt build', 'dbt docs generate'] });
    const run = await job.run();
    await run.succeed({
      files: {
        'dbt build': { 'run_results.json': 'first' },
        5: { 'run_results.json': 'second', 'sources.json': 'sources' },
        'dbt docs generate': { 'run_results.json': 'docs' },
      },
      artifacts: { 'catalog.json': 'catalog' },
    });
    const files = ['run_results.json?step=4', 'run_results.json?step=5', 'sources.json?step=5', 'run_results.json'];
    const found = await Promise.all([...files, 'catalog.json', 'sources.json'].map((file) => fileOf(run.id, file)));
    expect(found).toEqual(['first', 'second', 'sources', 'docs', 'catalog', 404]);
  });

  it('of a step before the commands, and of a step that failed', async () => {
    const job = dbt.job({ name: 'nightly', steps: ['dbt build', 'dbt test'] });
    const early = await (await job.run()).fail({ step: 'Clone git repository' });
    expect((await call(`2/runs/${early.id}/?include_related=run_steps`)).data).toMatchObject({
      run_steps: [{ index: 1, name: 'Clone git repository', status: 20 }],
    });
    const run = await (await job.run()).fail({ files: { 'dbt build': { 'a.json': 'a' } }, results: 'failed' });
    const files = ['a.json?step=4', 'run_results.json?step=5', 'run_results.json?step=4'];
    expect(await Promise.all(files.map((file) => fileOf(run.id, file)))).toEqual(['a', 'failed', 404]);
  });

  it('are refused for a step that the run does not have', async () => {
    const run = await dbt.job({ name: 'nightly' }).run();
    for (const step of ['dbt test', '0', '5']) {
      await expect(run.succeed({ files: { [step]: {} } })).rejects.toThrow('files: expected one of dbt build, Clone');
    }
  });

  it('are never readable if the artifacts are not saved', async () => {
    const run = await (await dbt.job({ name: 'nightly' }).run()).fail({ results: {}, artifactsSaved: false });
    clock.advance(60 * MINUTE);
    expect((await call(`2/runs/${run.id}/`)).data).toMatchObject({ status: 20, artifacts_saved: false });
    expect(await fileOf(run.id, 'run_results.json?step=4')).toBe(404);
  });
});

describe('overrides and retries', () => {
  it('are shown in the trigger and in the run', async () => {
    const job = dbt.job({ name: 'nightly', type: 'ci' });
    const first = await (await job.run({ schemaOverride: 'pr_12', targetOverride: 'ci', pullRequestId: 12 })).fail();
    const retry = await job.run({ retryOf: first.id, steps: ['dbt retry'] });
    const query = '?include_related=trigger,job,run_retries';
    expect((await call(`2/runs/${first.id}/${query}`)).data).toMatchObject({
      trigger: { schema_override: 'pr_12', target_name_override: 'ci', github_pull_request_id: 12 },
      job: { job_type: 'ci' },
      run_retries: [{ id: Number(retry.id) }],
    });
    expect((await call(`2/runs/${retry.id}/`)).data).toMatchObject({ retrying_run_id: Number(first.id) });
  });

  it('refuse a retry of a run of another job', async () => {
    const other = await dbt.job({ name: 'other' }).run();
    expect(() => dbt.job({ name: 'nightly' }).queue({ retryOf: other.id })).toThrow('run({ retryOf })');
  });
});

describe('jobs, projects and environments', () => {
  it('are listed with names, schedules and recent runs', async () => {
    const job = dbt.job({ id: '5', name: 'nightly', schedule: '0 4 * * *', project: 'sales', environment: 'Prod' });
    dbt.job({ id: '6', name: 'on demand' });
    const run = await job.run();
    const { data } = await call('2/jobs/?triggers_schedule=true&include_related=most_recent_run,environment');
    expect(data).toMatchObject([
      {
        id: 5,
        name: 'nightly',
        triggers: { schedule: true },
        schedule: { cron: '0 4 * * *' },
        next_run: '2026-11-30 04:00:00.000000+00:00',
        most_recent_run: { id: Number(run.id), status: 3 },
        environment: { name: 'Prod' },
      },
    ]);
    const { project_id: sales, environment_id: environment } = (
      data as { project_id: number; environment_id: number }[]
    )[0]!;
    const filters = [`pk=5`, `project_id=${sales}`, `project_id__in=${json([sales])}`, `environment_id=${environment}`];
    for (const filter of [...filters, 'name__icontains=NIGHT']) {
      expect((await call(`2/jobs/?${filter}`)).data).toMatchObject([{ id: 5 }]);
    }
    const { data: one } = await call('2/jobs/6/');
    expect(one).toMatchObject({ id: 6, next_run: null, triggers: { schedule: false } });
    const { project_id: project } = (await call('2/jobs/5/')).data as { project_id: number };
    expect((await call(`3/projects/${project}/`)).data).toMatchObject({ id: project, name: 'sales', state: 1 });
    expect((await call(`3/projects/${project}/environments/?limit=100&offset=0`)).data).toMatchObject([
      { name: 'Prod', project_id: project },
    ]);
  });

  it('leave deleted jobs out', async () => {
    const job = dbt.job({ name: 'nightly' });
    job.delete();
    expect((await call('2/jobs/')).data).toEqual([]);
    expect((await call('2/jobs/?state=all')).data).toHaveLength(1);
    expect((await call(`2/jobs/${job.id}/`)).code).toBe(404);
  });
});

describe('refusals', () => {
  it('responds with 401 to a wrong token, and keeps no token in the calls', async () => {
    expect(await call('2/runs/', { token: 'other' })).toMatchObject({ code: 401, data: null });
    expect((await raw('/api/v2/accounts/7/runs/', { token: 'r x' })).status).toBe(401);
    expect(dbt.calls).toMatchObject([{ method: 'GET', path: '/api/v2/accounts/7/runs/', status: 401, at: START }, {}]);
    expect(JSON.stringify(dbt.calls)).not.toContain('other');
  });

  it('names permissions in a 404 or 403 if the token lacks the right, or the account is another one', async () => {
    const run = await (await dbt.job({ name: 'nightly' }).run()).fail({ results: {} });
    for (const [path, token] of [
      ['2/runs/', 'w'],
      ['3/webhooks/subscriptions', 'r'],
      ['3/webhooks/subscriptions', 'a'],
    ] as const) {
      expect(await call(path, { token })).toMatchObject({
        code: 404,
        status: { user_message: expect.stringMatching(/permission/) },
      });
    }
    const retried = await call(`2/runs/${run.id}/retry/`, { method: 'POST' });
    expect(retried).toMatchObject({ code: 403, status: { user_message: expect.stringMatching(/permission/) } });
    const foreign = await raw('/api/v2/accounts/8/runs/');
    expect([foreign.status, await foreign.text()]).toEqual([404, expect.stringContaining('permission')]);
  });

  it.each([
    ['2/runs', 'GET', 'r', 404],
    ['2/runs/1', 'GET', 'r', 404],
    ['3/projects', 'GET', 'r', 404],
    ['3/webhooks/subscriptions/', 'GET', 'w', 404],
    ['2/webhooks/subscriptions', 'GET', 'w', 404],
    ['2/projects/', 'GET', 'r', 404],
    ['2/runs/', 'POST', 'a', 405],
    ['2/runs/1/cancel/', 'GET', 'a', 405],
    ['2/runs/1/', 'GET', 'r', 404],
  ])('refuses %s by %s', async (path, method, token, code) => {
    expect((await call(path, { method, token })).code).toBe(code);
  });

  it('lists the account of each token, also of one for webhooks only', async () => {
    for (const token of ['r', 'a', 'w']) {
      const response = await raw('/api/v3/accounts/', { token });
      expect(await response.json()).toMatchObject({ data: [{ id: 7 }], extra: { pagination: { total_count: 1 } } });
      expect(await (await raw('/api/v2/whoami/', { token })).json()).toMatchObject({ status: { code: 200 } });
    }
    expect((await raw('/api/v3/accounts/', { token: 'other' })).status).toBe(401);
  });

  it('gives a token of several rights all of them', async () => {
    const personal = await fakeDbtCloud({ clock, tokens: { read: 'me', webhooks: 'me' } });
    try {
      const { baseUrl, accountId, ...tokens } = personal.options();
      expect(tokens).toEqual({ readToken: 'me', webhooksToken: 'me' });
      for (const path of ['v2/accounts/43786/runs/', 'v3/accounts/43786/webhooks/subscriptions']) {
        const { status } = await fetch(`${baseUrl}/api/${path}`, { headers: { authorization: 'Bearer me' } });
        expect([accountId, status]).toEqual(['43786', 200]);
      }
    } finally {
      await personal.close();
    }
  });

  it.each([
    [{ accountId: 'seven' }, 'fakeDbtCloud({ accountId })'],
    [{ token: 'r' }, 'fakeDbtCloud.token'],
    [{ tokens: { write: 'w' } }, 'fakeDbtCloud({ tokens }).write'],
  ])('rejects the options %j', async (options, named) => {
    await expect(fakeDbtCloud(options as never)).rejects.toThrow(named);
  });
});

describe('actions', () => {
  it('triggers, cancels, retries and reruns runs for a token with the right', async () => {
    const job = dbt.job({ name: 'nightly', steps: ['dbt build', 'dbt test'] });
    const called = { method: 'POST', token: 'a' };
    expect(await call(`2/jobs/${job.id}/run/`, { ...called, body: {} })).toMatchObject({ code: 400 });
    const { data } = await call(`2/jobs/${job.id}/run/`, {
      ...called,
      body: { cause: 'runhooks:1', git_branch: 'dev' },
    });
    expect(data).toMatchObject({
      status: 1,
      git_branch: 'dev',
      trigger: { cause: 'runhooks:1', cause_category: 'api' },
    });
    const [run] = dbt.runs;
    expect((await call(`2/runs/${run?.id}/cancel/`, called)).data).toMatchObject({ status: 30, finished_at: null });

    const failed = await (await job.run()).fail({ step: 'dbt build', results: {} });
    expect((await call(`2/runs/${failed.id}/retry/`)).data).toEqual({
      failed_step: 'Invoke dbt with `dbt build`',
      skipped_steps: ['Invoke dbt with `dbt test`'],
    });
    const retry = (await call(`2/runs/${failed.id}/retry/`, called)).data as { id: number };
    expect(retry).toMatchObject({ status: 1, retrying_run_id: Number(failed.id) });
    expect((await call(`2/runs/${failed.id}/?include_related=run_retries`)).data).toMatchObject({
      run_retries: [{ id: retry.id }],
      can_retry: false,
      retry_not_supported_reason: 'RETRY_NOT_LATEST_RUN',
    });
    expect(await call(`2/runs/${failed.id}/retry/`, called)).toMatchObject({
      code: 400,
      status: { user_message: expect.stringMatching(/RETRY_NOT_LATEST_RUN/) },
    });
    expect((await call(`2/jobs/${job.id}/rerun/`, called)).data).toMatchObject({ retrying_run_id: null, status: 1 });
  });

  it('refuses to retry a run without results', async () => {
    const run = await (await dbt.job({ name: 'nightly' }).run()).fail();
    const refused = await call(`2/runs/${run.id}/retry/`, { method: 'POST', token: 'a' });
    expect(refused.status.user_message).toContain('RETRY_NO_RUN_RESULTS');
  });

  it('refuses to retry a run with an unsupported command or version, of the run or of its job', async () => {
    const job = dbt.job({ name: 'nightly', retryUnsupported: 'command' });
    for (const [options, reason] of [
      [{}, 'RETRY_UNSUPPORTED_CMD'],
      [{ retryUnsupported: 'version' }, 'RETRY_UNSUPPORTED_VERSION'],
    ] as const) {
      const run = await (await job.run(options)).fail({ results: {} });
      const refused = await call(`2/runs/${run.id}/retry/`, { method: 'POST', token: 'a' });
      expect([refused.code, refused.status.user_message]).toEqual([400, expect.stringContaining(reason)]);
    }
  });

  it('shows all fields of a trigger in the run and in its retry, and refuses others', async () => {
    const job = dbt.job({ name: 'nightly' });
    const body = {
      cause: 'runhooks:1',
      git_sha: 'aaa',
      gitlab_merge_request_id: 12,
      schema_override: 'pr_12',
      dbt_version_override: '1.9',
      threads_override: 8,
      target_name_override: 'ci',
      generate_docs_override: false,
      timeout_seconds_override: 60,
      steps_override: ['dbt build --select orders'],
    };
    const path = `2/jobs/${job.id}/run/`;
    const { data } = await call(path, { method: 'POST', token: 'a', body });
    expect(data).toMatchObject({ git_sha: 'aaa', trigger: body });
    const [run] = dbt.runs;
    await (await run?.start())?.fail({ step: 'dbt build --select orders', results: {} });
    const retry = (await call(`2/runs/${run?.id}/retry/`, { method: 'POST', token: 'a' })).data as { id: number };
    expect((await call(`2/runs/${retry.id}/?include_related=trigger`)).data).toMatchObject({
      trigger: { ...body, cause: `Retry of run ${run?.id}`, cause_category: 'rerun' },
    });
    for (const [name, value] of [
      ['branch', 'dev'],
      ['git_branch', ''],
      ['threads_override', '8'],
      ['generate_docs_override', 1],
      ['steps_override', 'dbt build'],
    ]) {
      const refused = await call(path, { method: 'POST', token: 'a', body: { cause: 'x', [String(name)]: value } });
      expect(refused).toMatchObject({ code: 400, status: { user_message: `${name}: Not a valid value.` } });
    }
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionAnswer, ProviderAction } from 'nestjs-runhooks/core';
import { apiHost, MARK } from '../../../../test/providers/api-host.js';
import { DBT_API_CALLS, DBT_API_FIELDS } from '../../../../test/providers/dbt-api-usage.js';
import { type DbtCall, LoopbackDbtApi } from '../../../../test/providers/loopback-dbt-api.js';
import { storedMessage } from '../../../../test/providers/stored-message.js';
import { parseEnvelope } from '../sweep/envelope.js';
import { checkApiOptions } from './api-options.js';
import { readJob, readPlace, readRun, readSubscription } from './api-readers.js';
import { DbtCloudApi } from './dbt-cloud-api.js';
import { retriesOf } from './find-runs.js';
import { triggerBody } from './trigger-options.js';

const NOW = new Date('2026-11-30T12:00:00.000Z');

let server: LoopbackDbtApi;
let api: DbtCloudApi;

beforeEach(async () => {
  server = new LoopbackDbtApi();
  const options = { baseUrl: await server.listen(), readToken: 'r', actToken: 'a', webhooksToken: 'w' };
  server.objects.set('/api/v3/accounts/', [{ id: 4, name: 'a' }]);
  api = new DbtCloudApi(
    checkApiOptions(options, 'api', undefined),
    apiHost(() => NOW, sendAndFind),
  );
});

afterEach(() => server.close());

async function sendAndFind(action: ProviderAction): Promise<ActionAnswer> {
  const answer = await action.send(MARK).catch(() => ({ runId: '' }));
  await action.find(MARK, NOW);
  return answer;
}

/** Makes every call of the client with every parameter. Not all objects exist, because only the calls count. */
async function callEverything(): Promise<void> {
  const range = [NOW, NOW] as const;
  const options = { step: 1 };
  const calls: (() => Promise<unknown>)[] = [
    () => api.run('7', { steps: true }),
    () =>
      api.runPage({
        jobId: '1',
        projectIds: ['1'],
        environmentId: '1',
        statuses: [10],
        ids: ['1'],
        idAfter: '1',
        createdAt: range,
        finishedAt: range,
        orderBy: 'finished_at',
      }),
    () => api.runPages().next(),
    () => api.runs().next(),
    () => api.job('1'),
    () => api.jobs({ projectIds: ['1'], environmentId: '1', nameContains: 'x' }).next(),
    () => api.projects(),
    () => api.environments('1'),
    () => api.artifacts('7', options),
    () => api.artifact('7', 'target/manifest.json', options),
    () => api.artifactStream('7', 'target/manifest.json', options),
    () => api.manifestNodes('7', ['model.shop.orders'], options),
    () => api.manifestNode('7', 'model.shop.orders'),
    () => api.failedStepLogs('7'),
    () => api.subscriptions(),
    () => api.subscription('wsu_1'),
    () => api.retry({ id: '7', job: { id: '10' } }, { key: 'a' }),
    () => api.trigger('1', { key: 'b', cause: 'x' }),
    () => api.cancel({ id: '7' }, { key: 'c' }),
  ];
  for (const call of calls) await call().catch(() => undefined);
}

/** Returns the call as the specification names it. */
function shapeOf({ method, path }: DbtCall): string {
  const template = path
    .replace(/\/accounts\/\d+\//, '/accounts/{account_id}/')
    .replace(/\/artifacts\/.+$/, '/artifacts/{path}')
    .replace(/(?<=\/(?:runs|jobs|projects)\/)\d+/, '{id}')
    .replace(/wsu_1$/, '{id}');
  return `${method} ${template}`;
}

/** Returns the paths of the fields whose absence changes what `use` returns, for any of the objects. */
function fieldsUsed(objects: readonly object[], use: (value: unknown) => unknown): readonly string[] {
  const used = objects.flatMap((object) => {
    const before = JSON.stringify(use(object));
    return pathsOf(object).filter((path) => JSON.stringify(use(without(object, path.split('.')))) !== before);
  });
  return [...new Set(used)].toSorted();
}

function pathsOf(object: object, prefix = ''): readonly string[] {
  return Object.entries(object).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? pathsOf(value, `${prefix}${name}.`)
      : [`${prefix}${name}`],
  );
}

function without(object: object, [name = '', ...rest]: readonly string[]): object {
  const copy: Record<string, unknown> = { ...object };
  if (rest.length === 0) delete copy[name];
  else copy[name] = without(copy[name] as object, rest);
  return copy;
}

/** Removes `raw`, which has all fields. */
function shown<T extends { readonly raw: object }>(object: T | undefined): object | undefined {
  return object && { ...object, raw: undefined };
}

const TRIGGER = {
  id: 1,
  cause: 'Kicked off by the scheduler',
  cause_category: 'scheduled',
  git_branch: 'fix',
  git_sha: 'aaa',
  schema_override: 'x',
  target_name_override: 'dev',
};
const FULL_RUN = {
  id: 7,
  account_id: 4,
  project_id: 20,
  environment_id: 30,
  job_definition_id: 10,
  status: 20,
  dbt_version: '1.9',
  git_branch: 'main',
  git_sha: 'bbb',
  status_message: 'failed',
  artifacts_saved: true,
  blocked_by: [],
  created_at: '2026-11-30 11:00:00+00:00',
  updated_at: '2026-11-30 11:20:00+00:00',
  started_at: '2026-11-30 11:05:00+00:00',
  finished_at: '2026-11-30 11:10:00+00:00',
  trigger: TRIGGER,
  job: { id: 10, name: 'nightly', job_type: 'scheduled' },
  run_steps: [{ index: 1, name: 'a', status: 20, logs: 'x' }],
  status_humanized: 'Error',
  is_complete: true,
  is_error: true,
  can_retry: true,
  retry_not_supported_reason: 'RETRY_NOT_LATEST_RUN',
  run_retries: [8],
  retrying_run_id: 5,
  duration: '00:05:00',
  href: 'https://ab123.us1.dbt.com/deploy/4/projects/20/runs/7/',
};
const { job_definition_id: jobId, ...WITHOUT_JOB_ID } = FULL_RUN;
const RUNS: readonly object[] = [
  FULL_RUN,
  { ...WITHOUT_JOB_ID, job_id: jobId },
  { ...FULL_RUN, finished_at: null, git_branch: null, git_sha: null, status: 99 },
  ...['github_pull_request_id', 'gitlab_merge_request_id', 'azure_pull_request_id', 'non_native_pull_request_id'].map(
    (name) => ({ ...FULL_RUN, trigger: { ...TRIGGER, [name]: 12 } }),
  ),
];

function useRun(run: unknown): unknown {
  const body = JSON.stringify({ v: 1, run, names: {}, phase: 'complete:20' });
  return [
    shown(readRun(run)),
    retriesOf({ ...Object(run) }),
    parseEnvelope(storedMessage(body, NOW), { accessUrl: undefined, testRunIds: new Set() }),
  ];
}

describe('the use of the API', () => {
  it('is the calls and parameters of the list', async () => {
    await callEverything();
    const parameters = new Map<string, Set<string>>();
    for (const call of server.calls) {
      const known = parameters.get(shapeOf(call)) ?? new Set();
      for (const name of Object.keys(call.query)) known.add(name);
      parameters.set(shapeOf(call), known);
    }
    const calls = [...parameters].map(([call, names]) =>
      names.size === 0 ? call : `${call} ? ${[...names].toSorted().join(' ')}`,
    );
    expect(calls.toSorted()).toEqual(DBT_API_CALLS.toSorted());
  });

  it('is the fields of runs of the list', () => {
    expect(fieldsUsed(RUNS, useRun)).toEqual(DBT_API_FIELDS.run);
  });

  it('is the fields of new runs of the list', () => {
    const all = { branch: 'a', sha: 'b', schema: 'c', target: 'd', steps: ['e'], dbtVersion: 'f' };
    const more = { threads: 1, generateDocs: false, timeoutSeconds: 60 };
    const bodies = [{ github: 1 }, { gitlab: 1 }, { azure: 1 }].map((pullRequest) =>
      triggerBody('x', { ...all, ...more, pullRequest }),
    );
    expect([...new Set(bodies.flatMap(Object.keys))].toSorted()).toEqual(DBT_API_FIELDS.newRun);
  });

  it('is the fields of steps of the list', () => {
    const step = { id: 1, index: 4, name: 'dbt build', status: 20, logs: 'x', debug_logs: 'y', duration: '1' };
    const use = (one: unknown) => readRun({ ...FULL_RUN, run_steps: [one] })?.steps;
    expect(fieldsUsed([step, without(step, ['logs'])], use)).toEqual(DBT_API_FIELDS.step);
  });

  it('is the fields of jobs, projects, environments and subscriptions of the list', () => {
    const job = {
      id: 10,
      name: 'nightly',
      project_id: 20,
      environment_id: 30,
      job_type: 'scheduled',
      triggers: { schedule: true, on_merge: false },
      schedule: { cron: '0 3 * * *' },
      next_run: '2026-12-01T03:00:00Z',
      state: 1,
    };
    const subscription = {
      id: 'wsu_1',
      name: 'ours',
      client_url: 'https://a.example/webhooks/dbt',
      active: true,
      event_types: ['job.run.completed'],
      job_ids: [10],
      deactivate_reason: 'failures',
      http_status_code: '503',
      dispatched_at: '1732924800000000',
      hmac_secret: 'x',
      account_id: 4,
    };
    expect(fieldsUsed([job], (one) => shown(readJob(one)))).toEqual(DBT_API_FIELDS.job);
    expect(fieldsUsed([{ id: 20, name: 'a', state: 1 }], (one) => shown(readPlace(one)))).toEqual(DBT_API_FIELDS.place);
    expect(fieldsUsed([subscription], (one) => shown(readSubscription(one)))).toEqual(DBT_API_FIELDS.subscription);
  });
});

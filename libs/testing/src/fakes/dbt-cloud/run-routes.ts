import type { FakeRequest, FakeResponse } from '../loopback-server.js';
import type { DbtAccount } from './dbt-account.js';
import type { Route } from './dbt-routes.js';
import type { DbtRun, DbtRunRequest } from './dbt-run.js';
import { one } from './list-page.js';
import { listRuns } from './list-runs.js';
import { parseParameters } from './parameters.js';
import { notFound, Refused } from './refused.js';
import { runJson, stepIdOf, stepJson } from './run-json.js';
import { stepNameOf } from './run-state.js';

const RELATED_OF_RUN = [
  'trigger',
  'job',
  'environment',
  'repository',
  'run_steps',
  'run_retries',
  'used_repo_cache',
  'repo_cache_restore',
  'audit',
  'debug_logs',
] as const;

const READ = ['read', 'act'] as const;

/** Routes of runs, their steps and their files. */
export const RUN_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: 'v2/runs/',
    rights: READ,
    respond: ({ account, request }) => listRuns(account, request.query),
  },
  {
    method: 'GET',
    path: 'v2/runs/{}/',
    rights: READ,
    respond: ({ account, request, parts: [id] }) => {
      const { include_related: related = [] } = parseParameters(request.query, { include_related: RELATED_OF_RUN });
      return show(runOf(account, id), related);
    },
  },
  {
    method: 'GET',
    path: 'v2/steps/{}/',
    rights: READ,
    respond: ({ account, request, parts: [id] }) => {
      parseParameters(request.query, { include_related: ['trigger', 'job', 'debug_logs'] });
      return one(stepOf(account, Number(id)));
    },
  },
  {
    method: 'GET',
    path: 'v2/runs/{}/artifacts/',
    rights: READ,
    respond: ({ account, request, parts: [id] }) => {
      const files = filesOf(runOf(account, id), request);
      // The list of a run without files is null, not empty.
      return one(files === undefined ? null : [...files.keys()]);
    },
  },
  {
    method: 'GET',
    path: 'v2/runs/{}/artifacts/{path}',
    rights: READ,
    respond: ({ account, request, parts: [id, path] }) => file(runOf(account, id), request, path),
  },
  {
    method: 'GET',
    path: 'v2/jobs/{}/artifacts/{path}',
    rights: READ,
    respond: ({ account, request, parts: [id = '', path] }) => {
      const job = account.jobs.get(id);
      const latest = job && account.runsOf(job).findLast(({ artifacts }) => artifacts.size > 0);
      if (latest === undefined) throw notFound('The job has no run with artifacts.');
      return file(latest, request, path);
    },
  },
  {
    method: 'GET',
    path: 'v2/runs/{}/retry/',
    rights: READ,
    respond: ({ account, parts: [id] }) => {
      const run = runOf(account, id);
      requireRetry(run);
      const failed = run.states.current.steps.at(-1)?.name ?? '';
      const names = run.commands.map(stepNameOf);
      return one({ failed_step: failed, skipped_steps: names.slice(names.indexOf(failed) + 1) });
    },
  },
  {
    method: 'POST',
    path: 'v2/runs/{}/retry/',
    rights: ['act'],
    respond: ({ account, parts: [id] }) => {
      const run = runOf(account, id);
      requireRetry(run);
      return show(retry(account, run));
    },
  },
  {
    method: 'POST',
    path: 'v2/runs/{}/cancel/',
    rights: ['act'],
    respond: ({ account, parts: [id] }) => {
      const run = runOf(account, id);
      if (run.status < 10) void run.cancel();
      return show(run);
    },
  },
  {
    method: 'POST',
    path: 'v2/jobs/{}/run/',
    rights: ['act'],
    respond: ({ account, request, parts: [id = ''] }) => {
      const job = account.jobs.get(id);
      if (job === undefined || job.isDeleted) throw notFound('No job has this id.');
      return show(account.queue(job, triggerOptions(request)), ['trigger']);
    },
  },
  {
    method: 'POST',
    path: 'v2/jobs/{}/rerun/',
    rights: ['act'],
    respond: ({ account, parts: [id = ''] }) => {
      const job = account.jobs.get(id);
      if (job === undefined || job.isDeleted) throw notFound('No job has this id.');
      const last = account.runsOf(job).at(-1);
      // Of a job whose last run cannot be retried, this starts a full run.
      if (last !== undefined && last.refusalOfRetry === undefined) return show(retry(account, last));
      return show(account.queue(job, { cause: 'Triggered via API', causeCategory: 'api' }));
    },
  },
];

function show(run: DbtRun, related: readonly string[] = []): FakeResponse {
  const { account } = run;
  const view = { now: account.clock.now(), related: new Set(related), change: account.faults.nextChange() };
  return one(runJson(run, run.states.current, view));
}

function runOf({ runs }: DbtAccount, id = ''): DbtRun {
  const run = runs.get(id);
  if (run === undefined) throw notFound('No run has this id.');
  return run;
}

function stepOf({ runs }: DbtAccount, id: number): object {
  for (const run of runs.values()) {
    const step = run.states.current.steps.find(({ index }) => stepIdOf(run, index) === id);
    if (step) return stepJson(run, step);
  }
  throw notFound('No step has this id.');
}

/** Returns the files of a step, by default of the last one; `undefined` if there are none, or none yet. */
function filesOf(run: DbtRun, { query }: FakeRequest): ReadonlyMap<string, string> | undefined {
  const last = run.states.current.steps.at(-1)?.index ?? 0;
  const { step = last } = parseParameters(query, { step: 'integer' });
  return run.hasArtifactsAt(run.account.clock.now()) ? run.artifacts.get(step) : undefined;
}

/** Responds with a file as it is, without an envelope. */
function file(run: DbtRun, request: FakeRequest, path = ''): FakeResponse {
  if (!/\*\/\*/.test(request.headers['accept'] ?? '*/*')) {
    throw new Refused(406, 'Could not satisfy the request Accept header.', 'Send Accept: */* for artifacts.');
  }
  const content = filesOf(run, request)?.get(path);
  if (content === undefined) throw new Refused(404, 'The requested artifact does not exist.');
  return { status: 200, body: content, headers: { 'content-type': 'application/json' } };
}

function requireRetry({ refusalOfRetry }: DbtRun): void {
  if (refusalOfRetry !== undefined) throw new Refused(400, `The run cannot be retried: ${refusalOfRetry}`);
}

function retry(account: DbtAccount, run: DbtRun): DbtRun {
  const { id: _id, ...kept } = run.options;
  const cause = `Retry of run ${run.id}`;
  const overrides = { ...kept.overrides, cause };
  return account.queue(run.job, { ...kept, overrides, cause, causeCategory: 'rerun', retryOf: run.id });
}

type Check = readonly [expected: string, isValid: (value: unknown) => boolean];

const TEXT: Check = ['a string that is not empty', (value) => typeof value === 'string' && value !== ''];
const INTEGER: Check = ['an integer', (value) => Number.isSafeInteger(value)];

/** Fields of a trigger (`TriggerRunRequestRequest` of dbt's OpenAPI specification). */
const TRIGGER_FIELDS: Readonly<Record<string, Check>> = {
  cause: TEXT,
  git_sha: TEXT,
  git_branch: TEXT,
  azure_pull_request_id: INTEGER,
  github_pull_request_id: INTEGER,
  gitlab_merge_request_id: INTEGER,
  non_native_pull_request_id: INTEGER,
  schema_override: TEXT,
  dbt_version_override: TEXT,
  threads_override: INTEGER,
  target_name_override: TEXT,
  generate_docs_override: ['a boolean', (value) => typeof value === 'boolean'],
  timeout_seconds_override: INTEGER,
  steps_override: ['an array of commands', (value) => Array.isArray(value) && value.every(TEXT[1])],
};

function triggerOptions({ body }: FakeRequest): DbtRunRequest {
  const overrides = objectOf(body);
  for (const [name, value] of Object.entries(overrides)) {
    const [expected, isValid] = TRIGGER_FIELDS[name] ?? ['no such field', () => false];
    if (!isValid(value)) throw new Refused(400, `${name}: Not a valid value.`, `${name}: expected ${expected}`);
  }
  const { cause, git_branch: gitBranch, git_sha: gitSha, steps_override: steps } = overrides;
  if (typeof cause !== 'string') throw new Refused(400, 'cause: This field is required.');
  return {
    cause,
    causeCategory: 'api',
    overrides,
    ...(typeof gitBranch === 'string' && { gitBranch }),
    ...(typeof gitSha === 'string' && { gitSha }),
    ...(Array.isArray(steps) && { steps: steps.map(String) }),
  };
}

/**
 * Parses a body that must be a JSON object.
 *
 * @throws Refused with 400 otherwise.
 */
export function objectOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The refusal below covers this case as well.
  }
  throw new Refused(400, 'JSON parse error.', 'Send a JSON object.');
}

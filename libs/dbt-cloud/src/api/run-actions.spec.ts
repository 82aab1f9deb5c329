import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionAnswer, ActionRefusedError, ProviderAction } from 'nestjs-runhooks/core';
import {
  fakeDbtCloud,
  ManualClock,
  type FakeDbtCloud,
  type FakeDbtJobOptions,
  type FakeDbtRun,
} from 'nestjs-runhooks/testing';
import { apiHost, MARK } from '../../../../test/providers/api-host.js';
import { LoopbackDbtApi } from '../../../../test/providers/loopback-dbt-api.js';
import { checkApiOptions, type DbtCloudApiOptions } from './api-options.js';
import { DbtCloudApi } from './dbt-cloud-api.js';
import type { DbtCloudPullRequest } from './trigger-options.js';

const START = new Date('2026-11-30T12:00:00.000Z');
const MINUTE = 60_000;
const RUNS = '/api/v2/accounts/4/runs/';

let clock: ManualClock;
let dbt: FakeDbtCloud;
let api: DbtCloudApi;
/** Actions that the client asked its host for. */
let actions: ProviderAction[];

beforeEach(async () => {
  clock = new ManualClock(START);
  dbt = await fakeDbtCloud({ clock, accountId: '4' });
  actions = [];
  api = client();
});

afterEach(() => dbt.close());

type Act = (action: ProviderAction) => Promise<ActionAnswer>;

function client(options: Partial<DbtCloudApiOptions> = {}, act: Act = (action) => action.send(MARK)): DbtCloudApi {
  const checked = checkApiOptions({ ...dbt.options(), ...options }, "dbtCloud({ name: 'dbt' }).api", undefined);
  return new DbtCloudApi(
    checked,
    apiHost(
      () => clock.now(),
      (action) => {
        actions.push(action);
        return act(action);
      },
    ),
  );
}

/** Returns the last action, to look for what its call did. */
function action(): ProviderAction {
  const last = actions.at(-1);
  if (!last) throw new Error('no action was asked for');
  return last;
}

const found = async (sentAt = START) => (await action().find(MARK, sentAt)).map(({ runId }) => runId);

const calls = () => dbt.calls.map(({ method, path }) => `${method} ${path}`);
const posts = () => dbt.calls.filter(({ method }) => method === 'POST');

async function failed(options: FakeDbtJobOptions = { name: 'nightly' }): Promise<FakeDbtRun> {
  return (await dbt.job(options).run()).fail({ results: {} });
}

/** Returns a failed run that a later run of its job has followed. */
async function followed(): Promise<FakeDbtRun> {
  const job = dbt.job({ name: 'nightly' });
  const run = await (await job.run()).fail({ results: {} });
  job.queue();
  return run;
}

/** Returns the text of a refusal in the envelope of dbt Cloud. */
function envelope(message: string): string {
  return JSON.stringify({ data: null, status: { code: 400, is_success: false, user_message: message } });
}

async function errorOf(promise: Promise<unknown>): Promise<ActionRefusedError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown as ActionRefusedError,
  );
  expect(error).toBeInstanceOf(Error);
  expect(error?.message).not.toMatch(/-token|127\.0\.0\.1|http/);
  return error as ActionRefusedError;
}

describe('retry', () => {
  it('asks its host with the key, the account and the limit, and returns the new run', async () => {
    const run = await failed();
    const { signal } = new AbortController();
    const options = { key: 'k', onUnknown: 'again', retriesMax: 2, signal } as const;
    const answer = await api.retry({ id: run.id, account: { id: '4' } }, options);
    const [, retry] = dbt.runs;
    expect(answer).toEqual({ runId: retry?.id, accountId: '4', url: expect.stringContaining(`/runs/${retry?.id}/`) });
    expect(action()).toMatchObject({ ...options, kind: 'retry', target: run.id, accountId: '4', request: {} });
    expect(dbt.calls).toEqual([expect.objectContaining({ method: 'POST', path: `${RUNS}${run.id}/retry/` })]);
    expect(dbt.calls[0]).not.toHaveProperty('body');
  });

  it('has no limit of its own, and takes the account of the source if the run has none', async () => {
    await api.retry({ id: (await failed()).id }, { key: 'k' });
    expect(action()).toMatchObject({ accountId: '4' });
    expect(action()).not.toHaveProperty('retriesMax');
    expect(action()).not.toHaveProperty('onUnknown');
  });

  it.each<[reason: string, word: string, run: () => Promise<FakeDbtRun>]>([
    ['not-latest', 'NOT_LATEST_RUN', followed],
    ['not-failed', 'NOT_FAILED_RUN', async () => (await dbt.job({ name: 'nightly' }).run()).succeed()],
    ['no-results', 'NO_RUN_RESULTS', async () => (await dbt.job({ name: 'nightly' }).run()).fail()],
    ['unsupported', 'UNSUPPORTED_CMD', () => failed({ name: 'nightly', retryUnsupported: 'command' })],
    ['unsupported', 'UNSUPPORTED_VERSION', () => failed({ name: 'nightly', retryUnsupported: 'version' })],
  ])('is refused as %s if dbt Cloud says %s', async (reason, word, run) => {
    const { id } = await run();
    const count = dbt.runs.length;
    const error = await errorOf(api.retry({ id }, { key: 'k' }));
    expect(error).toMatchObject({ code: 'RUNHOOKS_ACTION_REFUSED', reason });
    expect(error.message).toMatch(
      new RegExp(`^dbt Cloud: retry run ${id}: expected .+, got .+ \\(RETRY_${word}\\)\\. Start`),
    );
    expect([dbt.runs.length, dbt.calls.length]).toEqual([count, 1]);
  });

  it('asks the run for the reason if the refusal has none', async () => {
    const run = await followed();
    dbt.faults.respond(400, { text: envelope('This run cannot be retried.') });
    expect(await errorOf(api.retry(run, { key: 'k' }))).toMatchObject({ reason: 'not-latest' });
    expect(calls()).toEqual([`POST ${RUNS}${run.id}/retry/`, `GET ${RUNS}${run.id}/`]);
  });

  it.each([
    ['has none either', () => undefined],
    ['cannot be read', () => dbt.faults.respond(503, { times: 3, path: /runs\/\d+\/$/ })],
  ])('quotes dbt Cloud if the run %s', async (_, fault) => {
    const run = await failed();
    dbt.faults.respond(422, { text: envelope('Not today.') });
    fault();
    const error = await errorOf(api.retry(run, { key: 'k' }));
    expect(error).toMatchObject({ code: 'RUNHOOKS_ACTION_REFUSED', reason: 'other' });
    expect(error.message).toMatch(
      /^dbt Cloud: retry run \d+ of account 4: expected a 2xx status, got 422: "Not today\."\. /,
    );
  });
});

describe('the look-up of a retry', () => {
  it('finds the new run in the retried run and in the list of its job, once', async () => {
    const run = await failed();
    const { runId } = await api.retry(run, { key: 'k' });
    dbt.job({ name: 'other' }).queue();
    await expect(action().find(MARK, START)).resolves.toEqual([
      { runId, accountId: '4', url: expect.stringContaining(`/runs/${runId}/`) },
    ]);
    expect(dbt.calls.slice(1)).toMatchObject([
      { method: 'GET', path: `${RUNS}${run.id}/`, query: { include_related: 'trigger,job,run_retries' } },
      {
        method: 'GET',
        path: RUNS,
        query: {
          job_definition_id: run.jobId,
          created_at__range: expect.stringMatching(/^\["2026-11-30T11:55:00\.000Z","2027-12-01T12:00:00\.000Z"\]$/),
          order_by: 'id',
          include_related: 'trigger,job',
          limit: '100',
          offset: '0',
        },
      },
    ]);
  });

  it('finds it although one of the two is late', async () => {
    const server = new LoopbackDbtApi();
    try {
      const late = client({ baseUrl: await server.listen() }, () => Promise.resolve({ runId: '' }));
      await late.retry({ id: '7' }, { key: 'k' });
      server.setRun(7, { run_retries: [] });
      server.setRun(8, { retrying_run_id: 7, created_at: '2026-11-30 12:00:01.000000+00:00' });
      expect(await found()).toEqual(['8']);
      server.setRun(7, { run_retries: [{ id: 9 }] });
      server.setRun(8, { retrying_run_id: null });
      server.setRun(9, {
        created_at: '2026-11-30 11:55:00.000000+00:00',
        job_definition_id: 11,
        retrying_run_id: null,
      });
      expect(await found()).toEqual(['9']);
      // Without a time of its creation it may be the run that is looked for.
      server.setRun(9, { created_at: null });
      expect(await found()).toEqual(['9']);
      server.setRun(9, { created_at: '2026-11-30 11:54:59.999000+00:00' });
      expect(await found()).toEqual([]);
    } finally {
      await server.close();
    }
  });

  it('finds nothing before lists show the new run', async () => {
    const run = await failed();
    dbt.faults.lagLists();
    const { runId } = await api.retry(run, { key: 'k' });
    clock.advance(89_999);
    expect(await found()).toEqual([]);
    clock.advance(1);
    expect(await found()).toEqual([runId]);
  });

  it('leaves out retries of other runs, and those from before the call', async () => {
    const run = await failed();
    const { runId } = await api.retry(run, { key: 'k' });
    await (await dbt.runs.at(-1)?.start())?.fail({ results: {} });
    await api.retry({ id: runId }, { key: 'of the retry' });
    const [ofRun] = actions;
    expect((await ofRun?.find(MARK, START))?.map((one) => one.runId)).toEqual([runId]);
    expect(await ofRun?.find(MARK, new Date(START.getTime() + 5 * MINUTE))).toHaveLength(1);
    expect(await ofRun?.find(MARK, new Date(START.getTime() + 5 * MINUTE + 1))).toEqual([]);
  });

  it('rejects if a call fails', async () => {
    await api.retry(await failed(), { key: 'k' });
    dbt.faults.respond(403, { path: /runs\/$/ });
    expect(await errorOf(action().find(MARK, START))).toMatchObject({ reason: 'forbidden' });
  });
});

describe('trigger', () => {
  it('starts a run whose cause begins with the mark, and sends only what is set', async () => {
    const job = dbt.job({ name: 'nightly' });
    const answer = await api.trigger(job.id, { key: 'k', cause: 'all loads are done' });
    const [run] = dbt.runs;
    expect(answer).toEqual({ runId: run?.id, accountId: '4', url: expect.stringContaining(`/runs/${run?.id}/`) });
    expect(run).toMatchObject({ jobId: job.id, cause: `${MARK} all loads are done` });
    expect(dbt.calls).toMatchObject([
      {
        method: 'POST',
        path: `/api/v2/accounts/4/jobs/${job.id}/run/`,
        query: {},
        body: { cause: `${MARK} all loads are done` },
      },
    ]);
    expect(Object.keys(dbt.calls[0]?.body as object)).toEqual(['cause']);
    expect(action()).toMatchObject({ kind: 'trigger', target: job.id, accountId: '4', key: 'k' });
    expect(action().request).toEqual({ cause: 'all loads are done' });
  });

  it('sends every override by its name in the API, and keeps it as the request', async () => {
    const overrides = {
      branch: 'dev',
      sha: 'aaa',
      schema: 'pr_12',
      target: 'ci',
      steps: ['dbt build --select "orders+"'],
      dbtVersion: '1.9',
      threads: 8,
      generateDocs: false,
      timeoutSeconds: 0,
    };
    const { id } = dbt.job({ name: 'nightly' });
    const pullRequests = {
      github: 'github_pull_request_id',
      gitlab: 'gitlab_merge_request_id',
      azure: 'azure_pull_request_id',
    };
    for (const [provider, name] of Object.entries(pullRequests)) {
      const pullRequest = { [provider]: 12 } as unknown as DbtCloudPullRequest;
      await api.trigger(id, { key: provider, cause: 'x', ...overrides, pullRequest });
      expect(action().request).toEqual({ cause: 'x', ...overrides, pullRequest });
      expect(dbt.calls.at(-1)?.body).toEqual({
        cause: `${MARK} x`,
        git_branch: 'dev',
        git_sha: 'aaa',
        schema_override: 'pr_12',
        target_name_override: 'ci',
        steps_override: ['dbt build --select "orders+"'],
        dbt_version_override: '1.9',
        threads_override: 8,
        generate_docs_override: false,
        timeout_seconds_override: 0,
        [name]: 12,
      });
    }
  });

  it('cuts the cause to what dbt Cloud keeps', async () => {
    await api.trigger(dbt.job({ name: 'nightly' }).id, { key: 'k', cause: 'x'.repeat(300) });
    expect(dbt.runs[0]?.cause).toHaveLength(255);
  });

  it('is refused with the message of dbt Cloud if an option is invalid', async () => {
    dbt.faults.respond(400, { text: envelope('git_branch: Not a valid value.') });
    const error = await errorOf(api.trigger(dbt.job({ name: 'nightly' }).id, { key: 'k', cause: 'x', branch: '..' }));
    expect(error).toMatchObject({ code: 'RUNHOOKS_ACTION_REFUSED', reason: 'other' });
    expect(error.message).toContain('got 400: "git_branch: Not a valid value."');
    expect(dbt.runs).toEqual([]);
  });

  it.each<[what: string, job: unknown, options: object, message: string]>([
    ['the name of a job', 'nightly', {}, 'job: expected an id as a string of digits, got another string'],
    ['a number as job', 7, {}, 'job: expected an id as a string of digits, got a number'],
    [
      'no cause',
      '7',
      { cause: undefined },
      'cause: expected a string of up to 10000 characters that is not blank, got undefined',
    ],
    [
      'a blank cause',
      '7',
      { cause: ' \n' },
      'cause: expected a string of up to 10000 characters that is not blank, got another string',
    ],
    [
      'a huge cause',
      '7',
      { cause: 'x'.repeat(10_001) },
      'cause: expected a string of up to 10000 characters that is not blank',
    ],
    [
      'no branch',
      '7',
      { branch: '' },
      'branch: expected one line of up to 10000 characters that is not blank, got an empty string',
    ],
    ['a branch with NUL', '7', { branch: 'main\0' }, 'branch: expected one line of up to'],
    ['a half of a character', '7', { schema: 'pr_\ud83d' }, 'schema: expected one line of up to'],
    [
      'no steps',
      '7',
      { steps: [] },
      'steps: expected an array of 1 to 100 lines that are not blank, got an empty array',
    ],
    ['one step alone', '7', { steps: 'dbt build' }, 'steps: expected an array of 1 to 100 lines'],
    ['a step that is null', '7', { steps: [null] }, 'steps: expected an array of 1 to 100 lines'],
    ['no threads', '7', { threads: 0 }, 'threads: expected an integer above 0, got 0'],
    ['a negative timeout', '7', { timeoutSeconds: -1 }, 'timeoutSeconds: expected an integer of 0 or more, got -1'],
    ['no flag', '7', { generateDocs: 1 }, 'generateDocs: expected true or false, got 1'],
    [
      'two pull requests',
      '7',
      { pullRequest: { github: 1, azure: 1 } },
      'pullRequest: expected one number, as github, gitlab or azure',
    ],
    ['a pull request alone', '7', { pullRequest: 12 }, 'pullRequest: expected one number'],
    ['an option of Paradime', '7', { commands: ['dbt run'] }, 'commands: unknown option'],
    ['an option of the API', '7', { gitBranch: 'dev' }, 'gitBranch: unknown option'],
  ])('rejects %s before anything is stored or sent', async (_what, job, options, message) => {
    const error = await errorOf(api.trigger(job as string, { key: 'k', cause: 'x', ...options }));
    expect(error).toMatchObject({ reason: 'invalid-request', message: expect.stringContaining(message) });
    expect([actions, dbt.calls]).toEqual([[], []]);
  });

  it('has no certain answer if it is a run of another job', async () => {
    const run = await failed();
    dbt.faults.respond(200, { text: JSON.stringify({ data: { id: 9, account_id: 4, job_definition_id: 8 } }) });
    const error = await errorOf(api.trigger(run.jobId, { key: 'k', cause: 'x' }));
    expect(error).toMatchObject({ reason: 'invalid-answer', message: expect.stringContaining('got one of job 8') });
  });

  it('is found by the mark of its cause, among the runs of its job since the call', async () => {
    const job = dbt.job({ name: 'nightly' });
    const { runId } = await api.trigger(job.id, { key: 'k', cause: 'x' });
    job.queue({ cause: `${MARK} x`, retryOf: runId });
    job.queue({ cause: `${MARK}0 is another mark` });
    job.queue({ cause: `Started by ${MARK}` });
    dbt.job({ name: 'other' }).queue({ cause: `${MARK} of another job` });
    expect(await found()).toEqual([runId]);
    expect(dbt.calls.at(-1)).toMatchObject({ query: { job_definition_id: job.id, order_by: 'id' } });
    expect(await found(new Date(START.getTime() + 5 * MINUTE))).toEqual([runId]);
    expect(await found(new Date(START.getTime() + 5 * MINUTE + 1))).toEqual([]);
  });

  it('is looked for on three pages at most, from the time of the call on', async () => {
    const job = dbt.job({ name: 'nightly' });
    for (let count = 0; count < 299; count++) job.queue();
    const { runId } = await api.trigger(job.id, { key: 'k', cause: 'x' });
    for (let count = 0; count < 100; count++) job.queue({ cause: `${MARK} is on the fourth page` });
    expect(await found()).toEqual([runId]);
    expect(dbt.calls.slice(1).map(({ query }) => query['offset'])).toEqual(['0', '100', '200']);
  });
});

describe('cancel', () => {
  it('cancels a run and returns it', async () => {
    const run = await dbt.job({ name: 'nightly' }).run();
    const answer = { runId: run.id, accountId: '4', url: expect.stringContaining(`/runs/${run.id}/`) };
    await expect(api.cancel(run, { key: 'k' })).resolves.toEqual(answer);
    expect(run.status).toBe(30);
    expect(action()).toMatchObject({ kind: 'cancel', target: run.id, accountId: '4', request: {}, key: 'k' });
    expect(calls()).toEqual([`POST ${RUNS}${run.id}/cancel/`]);
    // A run that was canceled is what the caller wants.
    await expect(api.cancel(run, { key: 'again' })).resolves.toEqual(answer);
  });

  it('returns a run that dbt Cloud has not stopped yet', async () => {
    const run = await dbt.job({ name: 'nightly' }).run();
    const text = JSON.stringify({ data: { id: Number(run.id), account_id: 4, status: 3, is_complete: false } });
    dbt.faults.respond(200, { text });
    await expect(api.cancel(run, { key: 'k' })).resolves.toEqual({ runId: run.id, accountId: '4' });
  });

  it('is refused as over if the run has ended, also if dbt Cloud refuses the call', async () => {
    const run = await failed();
    expect(await errorOf(api.cancel(run, { key: 'a' }))).toMatchObject({ reason: 'over' });
    dbt.faults.respond(400, { text: envelope('The run is complete.') });
    const error = await errorOf(api.cancel(run, { key: 'b' }));
    expect(error).toMatchObject({ code: 'RUNHOOKS_ACTION_REFUSED', reason: 'over' });
    expect(error.message).toMatch(
      /^dbt Cloud: cancel run \d+: expected a run that has not ended, got one with the status 20\. /,
    );
  });

  it('returns a run that was canceled before, if dbt Cloud refuses to cancel it again', async () => {
    const run = await (await dbt.job({ name: 'nightly' }).run()).cancel();
    dbt.faults.respond(400);
    await expect(api.cancel(run, { key: 'k' })).resolves.toMatchObject({ runId: run.id });
  });

  it('is refused with the message of dbt Cloud if the run goes on', async () => {
    const run = await dbt.job({ name: 'nightly' }).run();
    dbt.faults.respond(409, { text: envelope('Not now.') });
    const error = await errorOf(api.cancel(run, { key: 'k' }));
    expect(error).toMatchObject({ code: 'RUNHOOKS_ACTION_REFUSED', reason: 'other' });
    expect(error.message).toContain('got 409: "Not now."');
  });

  it('is found once the run has ended, in whatever way', async () => {
    const run = await dbt.job({ name: 'nightly' }).run();
    const waiting = client({}, () => Promise.resolve({ runId: '' }));
    await waiting.cancel(run, { key: 'k' });
    expect(await found()).toEqual([]);
    await run.cancel();
    expect(await found()).toEqual([run.id]);
    const other = await failed();
    await waiting.cancel(other, { key: 'other' });
    expect(await found()).toEqual([other.id]);
  });
});

describe('the calls of actions', () => {
  const CALLS: readonly (readonly [name: string, call: (of: DbtCloudApi, run: FakeDbtRun) => Promise<ActionAnswer>])[] =
    [
      ['retry', (of, run) => of.retry(run, { key: 'k' })],
      ['trigger', (of, run) => of.trigger(run.jobId, { key: 'k', cause: 'x' })],
      ['cancel', (of, run) => of.cancel(run, { key: 'k' })],
    ];

  it.each(CALLS)('%s needs the token actToken, before anything is stored', async (_, call) => {
    const run = await failed();
    const error = await errorOf(call(client({ actToken: undefined }), run));
    expect(error).toMatchObject({ code: 'RUNHOOKS_PROVIDER_API', reason: 'no-token' });
    expect(error.message).toContain("dbtCloud({ name: 'dbt' }).api.actToken");
    expect([dbt.calls.length, actions.length]).toEqual([0, 0]);
  });

  it.each(CALLS)('%s acts with actToken, and looks with readToken or else with actToken', async (_, call) => {
    const server = new LoopbackDbtApi();
    try {
      const baseUrl = await server.listen();
      const run = await failed();
      server.setRun(Number(run.id), { status: 20 });
      for (const [readToken, looks] of [
        ['r', 'Token r'],
        [undefined, 'Token a'],
      ] as const) {
        await call(client({ baseUrl, readToken, actToken: 'a' }), run).catch(() => undefined);
        await action().find(MARK, START);
        const tokens = server.calls.splice(0).map(({ method, authorization }) => `${method} ${authorization}`);
        expect(new Set(tokens)).toEqual(new Set(['POST Token a', `GET ${looks}`]));
      }
    } finally {
      await server.close();
    }
  });

  it.each(CALLS)('%s is never repeated, and its failures are those of other calls', async (name, call) => {
    const run = await (name === 'cancel' ? dbt.job({ name: 'nightly' }).run() : failed());
    for (const [status, reason] of [
      [401, 'unauthorized'],
      [403, 'forbidden'],
      [404, 'not-found'],
      [408, 'unavailable'],
      [302, 'refused'],
      [500, 'unavailable'],
      [503, 'unavailable'],
      [200, 'invalid-answer'],
    ] as const) {
      const before = posts().length;
      dbt.faults.respond(status, { text: status === 200 ? '{"data":{"id":null}}' : envelope('no') });
      expect(await errorOf(call(api, run))).toMatchObject({ code: 'RUNHOOKS_PROVIDER_API', reason });
      expect(posts().length - before).toBe(1);
    }
    dbt.faults.cut();
    expect(await errorOf(call(api, run))).toMatchObject({ reason: 'invalid-answer' });
    dbt.faults.rateLimit();
    expect(await errorOf(call(api, run))).toMatchObject({ reason: 'rate-limited', status: 429 });
    expect(dbt.calls.filter(({ method }) => method === 'GET')).toEqual([]);
  });

  it.each([401, 403, 404])('name the option of the token that lacks a right after %i', async (status) => {
    const run = await failed();
    dbt.faults.respond(status, { times: 2 });
    const act = await errorOf(api.retry(run, { key: 'k' }));
    const look = await errorOf(action().find(MARK, START));
    expect([act.message, look.message]).toEqual([
      expect.stringContaining("dbtCloud({ name: 'dbt' }).api.actToken"),
      expect.stringContaining("dbtCloud({ name: 'dbt' }).api.readToken"),
    ]);
    if (status !== 401)
      expect([act.message, look.message]).toEqual([
        expect.stringContaining('Job Runner'),
        expect.stringContaining('Job Viewer'),
      ]);
  });

  it('reject with the reason of their signal', async () => {
    const run = await failed();
    const gone = new Error('gone');
    const options = { key: 'k', signal: AbortSignal.abort(gone) };
    await expect(api.retry(run, options)).rejects.toBe(gone);
    await expect(api.trigger(run.jobId, { ...options, cause: 'x' })).rejects.toBe(gone);
    await expect(api.cancel(run, options)).rejects.toBe(gone);
    expect(actions.map(({ signal }) => signal)).toEqual([options.signal, options.signal, options.signal]);
    expect(dbt.calls).toEqual([]);
  });

  it.each<[what: string, given: readonly unknown[], message: string]>([
    ['no run', [undefined, { key: 'k' }], 'run: expected a run with its id, such as event.run, got undefined'],
    ['an id alone', ['7', { key: 'k' }], 'run: expected a run with its id, such as event.run, got a string'],
    ['a number as id', [{ id: 7 }, { key: 'k' }], 'run.id: expected the id of a run as a string, got a number'],
    ['no options', [{ id: '7' }], 'options: expected an object with key, got undefined'],
    ['null as options', [{ id: '7' }, null], 'options: expected an object with key, got null'],
    ['a misspelled option', [{ id: '7' }, { key: 'k', maxRetries: 2 }], 'maxRetries: unknown option'],
    [
      'another account',
      [{ id: '7', account: { id: '5' } }, { key: 'k' }],
      'expected a run of account 4, got one of account 5',
    ],
  ])('are not made with %s', async (_what, given, message) => {
    const [run, options] = given as [{ id: string }, { key: string }];
    for (const call of [api.retry(run, options), api.cancel(run, options)]) {
      expect(await errorOf(call)).toMatchObject({
        reason: 'invalid-request',
        message: expect.stringContaining(message),
      });
    }
    expect([actions, dbt.calls]).toEqual([[], []]);
  });

  it('have no certain answer if it is the run of another one', async () => {
    const run = await failed();
    const answerWith = (id: string) =>
      dbt.faults.respond(200, { text: JSON.stringify({ data: { id, account_id: 4 } }) });
    answerWith(run.id);
    expect(await errorOf(api.retry(run, { key: 'k' }))).toMatchObject({ reason: 'invalid-answer' });
    answerWith('9');
    expect(await errorOf(api.cancel(run, { key: 'k' }))).toMatchObject({ reason: 'invalid-answer' });
  });

  it.each(CALLS)('%s can be made again if dbt Cloud reports a missing right with the status 400', async (_, call) => {
    const run = await failed();
    dbt.faults.respond(400, { text: envelope('You do not have permission to perform this action.') });
    expect(await errorOf(call(api, run))).toMatchObject({ code: 'RUNHOOKS_PROVIDER_API', reason: 'refused' });
  });

  it.each(['..', '', '.', '7/cancel', 'x'.repeat(10_000)])('are not made with the id %j', async (id) => {
    expect(await errorOf(api.retry({ id }, { key: 'k' }))).toMatchObject({ reason: 'invalid-request' });
    expect(await errorOf(api.trigger(id, { key: 'k', cause: 'x' }))).toMatchObject({ reason: 'invalid-request' });
    expect(await errorOf(api.cancel({ id }, { key: 'k' }))).toMatchObject({ reason: 'invalid-request' });
    expect([actions, dbt.calls]).toEqual([[], []]);
  });

  it('find the account of the token before the action is stored', async () => {
    const run = await failed();
    const unset = client({ accountId: undefined });
    dbt.faults.respond(503, { times: 3 });
    expect(await errorOf(unset.retry({ id: run.id }, { key: 'k' }))).toMatchObject({ reason: 'unavailable' });
    expect(actions).toEqual([]);
    await unset.trigger(run.jobId, { key: 'k', cause: 'x' });
    expect(action()).toMatchObject({ accountId: '4' });
  });
});

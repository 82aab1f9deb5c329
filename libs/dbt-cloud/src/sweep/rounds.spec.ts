import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { OpenRun, ProviderApi, ReportedRun, Round, RoundContext } from 'nestjs-runhooks/core';
import { apiHost } from '../../../../test/providers/api-host.js';
import { LoopbackDbtApi, sendJson, statusOf } from '../../../../test/providers/loopback-dbt-api.js';
import { dbtCloud, type DbtCloudOptions } from '../source.js';

const NOW = new Date('2026-11-30T12:00:00.000Z');
const SINCE = new Date('2026-11-30T10:00:00.000Z');
const MINUTE = 60_000;

let server: LoopbackDbtApi;
let baseUrl: string;
let reports: ReportedRun[][];
let cursors: string[];
let cursor: string | undefined;
let open: OpenRun[];
let api: ProviderApi;

beforeEach(async () => {
  [reports, cursors, cursor, open] = [[], [], undefined, []];
  server = new LoopbackDbtApi();
  baseUrl = await server.listen();
  server.objects.set('/api/v3/accounts/4/projects/', [{ id: 20, name: 'analytics' }]);
  server.objects.set('/api/v3/accounts/4/projects/20/environments/', [{ id: 30, name: 'production' }]);
  api = apiOf({});
});

afterEach(() => server.close());

function apiOf(options: Partial<DbtCloudOptions>): ProviderApi {
  const api = { baseUrl, accountId: '4', readToken: 'r' };
  const source = dbtCloud({ name: 'dbt', secrets: ['a-secret'], api, ...options });
  const opened = source.openApi?.(apiHost(() => NOW));
  if (!opened) throw new Error('the source has no api');
  return opened;
}

function roundOf(kind: string): Round {
  const found = api.rounds.find((round) => round.kind === kind);
  if (!found) throw new Error(`no round ${kind}`);
  return found;
}

/** Runs a round as a worker does: with the cursor of the last one. */
async function sweep(kind = 'ended', more: Partial<RoundContext> = {}): Promise<readonly ReportedRun[]> {
  reports = [];
  await roundOf(kind).run({
    source: 'dbt',
    cursor,
    since: SINCE,
    signal: new AbortController().signal,
    now: () => NOW,
    report: (runs) => Promise.resolve(void reports.push([...runs])),
    lacking: async (runs) => runs.map(() => true),
    moveTo: (to) => Promise.resolve(void cursors.push((cursor = to))),
    openRuns: () => Promise.resolve(open),
    ...more,
  });
  return reports.flat();
}

/** Returns a time before now, as the API writes it. */
function ago(ms: number, micros = '000'): string {
  return new Date(NOW.getTime() - ms).toISOString().replace('T', ' ').replace('Z', `${micros}+00:00`);
}

function idsOf(runs: readonly ReportedRun[]): readonly number[] {
  return runs.map(({ runId }) => Number(runId));
}

describe('the round of ended runs', () => {
  it('reports a run with its phases, its end and its names', async () => {
    server.setRun(7, { finished_at: ago(3 * MINUTE), artifacts_saved: false, status: 20 });
    const [run] = await sweep();
    expect(run).toMatchObject({
      accountId: '4',
      runId: '7',
      phases: ['ended:20'],
      endedAt: new Date(NOW.getTime() - 3 * MINUTE),
      body: { v: 1, run: { id: 7 }, names: { project: 'analytics', environment: 'production', job: 'nightly' } },
    });
    server.setRun(7, { artifacts_saved: true });
    expect(await sweep()).toMatchObject([{ phases: ['ended:20', 'complete:20'] }]);
  });

  it('completes a run without artifacts ten minutes after its end', async () => {
    server.setRun(7, { finished_at: ago(10 * MINUTE - 1), artifacts_saved: false });
    server.setRun(8, { finished_at: ago(10 * MINUTE), artifacts_saved: false });
    expect(await sweep()).toMatchObject([
      { runId: '8', phases: ['ended:10', 'complete:10'] },
      { runId: '7', phases: ['ended:10'] },
    ]);
  });

  it('leaves a run to its webhook for two minutes, by the clock of dbt Cloud', async () => {
    server.setRun(7, { finished_at: ago(2 * MINUTE - 1) });
    server.setRun(8, { finished_at: ago(2 * MINUTE) });
    expect(idsOf(await sweep())).toEqual([8]);
    expect(cursor).toBe(new Date(NOW.getTime() - 2 * MINUTE).toISOString());
    server.now = new Date(NOW.getTime() + MINUTE);
    expect(idsOf(await sweep())).toEqual([8, 7]);
  });

  it('looks back 24 hours before the first registration, then 15 minutes before its cursor', async () => {
    server.setRun(1, { finished_at: ago(26 * 60 * MINUTE + 1) });
    server.setRun(2, { finished_at: ago(26 * 60 * MINUTE) });
    server.setRun(3, { finished_at: ago(18 * MINUTE) });
    server.setRun(4, { finished_at: ago(17 * MINUTE) });
    expect(idsOf(await sweep())).toEqual([2, 3, 4]);
    expect(idsOf(await sweep())).toEqual([4]);
    expect(cursors).toHaveLength(1);
  });

  it('finds each of many runs, although they share times and others are added between two pages', async () => {
    const shared = ago(60 * MINUTE, '123');
    for (let id = 1; id <= 250; id++) server.setRun(id, { finished_at: shared });
    for (let id = 251; id <= 400; id++) server.setRun(id, { finished_at: ago((3_000 - id) * 1_000) });
    for (let id = 401; id <= 520; id++) server.setRun(id, { finished_at: ago(60 * MINUTE, String(id)) });
    let added = 1_000;
    server.afterPage = () => server.setRun(added++, { finished_at: ago(90 * MINUTE) });
    const found = new Set(idsOf(await sweep()));
    for (let id = 1; id <= 520; id++) expect(found).toContain(id);
    expect(Math.max(...reports.map((runs) => runs.length))).toBeLessThanOrEqual(200);
  });

  it('moves the cursor only over runs that were reported, and never back', async () => {
    for (let id = 1; id <= 150; id++) server.setRun(id, { finished_at: ago((1_000 - id) * 1_000) });
    const failed = new Error('the store failed');
    let reported = 0;
    const report = () => (reported++ === 0 ? Promise.resolve() : Promise.reject(failed));
    await expect(sweep('ended', { report })).rejects.toBe(failed);
    expect(cursors).toEqual([new Date(NOW.getTime() - 900_000).toISOString()]);
    await sweep();
    const end = cursor;
    server.now = new Date(NOW.getTime() - 60 * MINUTE);
    await sweep();
    expect(cursor).toBe(end);
  });

  it('does not move the cursor over runs that are left to their webhooks, even if they fill pages', async () => {
    for (let id = 1; id <= 250; id++) server.setRun(id, { finished_at: ago(MINUTE - id) });
    server.setRun(500, { finished_at: ago(5 * MINUTE) });
    expect(idsOf(await sweep())).toEqual([500]);
    expect(cursor).toBe(new Date(NOW.getTime() - 2 * MINUTE).toISOString());
    expect(server.calls.filter(({ path }) => path.endsWith('/runs/'))).toHaveLength(1);
  });

  it('loses no run to a clock that was a day ahead while dbt Cloud did not say its time', async () => {
    server.now = undefined;
    server.setRun(7, { finished_at: ago(5 * MINUTE) });
    const tomorrow = new Date(NOW.getTime() + 24 * 60 * MINUTE);
    expect(idsOf(await sweep('ended', { now: () => tomorrow }))).toEqual([7]);
    server.setRun(8, { finished_at: ago(3 * MINUTE) });
    expect(idsOf(await sweep())).toContain(8);
  });

  it('reports a run whose end cannot be read, and all runs on the pages behind it', async () => {
    for (let id = 1; id <= 150; id++) server.setRun(id, { finished_at: ago((1_000 - id) * 1_000) });
    // The server sorts by it, and the client cannot read it.
    server.setRun(50, { finished_at: ago(950_000).replace(/\.\d+/, '.0000000000') });
    expect(new Set(idsOf(await sweep())).size).toBe(150);
  });

  it('reports all other runs if one has no ids, and then fails', async () => {
    server.setRun(7, { finished_at: ago(6 * MINUTE) });
    server.setRun(8, { finished_at: ago(5 * MINUTE), account_id: null });
    server.setRun(9, { finished_at: ago(4 * MINUTE) });
    await expect(sweep()).rejects.toMatchObject({
      reason: 'invalid-answer',
      message: expect.stringContaining('got 1 '),
    });
    expect(idsOf(reports.flat())).toEqual([7, 9]);
    expect(cursor).toBe(new Date(NOW.getTime() - 2 * MINUTE).toISOString());
  });

  it.each(['finished_at__range', 'id__gt'])('ends if the API ignores the filter %s', async (filter) => {
    for (let id = 1; id <= 250; id++) server.setRun(id, { finished_at: ago(60 * MINUTE) });
    server.ignored.add(filter);
    await expect(sweep()).rejects.toMatchObject({ reason: 'invalid-answer' });
  });

  it('starts again from the cursor after a failed call', async () => {
    server.setRun(7, { finished_at: ago(5 * MINUTE) });
    server.nextResponses.push((response) => sendJson(response, 400, statusOf(400, 'no')));
    await expect(sweep()).rejects.toMatchObject({ reason: 'refused' });
    expect(cursor).toBeUndefined();
    expect(idsOf(await sweep())).toEqual([7]);
  });

  it('gives a run that cannot be parsed a phase of its own', async () => {
    server.setRun(7, { finished_at: ago(5 * MINUTE), status: null });
    expect((await sweep())[0]?.phases).toEqual(['ended:unknown']);
  });

  it('asks for names once', async () => {
    server.setRun(7, { finished_at: ago(5 * MINUTE) });
    server.setRun(8, { finished_at: ago(5 * MINUTE) });
    await sweep();
    await sweep();
    expect(server.calls.filter(({ path }) => path.includes('projects'))).toHaveLength(2);
  });

  it('reports ids only if the token may not read names, and nothing if names cannot be read now', async () => {
    server.setRun(7, { finished_at: ago(5 * MINUTE) });
    server.objects.delete('/api/v3/accounts/4/projects/');
    server.objects.delete('/api/v3/accounts/4/projects/20/environments/');
    expect(await sweep()).toMatchObject([{ body: { names: { job: 'nightly' } } }]);
    api = apiOf({});
    // The call after the list of runs is the one for projects.
    server.afterPage = () => void server.nextResponses.push((response) => sendJson(response, 400, statusOf(400, 'no')));
    await expect(sweep()).rejects.toMatchObject({ reason: 'refused' });
    expect(reports).toEqual([]);
  });

  it('stops when it is aborted', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(sweep('ended', { signal })).rejects.toThrow('stopped');
    expect(server.calls).toHaveLength(0);
  });
});

describe('the round of canceled runs', () => {
  it('finds canceled runs without an end by their creation', async () => {
    server.setRun(1, { status: 30, created_at: ago(51 * 60 * MINUTE), finished_at: null });
    const canceled = { status: 30, finished_at: null, artifacts_saved: false, updated_at: ago(MINUTE) };
    server.setRun(2, { ...canceled, created_at: ago(49 * 60 * MINUTE) });
    server.setRun(3, { ...canceled, created_at: ago(5 * MINUTE), started_at: null });
    server.setRun(4, { created_at: ago(5 * MINUTE) });
    expect(await sweep('canceled')).toMatchObject([
      { runId: '2', phases: ['ended:30', 'complete:30'], endedAt: new Date(NOW.getTime() - MINUTE) },
      { runId: '3', phases: ['ended:30', 'complete:30'] },
    ]);
    expect(cursor).toBe(NOW.toISOString());
    server.now = new Date(NOW.getTime() + 60 * MINUTE);
    expect(idsOf(await sweep('canceled'))).toEqual([3]);
  });

  it('loses no run to a clock that was a week ahead while dbt Cloud did not say its time', async () => {
    server.now = undefined;
    await sweep('canceled', { now: () => new Date(NOW.getTime() + 7 * 24 * 60 * MINUTE) });
    server.setRun(2, { status: 30, created_at: ago(5 * MINUTE), finished_at: null });
    expect(idsOf(await sweep('canceled'))).toEqual([2]);
  });
});

describe('the round of open runs', () => {
  it('reports running runs, but no queued ones', async () => {
    const running = { status: 3, finished_at: null, is_complete: false, artifacts_saved: false };
    server.setRun(1, { ...running, started_at: ago(3 * MINUTE) });
    server.setRun(2, { ...running, started_at: ago(MINUTE) });
    server.setRun(3, { ...running, status: 1, started_at: null });
    server.setRun(4, { ...running, status: 2, started_at: null });
    const runs = await sweep('open');
    expect(runs).toMatchObject([{ runId: '1', phases: ['running'] }]);
    expect(runs[0]).not.toHaveProperty('endedAt');
  });

  it('looks at the open runs of the inbox, whatever their job, and at 100 in one call', async () => {
    api = apiOf({ sweep: { jobs: ['other'] } });
    for (let id = 1; id <= 150; id++) {
      server.setRun(id, { finished_at: null, status: 20, artifacts_saved: false });
      open.push({ accountId: '4', runId: String(id), jobKey: '4/10' });
    }
    open.push({ accountId: '4', runId: 'not-a-number', jobKey: '4/10' });
    const runs = await sweep('open');
    expect(runs).toHaveLength(150);
    expect(runs[0]).toMatchObject({ phases: ['ended:20', 'complete:20'] });
    expect(server.calls.filter(({ query }) => query['pk__in'] !== undefined)).toHaveLength(2);
  });

  it('reports all other open runs of the inbox if one has no ids, and then fails', async () => {
    for (const id of [7, 8]) {
      server.setRun(id, { status: 20, ...(id === 8 && { account_id: null }) });
      open.push({ accountId: '4', runId: String(id), jobKey: '4/10' });
    }
    await expect(sweep('open')).rejects.toMatchObject({ message: expect.stringContaining('got 1 ') });
    expect(idsOf(reports.flat())).toEqual([7]);
  });
});

describe('the scope', () => {
  const other = { job_definition_id: 11, job: { id: 11, name: 'hourly' } };
  const subscription = { client_url: 'https://a.example/stage/webhooks/dbt', active: true };
  const withWebhooks = () => apiOf({ api: { baseUrl, accountId: '4', readToken: 'r', webhooksToken: 'w' } });

  beforeEach(() => {
    server.setRun(1, { finished_at: ago(5 * MINUTE) });
    server.setRun(2, { finished_at: ago(4 * MINUTE), ...other });
  });

  it.each([
    [['night*'], [1]],
    [['11'], [2]],
    [['*'], [1, 2]],
    [['none'], []],
  ])('is the jobs %j', async (jobs, ids) => {
    api = apiOf({ sweep: { jobs } });
    expect(idsOf(await sweep())).toEqual(ids);
    expect(api.sweeps).toContain(`jobs ${jobs.join(', ')}`);
  });

  it('is the jobs of the subscriptions that send to the path of the source', async () => {
    server.objects.set('/api/v3/accounts/4/webhooks/subscriptions', [
      { ...subscription, id: 'wsu_1', job_ids: [11] },
      { ...subscription, id: 'wsu_2', client_url: 'https://a.example/other', job_ids: [10] },
    ]);
    api = withWebhooks();
    expect(idsOf(await sweep())).toEqual([2]);
    expect(idsOf(await sweep())).toEqual([2]);
    expect(server.calls.filter(({ path }) => path.includes('subscriptions'))).toHaveLength(1);
  });

  it.each([
    ['a subscription is for all jobs', [{ ...subscription, id: 'wsu_1', job_ids: [] }]],
    ['no subscription sends to the source', []],
    ['subscriptions cannot be read', undefined],
  ])('is all jobs if %s', async (_, subscriptions) => {
    if (subscriptions) server.objects.set('/api/v3/accounts/4/webhooks/subscriptions', subscriptions);
    api = withWebhooks();
    expect(idsOf(await sweep())).toEqual([1, 2]);
  });
});

describe('calls a day', () => {
  it('are below 2,500', () => {
    const DAY = 24 * 60 * MINUTE;
    // One call a round, and a second one for the open runs of the inbox.
    const calls = api.rounds.map(({ kind, everyMs }) => (DAY / everyMs) * (kind === 'open' ? 2 : 1));
    expect(calls.reduce((sum, one) => sum + one, 0)).toBeLessThan(2_200);
  });
});

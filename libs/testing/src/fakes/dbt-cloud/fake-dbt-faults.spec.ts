import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '../../manual-clock.js';
import { fakeDbtCloud, type FakeDbtCloud } from './fake-dbt-cloud.js';

const START = new Date('2026-11-30T03:00:00.000Z');
const MINUTE = 60_000;

let clock: ManualClock;
let dbt: FakeDbtCloud;

beforeEach(async () => {
  clock = new ManualClock(START);
  dbt = await fakeDbtCloud({ clock, tokens: { read: 'r', act: 'a' } });
});

afterEach(() => dbt.close());

function call(path = 'runs/', init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: 'Token a' };
  return fetch(`${dbt.options().baseUrl}/api/v2/accounts/43786/${path}`, { headers, ...init });
}

const statuses = async (count: number, path?: string) => {
  const found: number[] = [];
  for (let index = 0; index < count; index += 1) found.push((await call(path)).status);
  return found;
};

async function listed(query = ''): Promise<{ id: number; status: number; finished_at: string | null }[]> {
  return ((await (await call(`runs/${query}`)).json()) as { data: never }).data;
}

describe('faults of the API', () => {
  it('responds with a status to as many calls as asked, and to the paths that match', async () => {
    dbt.faults.respond(503, { times: 2, path: /runs/, text: 'no', headers: { 'retry-after': '7' } });
    expect(await statuses(1, 'jobs/')).toEqual([200]);
    const first = await call();
    expect([first.status, await first.text(), first.headers.get('retry-after')]).toEqual([503, 'no', '7']);
    expect(await statuses(2)).toEqual([503, 200]);
    dbt.faults.respond(500, { times: Infinity });
    expect(await statuses(3)).toEqual([500, 500, 500]);
    dbt.faults.clear();
    expect(await statuses(1)).toEqual([200]);
  });

  it('retries no run whose artifacts are not saved yet, as after the webhook about its failure', async () => {
    dbt.faults.delayArtifacts(MINUTE);
    const run = await (await dbt.job({ name: 'nightly' }).run()).fail({ results: {} });
    const retry = () => call(`runs/${run.id}/retry/`, { method: 'POST' });
    const refused = await retry();
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('RETRY_NO_RUN_RESULTS')]);
    clock.advance(MINUTE);
    expect((await retry()).status).toBe(200);
  });

  it('ends all faults at once', async () => {
    const run = await (await dbt.job({ name: 'nightly' }).run()).succeed();
    const text = async () => (await call()).text();
    dbt.faults.rateLimit();
    dbt.faults.lagLists();
    dbt.faults.changeFields();
    dbt.faults.delayArtifacts(MINUTE);
    dbt.faults.loseWebhooks();
    dbt.faults.respond(500);
    dbt.faults.clear();
    expect(await listed()).toMatchObject([{ id: Number(run.id) }]);
    expect(await text()).toBe(await text());
    await (await dbt.job({ name: 'other' }).run()).succeed();
    expect(await (await call('runs/?order_by=-id&limit=1')).json()).toMatchObject({
      data: [{ artifacts_saved: true }],
    });
    dbt.subscribe({ url: 'http://127.0.0.1:9/webhooks' });
    await dbt.job({ name: 'third' }).run();
    expect(dbt.webhooks).toMatchObject([{ state: 'waiting' }]);
  });

  it('does not do what a call asked that gets an error', async () => {
    const { id } = dbt.job({ name: 'nightly' });
    dbt.faults.respond(500);
    const body = JSON.stringify({ cause: 'x' });
    expect((await call(`jobs/${id}/run/`, { method: 'POST', body })).status).toBe(500);
    expect(dbt.runs).toEqual([]);
  });

  it('does what a call asked that gets an error, no response or HTML, if a test wants it', async () => {
    const { id } = dbt.job({ name: 'nightly' });
    const trigger = (init: RequestInit = {}) =>
      call(`jobs/${id}/run/`, { method: 'POST', body: JSON.stringify({ cause: 'x' }), ...init });
    dbt.faults.respond(503, { carriedOut: true, text: 'no' });
    const refused = await trigger();
    expect([refused.status, await refused.text(), dbt.runs.length]).toEqual([503, 'no', 1]);
    dbt.faults.html({ carriedOut: true });
    expect([(await trigger()).status, dbt.runs.length]).toEqual([502, 2]);
    dbt.faults.hang({ carriedOut: true });
    const aborted = new AbortController();
    const hanging = trigger({ signal: aborted.signal });
    while (dbt.runs.length < 3) await call('jobs/');
    aborted.abort();
    await expect(hanging).rejects.toThrow('abort');
  });

  it('calls a function before or after it does what was asked, and responds when that is done', async () => {
    const { id } = dbt.job({ name: 'nightly' });
    const order: string[] = [];
    const trigger = async () => {
      const response = await call(`jobs/${id}/run/`, { method: 'POST', body: JSON.stringify({ cause: 'x' }) });
      order.push(`response ${response.status}`);
    };
    dbt.faults.hold(() => void order.push(`before ${dbt.runs.length}`), { path: /run/ });
    dbt.faults.hold(async () => void order.push(`after ${dbt.runs.length} ${(await call('jobs/')).status}`), {
      path: /run/,
      carriedOut: true,
    });
    await trigger();
    await trigger();
    expect(order).toEqual(['before 0', 'response 200', 'after 2 200', 'response 200']);
  });

  it('responds with HTML', async () => {
    dbt.faults.html();
    dbt.faults.html({ status: 200 });
    for (const status of [502, 200]) {
      const response = await call();
      expect([response.status, response.headers.get('content-type')]).toEqual([status, 'text/html']);
      expect(await response.text()).toMatch(/^<html>/);
    }
  });

  it('rate-limits the whole account until five minutes have passed', async () => {
    dbt.faults.rateLimit();
    expect(await statuses(1, 'jobs/')).toEqual([429]);
    clock.advance(5 * MINUTE - 1);
    const limited = await call();
    expect([limited.status, limited.headers.has('retry-after')]).toEqual([429, false]);
    expect(await limited.json()).toMatchObject({ data: null, status: { code: 429, is_success: false } });
    clock.advance(1);
    expect(await statuses(1)).toEqual([200]);
    dbt.faults.rateLimit({ cooldownMs: 2_500, retryAfter: true });
    expect((await call()).headers.get('retry-after')).toBe('3');
  });

  it('rate-limits after too many calls within a minute', async () => {
    await dbt.close();
    dbt = await fakeDbtCloud({ clock, tokens: { read: 'r', act: 'a' }, callsPerMinute: 3 });
    expect(await statuses(3)).toEqual([200, 200, 200]);
    clock.advance(MINUTE);
    expect(await statuses(5)).toEqual([200, 200, 200, 429, 429]);
    clock.advance(5 * MINUTE);
    expect(await statuses(1)).toEqual([200]);
  });

  it('cuts a response within its body, after it did what the call asked', async () => {
    const { id } = dbt.job({ name: 'nightly' });
    dbt.faults.cut();
    const response = await call(`jobs/${id}/run/`, { method: 'POST', body: JSON.stringify({ cause: 'x' }) });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
    expect(dbt.runs).toHaveLength(1);
  });

  it('never responds while it hangs, and frees the client when it closes', async () => {
    dbt.faults.hang();
    const aborted = new AbortController();
    const hanging = call('runs/', { signal: aborted.signal });
    const other = call('jobs/');
    expect((await other).status).toBe(200);
    aborted.abort();
    await expect(hanging).rejects.toThrow('abort');
    dbt.faults.hang();
    const left = call();
    left.catch(() => undefined);
    while (dbt.calls.filter(({ status }) => status === 0).length < 2) await call('jobs/');
    await dbt.close();
    await expect(left).rejects.toThrow('fetch failed');
  });

  it('responds later to a call, after it did what the call asked', async () => {
    const { id } = dbt.job({ name: 'nightly' });
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date'] });
    try {
      dbt.faults.slow(MINUTE, { path: /run/ });
      const order: string[] = [];
      const body = JSON.stringify({ cause: 'x' });
      const slow = call(`jobs/${id}/run/`, { method: 'POST', body }).then(({ status }) => order.push(`slow ${status}`));
      while (dbt.runs.length === 0) await call('jobs/');
      order.push(`other ${(await call('jobs/')).status}`);
      jest.advanceTimersByTime(MINUTE);
      await slow;
      expect(order).toEqual(['other 200', 'slow 200']);
    } finally {
      jest.useRealTimers();
    }
  });

  it('sends its own time as the Date header', async () => {
    expect((await call()).headers.get('date')).toBe('Mon, 30 Nov 2026 03:00:00 GMT');
  });
});

describe('faults of the data', () => {
  it('lists runs as they were 90 s ago, also when it filters, but shows a single run as it is', async () => {
    dbt.faults.lagLists();
    const run = await dbt.job({ name: 'nightly' }).run();
    clock.advance(60_000);
    await run.succeed();
    expect(await listed()).toEqual([]);
    clock.advance(30_000);
    expect(await listed()).toMatchObject([{ status: 3, finished_at: null }]);
    expect(await listed('?status=10')).toEqual([]);
    expect(await (await call(`runs/${run.id}/`)).json()).toMatchObject({ data: { status: 10 } });
    clock.advance(60_000);
    expect(await listed('?status=10')).toHaveLength(1);
  });

  it('shows the retries of a run as late as lists', async () => {
    const job = dbt.job({ name: 'nightly' });
    const first = await (await job.run()).fail();
    job.queue({ retryOf: first.id });
    dbt.faults.lagLists();
    const retries = async () => {
      const response = await call(`runs/${first.id}/?include_related=run_retries`);
      return ((await response.json()) as { data: { run_retries: unknown[] } }).data.run_retries.length;
    };
    clock.advance(89_999);
    expect(await retries()).toBe(0);
    clock.advance(1);
    expect(await retries()).toBe(1);
  });

  it('changes fields at every call, and only if asked to', async () => {
    const run = await (await dbt.job({ name: 'nightly' }).run()).succeed();
    const text = async () => (await call(`runs/${run.id}/`)).text();
    expect(await text()).toBe(await text());
    dbt.faults.changeFields();
    const [first, second] = [await text(), await text()];
    expect(first).not.toBe(second);
    const { data } = JSON.parse(first) as { data: object };
    expect(data).toMatchObject({ id: Number(run.id), status: 10, finished_at: '2026-11-30 03:00:00.000000+00:00' });
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ApiHost,
  ProviderApiError,
  type ResultsReading,
  ResultsNotReadyError,
  type Run,
  timers,
} from 'nestjs-runhooks/core';
import {
  type DbtFileRow,
  fakeParadime,
  type FakeBoltRun,
  type FakeBoltRunOptions,
  type FakeParadime,
  ManualClock,
  runResultsFile,
  sourcesFile,
} from 'nestjs-runhooks/testing';
import { checkApiOptions } from '../api/api-options.js';
import { ParadimeApi } from '../api/paradime-api.js';
import { ParadimeResults } from './results-reader.js';

const MINUTE = 60_000;
const ORDERS = 'model.shop.orders';
const UNIQUE = 'test.shop.unique_orders_id.fed79b3a6e';
const PATH = 'target/run_results.json';

let clock: ManualClock;
let bolt: FakeParadime;
let reader: ParadimeResults;
let startedAt: Date;

beforeEach(async () => {
  clock = new ManualClock(new Date('2026-11-30T03:00:00Z'));
  startedAt = clock.now();
  bolt = await fakeParadime({ clock });
  reader = new ParadimeResults(api());
});

afterEach(() => bolt.close());

function api(): ParadimeApi {
  const host: ApiHost = {
    now: () => clock.now(),
    cooldownUntil: async () => undefined,
    coolDown: async () => undefined,
    act: () => Promise.reject(new Error('No action was expected.')),
  };
  const noPause = { ...timers, pause: async () => undefined };
  return new ParadimeApi(checkApiOptions(bolt.options('read'), 'api'), host, noPause);
}

async function started(commands: readonly string[], options: FakeBoltRunOptions = {}): Promise<FakeBoltRun> {
  const schedule = bolt.schedule({ name: 'Nightly', slug: 'nightly-1a2b3c', commands });
  const run = await schedule.run(options);
  clock.advance(MINUTE);
  return run;
}

/** Returns the run as its webhook reports it. */
function heard({ id, state }: FakeBoltRun, changes: Partial<Run> = {}): Run {
  return {
    id,
    status: state === 'SUCCESS' ? 'succeeded' : 'failed',
    job: { key: 'w/nightly', id: 'nightly-1a2b3c', name: 'Nightly' },
    account: { id: 'w' },
    trigger: { kind: 'schedule', reason: 'Scheduler' },
    startedAt,
    finishedAt: new Date(startedAt.getTime() + MINUTE),
    ...changes,
  };
}

function read(
  run: FakeBoltRun,
  changes: Partial<Run> = {},
  signal = new AbortController().signal,
): Promise<ResultsReading> {
  return reader.read(heard(run, changes), { signal, now: () => clock.now() });
}

async function errorOf(run: FakeBoltRun, changes?: Partial<Run>): Promise<unknown> {
  return read(run, changes).then(
    (reading) => reading,
    (error: unknown) => error,
  );
}

function results(...rows: readonly DbtFileRow[]): object {
  return runResultsFile(rows, { generatedAt: clock.now() });
}

/** Returns the ids, outcomes and commands of nodes. */
function told(reading: ResultsReading): unknown {
  return reading.state === 'missing'
    ? reading.reason
    : reading.nodes.map(({ uniqueId, outcome, step }) => [uniqueId, outcome, step?.name]);
}

describe('results of a run of Paradime', () => {
  it('waits for a run that the API does not know, and then throws the error of the API', async () => {
    const unknown = { id: '999', state: 'FAILED' } as FakeBoltRun;
    expect(await errorOf(unknown)).toBeInstanceOf(ResultsNotReadyError);
    clock.advance(11 * MINUTE);
    expect(await errorOf(unknown)).toMatchObject({ reason: 'not-found' });
  });

  it('are those of each command, from its own file', async () => {
    const run = await started(['dbt seed', 'dbt run', 'dbt test', 'dbt docs generate']);
    await run.fail({
      command: 'dbt test',
      continueOnError: true,
      files: {
        'dbt seed': { [PATH]: results({ id: 'seed.shop.countries' }) },
        'dbt run': { [PATH]: results({ id: ORDERS }), 'target/manifest.json': '{}' },
        'dbt test': { [PATH]: results({ id: UNIQUE, status: 'fail', message: 'Got 4 results', failures: 4 }) },
        'dbt docs generate': { [PATH]: results({ id: UNIQUE }) },
      },
    });
    const reading = await read(run);
    expect(told(reading)).toEqual([
      ['seed.shop.countries', 'succeeded', 'dbt seed'],
      [ORDERS, 'succeeded', 'dbt run'],
      [UNIQUE, 'failed', 'dbt test'],
    ]);
    expect(reading).toMatchObject({
      state: 'available',
      isIsolated: false,
      unreadableRows: 0,
      missingSteps: [],
      generatedAt: clock.now(),
    });
    if (reading.state === 'available') {
      expect(reading.nodes[2]).toMatchObject({
        message: 'Got 4 results',
        failures: 4,
        step: { id: expect.stringMatching(/^\d+$/), name: 'dbt test' },
      });
    }
    // The run, the list, three commands, three URLs and three downloads.
    expect(bolt.calls).toHaveLength(11);
  });

  it('include those of source freshness, and of other programs that ran dbt', async () => {
    const run = await started(['dbt source freshness', 'python nightly.py', 'python notify.py']);
    await run.fail({
      continueOnError: true,
      command: 'dbt source freshness',
      files: {
        'dbt source freshness': {
          'target/sources.json': sourcesFile([{ id: 'source.shop.raw.orders', status: 'error' }], {
            generatedAt: clock.now(),
          }),
        },
        'python nightly.py': { 'shop/target/run_results.json': results({ id: ORDERS }) },
      },
    });
    expect(told(await read(run))).toEqual([
      ['source.shop.raw.orders', 'failed', 'dbt source freshness'],
      [ORDERS, 'succeeded', 'python nightly.py'],
    ]);
  });

  it('tell of the target', async () => {
    const run = await started(['dbt build --target prod']);
    await run.succeed({ results: runResultsFile([{ id: ORDERS }], { generatedAt: clock.now(), target: 'prod' }) });
    expect(await read(run)).toMatchObject({ state: 'available', target: 'prod', isIsolated: false });
  });

  it('cut a long command', async () => {
    const command = `dbt build --select ${'a'.repeat(10_000)}`;
    const run = await started([command]);
    await run.succeed({ results: results({ id: ORDERS }) });
    const reading = await read(run);
    expect(reading).toMatchObject({ nodes: [{ step: { name: command.slice(0, 255) } }] });
  });
});

describe('a run without results', () => {
  it.each(['cancel', 'skip'] as const)('gives the reason after %s', async (way) => {
    const schedule = bolt.schedule({ name: 'Nightly', slug: 'nightly-1a2b3c' });
    const run = way === 'skip' ? await schedule.queue().skip() : await (await schedule.run()).cancel();
    expect(await read(run)).toEqual({
      state: 'missing',
      reason: way === 'skip' ? 'not-written' : 'canceled',
      isIsolated: false,
    });
  });

  it('ran nothing if its commands execute no nodes', async () => {
    const run = await started(['dbt parse', 'dbt docs generate']);
    await run.succeed({ files: { 'dbt parse': { 'target/manifest.json': '{}' } } });
    expect(told(await read(run))).toBe('nothing-ran');
    expect(bolt.calls).toHaveLength(2);
  });

  it('has no files if it failed before its first command', async () => {
    const run = await started(['dbt parse', 'dbt build']);
    await run.fail({ command: 'dbt parse' });
    expect(told(await read(run))).toBe('not-written');
  });

  it('is unreadable or stale', async () => {
    const unreadable = await started(['dbt build']);
    await unreadable.fail({ results: '<<<<<<< HEAD' });
    expect(told(await read(unreadable))).toBe('unreadable');
    const schedule = bolt.schedule({ name: 'other' });
    const stale = await schedule.run();
    const file = runResultsFile([{ id: ORDERS }], { generatedAt: new Date('2026-11-29T03:00:00Z') });
    await stale.fail({ results: file });
    expect(told(await read(stale, { job: { key: 'w/other', name: 'other' } }))).toBe('stale');
  });

  it('is too large', async () => {
    const run = await started(['dbt build']);
    await run.succeed({ results: results({ id: ORDERS }) });
    const failure = { asked: 'Paradime: get artifact 1', found: 'expected less', todo: 'Try again later' };
    const client = api();
    client.artifactStream = () => Promise.reject(new ProviderApiError({ ...failure, reason: 'too-large' }));
    reader = new ParadimeResults(client);
    expect(told(await read(run))).toBe('too-large');
  });
});

describe('one command without results', () => {
  it('does not cost the others', async () => {
    const run = await started(['dbt run', 'dbt test', 'dbt snapshot']);
    const files = { 'dbt run': { [PATH]: results({ id: ORDERS }) }, 'dbt test': { [PATH]: 'cut' } };
    await run.fail({ files });
    clock.advance(10 * MINUTE);
    const reading = await read(run);
    expect(told(reading)).toEqual([[ORDERS, 'succeeded', 'dbt run']]);
    expect(reading).toMatchObject({
      missingSteps: [
        { step: { name: 'dbt test' }, reason: 'unreadable' },
        { step: { name: 'dbt snapshot' }, reason: 'not-written' },
      ],
    });
  });
});

describe('a command that failed', () => {
  it('lacks results if none of its nodes failed', async () => {
    const run = await started(['dbt run', 'dbt source freshness']);
    const sources = sourcesFile([], { generatedAt: clock.now() });
    await run.fail({
      files: {
        'dbt run': { [PATH]: results({ id: ORDERS }) },
        'dbt source freshness': { 'target/sources.json': sources },
      },
    });
    expect(await read(run)).toMatchObject({
      nodes: [{ uniqueId: ORDERS }],
      missingSteps: [{ step: { name: 'dbt source freshness' }, reason: 'not-written' }],
    });
  });
});

describe('a file that an earlier command left', () => {
  it('is not that of a command that wrote none', async () => {
    const run = await started(['dbt seed', 'dbt run', 'python notify.py']);
    const files = { [PATH]: results({ id: 'seed.shop.countries' }) };
    await run.fail({
      command: 'dbt run',
      continueOnError: true,
      files: { 'dbt seed': files, 'dbt run': files, 'python notify.py': files },
    });
    const reading = await read(run);
    expect(told(reading)).toEqual([['seed.shop.countries', 'succeeded', 'dbt seed']]);
    expect(reading).toMatchObject({ missingSteps: [{ step: { name: 'dbt run' }, reason: 'stale' }] });
  });
});

describe('results that are not there', () => {
  it.each(['not listed', 'lost'])('are waited for after the end of the run: %s', async (how) => {
    const run = await started(['dbt build']);
    await run.fail(how === 'lost' ? { results: null } : {});
    const error = await errorOf(run);
    expect(error).toBeInstanceOf(ResultsNotReadyError);
    expect(error).toMatchObject({ delayMs: 10_000, message: expect.stringContaining('run_results.json of command') });
    clock.advance(10 * MINUTE);
    expect(told(await read(run))).toBe('not-written');
  });

  it('can come late', async () => {
    bolt.faults.delayArtifacts(5 * MINUTE);
    const run = await started(['dbt build']);
    await run.fail({ results: results({ id: ORDERS, status: 'error' }) });
    clock.advance(4 * MINUTE);
    expect(await errorOf(run)).toMatchObject({ delayMs: 120_000 });
    clock.advance(2 * MINUTE);
    expect(told(await read(run))).toEqual([[ORDERS, 'failed', 'dbt build']]);
  });

  it('are waited for while the run has not ended, or is not listed', async () => {
    const run = await started(['dbt build']);
    expect(await errorOf(run)).toMatchObject({ delayMs: 10_000, message: expect.stringContaining('the end of run') });
    const { finishedAt: _end, ...withoutEnd } = heard(run);
    const context = { signal: new AbortController().signal, now: () => clock.now() };
    await expect(reader.read(withoutEnd, context)).rejects.toMatchObject({ delayMs: 120_000 });
    bolt.faults.lagLists(5 * MINUTE);
    await run.succeed({ results: results({ id: ORDERS }) });
    expect(await errorOf(run)).toMatchObject({
      delayMs: 10_000,
      message: expect.stringContaining('list of its schedule'),
    });
    clock.advance(10 * MINUTE);
    expect(told(await read(run))).toHaveLength(1);
  });
});

describe('the isolation of a run', () => {
  const isolated = async (run: FakeBoltRun, changes?: Partial<Run>) => (await read(run, changes)).isIsolated;

  it('follows from its pull request in the list of its schedule', async () => {
    const schedule = bolt.schedule({ name: 'Nightly', slug: 'nightly-1a2b3c', commands: ['dbt build'] });
    const run = await schedule.run({ pullRequestId: 12, branch: 'feature' });
    await run.succeed({ results: results({ id: ORDERS }) });
    // Later runs fill the first page of the list.
    for (let count = 0; count < 101; count += 1) schedule.queue();
    expect(await isolated(run)).toBe(true);
  });

  it('needs no list if the run tells it', async () => {
    const run = await started(['dbt build']);
    await run.succeed({ results: results({ id: ORDERS }) });
    expect(await isolated(run, { commit: { pullRequest: '12' } })).toBe(true);
    expect(await isolated(run, { trigger: { kind: 'ci' } })).toBe(true);
    expect(bolt.calls.flatMap(({ operations }) => operations)).not.toContain('listBoltRuns');
  });

  it('does not follow from another branch, or a schedule that is not listed', async () => {
    const run = await started(['dbt build'], { branch: 'feature' });
    await run.succeed({ results: results({ id: ORDERS }) });
    expect(await isolated(run)).toBe(false);
    expect(await isolated(run, { job: { key: 'w/old', name: 'old' } })).toBe(false);
    expect(await isolated(run, { job: { key: 'w/1' } })).toBe(false);
  });
});

describe('failures of the API', () => {
  it('are thrown, without URLs', async () => {
    const run = await started(['dbt build']);
    await run.succeed({ results: results({ id: ORDERS }) });
    bolt.faults.respond(503, { path: /files/, times: Number.POSITIVE_INFINITY });
    const error = await errorOf(run);
    expect(error).toMatchObject({ reason: 'unavailable' });
    expect(String(error)).not.toMatch(/http|Signature/);
    bolt.faults.clear();
    bolt.faults.respond(503, { body: /listBoltRuns/, times: Number.POSITIVE_INFINITY });
    expect(await errorOf(run)).toMatchObject({ reason: 'unavailable' });
  });

  it('include a file that is refused, if waiting does not help', async () => {
    const run = await started(['dbt build']);
    await run.succeed({ results: results({ id: ORDERS }) });
    bolt.faults.respond(403, { path: /files/, times: Number.POSITIVE_INFINITY });
    expect(await errorOf(run)).toBeInstanceOf(ResultsNotReadyError);
    clock.advance(10 * MINUTE);
    expect(await errorOf(run)).toMatchObject({ reason: 'refused', status: 403 });
  });

  it('end a download that is cut', async () => {
    const run = await started(['dbt build']);
    await run.succeed({ results: results({ id: ORDERS }) });
    bolt.faults.cut({ path: /files/ });
    expect(await errorOf(run)).toMatchObject({ code: 'RUNHOOKS_PROVIDER_API' });
  });

  it('include the end of the process', async () => {
    const run = await started(['dbt build']);
    await run.succeed({ results: results({ id: ORDERS }) });
    const reason = new Error('stopped');
    await expect(read(run, {}, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

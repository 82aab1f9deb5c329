import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ResultsReading, Run } from 'nestjs-runhooks/core';
import {
  fakeDbtCloud,
  ManualClock,
  runResultsFile,
  sourcesFile,
  type FakeDbtCloud,
  type FakeDbtRun,
} from 'nestjs-runhooks/testing';
import { apiHost } from '../../../../test/providers/api-host.js';
import { checkApiOptions } from '../api/api-options.js';
import { DbtCloudApi } from '../api/dbt-cloud-api.js';
import { DbtCloudResultsReader } from './results-reader.js';

const START = new Date('2026-11-30T03:00:00.000Z');
const MINUTE = 60_000;
const ORDERS = 'model.shop.orders';
const UNIQUE = 'test.shop.unique_orders_id.fed79b3a6e';

let clock: ManualClock;
let dbt: FakeDbtCloud;
let reader: DbtCloudResultsReader;

beforeEach(async () => {
  clock = new ManualClock(START);
  dbt = await fakeDbtCloud({ clock, accountId: '4' });
  const api = new DbtCloudApi(
    checkApiOptions(dbt.options(), 'api', undefined),
    apiHost(() => clock.now()),
  );
  reader = new DbtCloudResultsReader(api);
});

afterEach(() => dbt.close());

/** Starts a run, and ends its time ten minutes later. */
async function started(...steps: readonly string[]): Promise<FakeDbtRun> {
  const run = await dbt.job({ name: 'nightly', steps }).run();
  clock.advance(10 * MINUTE);
  return run;
}

function read({ id }: FakeDbtRun, told: Partial<Run> = {}): Promise<ResultsReading> {
  const run: Run = {
    id,
    status: 'failed',
    job: { key: '1' },
    account: { id: '4' },
    trigger: { kind: 'schedule' },
    ...told,
  };
  return reader.read(run, { signal: new AbortController().signal, now: () => clock.now() });
}

/** Returns what a reading says about each node, or its reason. */
function shown(reading: ResultsReading): unknown {
  if (reading.state === 'missing') return reading.reason;
  return Object.fromEntries(
    reading.nodes.map(({ uniqueId, outcome, step }) => [uniqueId, `${outcome} in ${step?.id}`]),
  );
}

const file = (id: string, status: string, options: { readonly which?: string; readonly target?: string } = {}) =>
  runResultsFile([{ id, status }], { generatedAt: clock.now(), ...options });

const artifactCalls = () =>
  dbt.calls
    .filter(({ path }) => path.includes('/artifacts/'))
    .map(({ path, query }) => `${path.split('/').at(-1)} ${query['step']}`);

describe('the results of a run', () => {
  it('waits for a run that the API does not know, and then throws the error of the API', async () => {
    const unknown = { id: '999' } as FakeDbtRun;
    const finishedAt = clock.now();
    await expect(read(unknown, { finishedAt })).rejects.toThrow('expected run 999, got none yet');
    clock.advance(10 * MINUTE);
    await expect(read(unknown, { finishedAt })).rejects.toMatchObject({ reason: 'not-found' });
  });

  it('are the nodes of all steps that executed some, for one call each', async () => {
    const run = await started('dbt seed', 'dbt build', 'dbt docs generate');
    await run.succeed({
      files: {
        'dbt seed': { 'run_results.json': file('seed.shop.countries', 'success', { which: 'seed' }) },
        'dbt build': { 'run_results.json': file(ORDERS, 'warn', { target: 'prod' }) },
        'dbt docs generate': { 'run_results.json': file(ORDERS, 'success', { which: 'generate' }) },
      },
    });
    const reading = await read(run);
    expect(shown(reading)).toEqual({ 'seed.shop.countries': 'succeeded in 4', [ORDERS]: 'warned in 5' });
    expect(reading).toMatchObject({ isIsolated: false, target: 'prod', missingSteps: [], unreadableRows: 0 });
    expect(reading).toMatchObject({ nodes: [{}, { step: { id: '5', name: 'Invoke dbt with `dbt build`' } }] });
    expect(artifactCalls()).toEqual(['run_results.json 5', 'run_results.json 4']);
    expect(dbt.calls).toHaveLength(3);
  });

  it('are the sources of a step that checked their freshness', async () => {
    const sources = sourcesFile([{ id: 'source.shop.raw.orders', status: 'error' }], { generatedAt: START });
    const run = await started('dbt build', 'dbt source freshness');
    await run.fail({
      files: {
        'dbt build': { 'run_results.json': file(ORDERS, 'success') },
        'dbt source freshness': { 'sources.json': sources, 'run_results.json': file(ORDERS, 'error') },
      },
    });
    expect(shown(await read(run))).toEqual({ [ORDERS]: 'succeeded in 4', 'source.shop.raw.orders': 'failed in 5' });
    expect(artifactCalls()).toEqual(['sources.json 5', 'run_results.json 4']);
  });

  it('lack a step that failed without a node that failed', async () => {
    const run = await started('dbt build', 'dbt source freshness');
    await run.fail({
      files: {
        'dbt build': { 'run_results.json': file(ORDERS, 'success') },
        'dbt source freshness': { 'sources.json': sourcesFile([], { generatedAt: clock.now() }) },
      },
    });
    expect(await read(run)).toMatchObject({
      nodes: [{ uniqueId: ORDERS }],
      missingSteps: [{ step: { id: '5' }, reason: 'not-written' }],
    });
  });

  it('are in the other file if that of the command is missing', async () => {
    const run = await started('dbt build', 'dbt source freshness');
    await run.succeed({
      files: {
        'dbt build': { 'sources.json': sourcesFile([{ id: 'source.shop.raw.orders' }], { generatedAt: clock.now() }) },
        'dbt source freshness': { 'run_results.json': file('source.shop.raw.items', 'pass', { which: 'freshness' }) },
      },
    });
    expect(shown(await read(run))).toEqual({
      'source.shop.raw.orders': 'succeeded in 4',
      'source.shop.raw.items': 'succeeded in 5',
    });
  });

  it('of a retry are those that it executed', async () => {
    const failed = await (await started('dbt build')).fail({ results: file(ORDERS, 'error') });
    const job = dbt.job({ name: 'hourly' });
    const first = await (await job.run()).fail();
    const retry = await job.run({ retryOf: first.id, steps: ['dbt retry'], causeCategory: 'rerun' });
    await retry.succeed({ results: file(UNIQUE, 'pass', { which: 'retry' }) });
    const reading = await read(retry, { retryOf: failed.id });
    expect(shown(reading)).toEqual({ [UNIQUE]: 'succeeded in 4' });
    expect(reading.isIsolated).toBe(false);
  });

  it('name their step, with a command that is cut', async () => {
    const run = await started(`dbt build --select ${'orders '.repeat(100)}`);
    await run.succeed({ results: file(ORDERS, 'success') });
    expect(await read(run)).toMatchObject({
      nodes: [{ step: { id: '4', name: expect.stringMatching(/^Invoke dbt with `dbt build [^`]{228}$/) } }],
    });
  });

  it.each([
    ['a schema override', { schemaOverride: 'scratch' }],
    ['a pull request', { pullRequestId: 12 }],
  ])('are isolated with %s', async (_, options) => {
    const run = await dbt.job({ name: 'nightly' }).run(options);
    await run.succeed({ results: file(ORDERS, 'success') });
    expect(await read(run)).toMatchObject({ state: 'available', isIsolated: true });
  });
});

describe('a run without results', () => {
  it('was canceled, whatever it had written', async () => {
    const run = await (await started('dbt build')).cancel();
    expect(await read(run)).toEqual({ state: 'missing', reason: 'canceled', isIsolated: false });
    expect(artifactCalls()).toEqual([]);
  });

  it.each([['dbt docs generate'], ['dbt parse'], ['dbt compile']])('ran nothing with only %s', async (command) => {
    const run = await started(command);
    await run.succeed({ results: file(ORDERS, 'success', { which: command.split(' ').at(-1)! }) });
    expect(await read(run)).toMatchObject({ state: 'missing', reason: 'nothing-ran' });
    const failed = await (await started(command)).fail();
    expect(await read(failed)).toMatchObject({ state: 'missing', reason: 'nothing-ran' });
  });

  it('ran nothing with a command that says so only in its file', async () => {
    const run = await (
      await started('dbt my-docs')
    ).succeed({ results: file(ORDERS, 'success', { which: 'generate' }) });
    expect(shown(await read(run))).toBe('nothing-ran');
  });

  it.each(['Clone git repository', 'dbt deps'])('wrote none if it died in %s, and is not waited for', async (step) => {
    const run = await (await started('dbt build')).fail({ step, artifactsSaved: false });
    expect(await read(run)).toMatchObject({ state: 'missing', reason: 'not-written' });
    expect(artifactCalls()).toEqual([]);
  });

  it('ran nothing if it only installed packages', async () => {
    const run = await (await started('dbt deps')).succeed();
    expect(shown(await read(run))).toBe('nothing-ran');
  });

  it('has only stale ones if its file is older than the run', async () => {
    const run = await started('dbt build');
    await run.fail({
      results: runResultsFile([{ id: ORDERS }], { generatedAt: new Date(START.getTime() - 60 * MINUTE) }),
    });
    expect(shown(await read(run))).toBe('stale');
  });

  it('has an unreadable file', async () => {
    const run = await (await started('dbt build')).fail({ results: '<<<<<<< HEAD\n{"results": []}\n' });
    expect(shown(await read(run))).toBe('unreadable');
  });

  it('has a file that is too large', async () => {
    const run = await (await started('dbt build')).fail({ results: `{"a":"${'a'.repeat(128 * 1_024 * 1_024)}` });
    expect(shown(await read(run))).toBe('too-large');
  });
});

describe('artifacts that are missing', () => {
  it('are waited for until they are saved', async () => {
    dbt.faults.delayArtifacts(3 * MINUTE);
    const run = await (await started('dbt build')).fail({ results: file(ORDERS, 'error') });
    const delays: number[] = [];
    for (let isReady = false; !isReady;) {
      const found: unknown = await read(run).catch((error: unknown) => error);
      isReady = !(found instanceof Error);
      if (isReady) expect(shown(found as ResultsReading)).toEqual({ [ORDERS]: 'failed in 4' });
      else {
        expect(found).toMatchObject({ code: 'RUNHOOKS_RESULTS_NOT_READY' });
        const { delayMs } = found as { readonly delayMs: number };
        delays.push(delayMs / 1_000);
        clock.advance(delayMs);
      }
    }
    expect(delays).toEqual([10, 30, 60, 120]);
    expect(artifactCalls()).toHaveLength(1);
  });

  it('are read as far as they exist ten minutes after the end of the run', async () => {
    const run = await (await started('dbt build')).fail({ results: file(ORDERS, 'error'), artifactsSaved: false });
    await expect(read(run)).rejects.toMatchObject({ code: 'RUNHOOKS_RESULTS_NOT_READY', delayMs: 10_000 });
    clock.advance(10 * MINUTE);
    expect(shown(await read(run))).toBe('not-written');
  });

  it('of a step that failed are waited for, and then cost no other step', async () => {
    const run = await started('dbt build', 'dbt test');
    await run.fail({ files: { 'dbt build': { 'run_results.json': file(ORDERS, 'success') } } });
    await expect(read(run)).rejects.toMatchObject({ code: 'RUNHOOKS_RESULTS_NOT_READY', delayMs: 10_000 });
    expect(artifactCalls()).toEqual(['run_results.json 5', 'sources.json 5']);
    clock.advance(10 * MINUTE);
    const reading = await read(run);
    expect(shown(reading)).toEqual({ [ORDERS]: 'succeeded in 4' });
    expect(reading).toMatchObject({ missingSteps: [{ step: { id: '5' }, reason: 'not-written' }] });
  });

  it('of a step that succeeded are not waited for', async () => {
    const run = await started('dbt seed', 'dbt build');
    await run.succeed({ results: file(ORDERS, 'success') });
    expect(await read(run)).toMatchObject({
      nodes: [{ uniqueId: ORDERS }],
      missingSteps: [{ step: { id: '4' }, reason: 'not-written' }],
    });
  });

  it('of a step that died early are not those of the step before it', async () => {
    const run = await started('dbt build', 'dbt docs generate', 'dbt test');
    const docs = file(ORDERS, 'success', { which: 'generate' });
    await run.fail({
      files: {
        'dbt build': { 'run_results.json': file(ORDERS, 'success') },
        'dbt docs generate': { 'run_results.json': docs },
        'dbt test': { 'run_results.json': docs },
      },
    });
    const reading = await read(run);
    expect(shown(reading)).toEqual({ [ORDERS]: 'succeeded in 4' });
    expect(reading).toMatchObject({ missingSteps: [{ step: { id: '6' }, reason: 'not-written' }] });
  });

  it('are waited for while the run is not complete, at most ten minutes after its message', async () => {
    const run = await started('dbt build');
    const told = { finishedAt: clock.now() };
    await expect(read(run, told)).rejects.toMatchObject({ code: 'RUNHOOKS_RESULTS_NOT_READY' });
    clock.advance(10 * MINUTE);
    expect(shown(await read(run, told))).toBe('not-written');
  });
});

describe('a call that fails', () => {
  it.each([/\/runs\/\d+\/$/, /run_results\.json/])('fails the reading at %s', async (path) => {
    const run = await (await started('dbt build')).fail({ results: file(ORDERS, 'error') });
    dbt.faults.respond(403, { path });
    await expect(read(run)).rejects.toMatchObject({ code: 'RUNHOOKS_PROVIDER_API', reason: 'forbidden' });
    expect(shown(await read(run))).toEqual({ [ORDERS]: 'failed in 4' });
  });

  it('ends with the reason of an aborted signal', async () => {
    const run = await (await started('dbt build')).fail({ results: file(ORDERS, 'error') });
    const stop = new AbortController();
    stop.abort(new Error('the worker stops'));
    const told: Run = {
      id: run.id,
      status: 'failed',
      job: { key: '1' },
      account: { id: '4' },
      trigger: { kind: 'ci' },
    };
    const reading = reader.read(told, { signal: stop.signal, now: () => clock.now() });
    await expect(reading).rejects.toThrow('the worker stops');
  });
});

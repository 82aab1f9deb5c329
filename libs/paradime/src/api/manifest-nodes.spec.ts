import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ApiHost, timers } from 'nestjs-runhooks/core';
import { fakeParadime, type FakeBoltEndOptions, type FakeParadime } from 'nestjs-runhooks/testing';
import { checkApiOptions } from './api-options.js';
import { ParadimeApi } from './paradime-api.js';

const ORDERS = 'model.shop.orders';
const UNIQUE = 'test.shop.unique_orders_id.fed79b3a6e';
const PATH = 'target/manifest.json';
const MANIFEST = {
  metadata: { dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v12.json' },
  nodes: {
    [ORDERS]: {
      unique_id: ORDERS,
      name: 'orders',
      package_name: 'shop',
      original_file_path: 'models/orders.sql',
      description: 'One row for each order',
      tags: ['nightly'],
      config: { meta: { owner: 'sales' } },
    },
    [UNIQUE]: { unique_id: UNIQUE, name: 'unique_orders_id', package_name: 'shop', tags: [] },
  },
};

let bolt: FakeParadime;
let api: ParadimeApi;

beforeEach(async () => {
  bolt = await fakeParadime();
  const host: ApiHost = {
    now: () => new Date(),
    cooldownUntil: async () => undefined,
    coolDown: async () => undefined,
    act: () => Promise.reject(new Error('No action was expected.')),
  };
  const noPause = { ...timers, pause: async () => undefined };
  api = new ParadimeApi(checkApiOptions(bolt.options('read'), 'api'), host, noPause);
});

afterEach(() => bolt.close());

/** Returns the id of a run in which `dbt run` failed, and `dbt test` ran all the same. */
async function failed(files: FakeBoltEndOptions['files'] = {}): Promise<string> {
  const run = await bolt.schedule({ name: 'nightly', commands: ['dbt run', 'dbt test'] }).run();
  return (await run.fail({ command: 'dbt run', continueOnError: true, files })).id;
}

const asked = () => bolt.calls.flatMap(({ operations = [] }) => operations);

describe('the manifest of a run', () => {
  it('describes a node', async () => {
    const runId = await failed({ 'dbt run': { [PATH]: MANIFEST } });
    expect(await api.manifestNode(runId, ORDERS)).toEqual({
      uniqueId: ORDERS,
      name: 'orders',
      package: 'shop',
      path: 'models/orders.sql',
      description: 'One row for each order',
      owner: 'sales',
      tags: ['nightly'],
      meta: { owner: 'sales' },
    });
    expect(asked()).toEqual(['boltRunStatus', 'boltCommand', 'boltResourceUrl']);
  });

  it('describes several nodes with one download', async () => {
    const runId = await failed({ 'dbt run': { [PATH]: MANIFEST } });
    const found = await api.manifestNodes(runId, [UNIQUE, ORDERS, 'model.shop.gone']);
    expect([...found.keys()].sort()).toEqual([ORDERS, UNIQUE]);
    expect(bolt.calls.filter(({ path }) => path.startsWith('/files/'))).toHaveLength(1);
    expect(await api.manifestNodes(runId, [])).toEqual(new Map());
    expect(asked()).toHaveLength(3);
  });

  it('is that of a given command', async () => {
    const runId = await failed({ 'dbt run': { [PATH]: '{}' }, 'dbt test': { [PATH]: MANIFEST } });
    const commandId = (await api.run(runId)).commands.at(-1)?.id;
    expect(await api.manifestNode(runId, ORDERS, { commandId })).toMatchObject({ owner: 'sales' });
    expect(asked()).toEqual(['boltRunStatus', 'boltCommand', 'boltResourceUrl']);
  });

  it('is that of another command if it is lost', async () => {
    const runId = await failed({ 'dbt run': { [PATH]: null }, 'dbt test': { [PATH]: MANIFEST } });
    expect(await api.manifestNode(runId, ORDERS)).toMatchObject({ name: 'orders' });
  });

  it.each<[string, FakeBoltEndOptions['files']]>([
    ['does not exist', {}],
    ['is not what dbt writes', { 'dbt run': { [PATH]: '<<<<<<< HEAD' } }],
    ['lacks the node', { 'dbt run': { [PATH]: { ...MANIFEST, nodes: {} } } }],
  ])('describes no node if it %s', async (_, files) => {
    expect(await api.manifestNode(await failed(files), ORDERS)).toBeUndefined();
  });

  it('fails if a call fails', async () => {
    const runId = await failed({ 'dbt run': { [PATH]: MANIFEST } });
    bolt.faults.respond(503, { path: /files/, times: Number.POSITIVE_INFINITY });
    await expect(api.manifestNode(runId, ORDERS)).rejects.toMatchObject({ reason: 'unavailable' });
    const reason = new Error('stopped');
    await expect(api.manifestNode(runId, ORDERS, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeDbtCloud, type FakeDbtCloud } from 'nestjs-runhooks/testing';
import { apiHost } from '../../../../test/providers/api-host.js';
import { checkApiOptions } from './api-options.js';
import { DbtCloudApi } from './dbt-cloud-api.js';

const NOW = new Date('2026-11-30T12:00:00.000Z');
const ORDERS = 'model.shop.orders';
const RAW = 'source.shop.raw.orders';
const MANIFEST = {
  metadata: { dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v12.json' },
  nodes: {
    [ORDERS]: {
      unique_id: ORDERS,
      name: 'orders',
      package_name: 'shop',
      original_file_path: 'models/orders.sql',
      description: 'One row for each order.',
      tags: ['finance'],
      config: { meta: { owner: 'team-finance' } },
    },
  },
  sources: { [RAW]: { unique_id: RAW, name: 'orders', package_name: 'shop', tags: [], meta: {} } },
};

let dbt: FakeDbtCloud;
let api: DbtCloudApi;

beforeEach(async () => {
  dbt = await fakeDbtCloud({ accountId: '4' });
  api = new DbtCloudApi(
    checkApiOptions(dbt.options(), 'api', undefined),
    apiHost(() => NOW),
  );
});

afterEach(() => dbt.close());

async function runWith(files: Readonly<Record<string, object>>): Promise<string> {
  const run = await dbt.job({ name: 'nightly', steps: ['dbt build', 'dbt test'] }).run();
  return (await run.fail({ files: Object.fromEntries(Object.entries(files).map(([step, file]) => [step, of(file)])) }))
    .id;
}

const of = (file: object | string) => ({ 'manifest.json': file });

describe('manifestNode', () => {
  it('returns the owner, tags, path and description of a node, for one call', async () => {
    const runId = await runWith({ 'dbt test': MANIFEST });
    await expect(api.manifestNode(runId, ORDERS)).resolves.toMatchObject({
      uniqueId: ORDERS,
      name: 'orders',
      owner: 'team-finance',
      tags: ['finance'],
      path: 'models/orders.sql',
      description: 'One row for each order.',
    });
    expect(dbt.calls).toHaveLength(1);
  });

  it('returns undefined if the manifest lacks the node', async () => {
    const runId = await runWith({ 'dbt test': MANIFEST });
    await expect(api.manifestNode(runId, 'model.shop.items')).resolves.toBeUndefined();
  });

  it('returns undefined if the run has no manifest, or an unreadable one', async () => {
    await expect(api.manifestNode(await runWith({}), ORDERS)).resolves.toBeUndefined();
    const run = await (await dbt.job({ name: 'nightly' }).run()).fail({ artifacts: of('<<<<<<< HEAD') });
    await expect(api.manifestNode(run.id, ORDERS)).resolves.toBeUndefined();
  });
});

describe('manifestNodes', () => {
  it('returns several nodes by their ids, for one call', async () => {
    const runId = await runWith({ 'dbt test': MANIFEST });
    const found = await api.manifestNodes(runId, [RAW, ORDERS, 'model.shop.items']);
    expect([...found.keys()].toSorted()).toEqual([ORDERS, RAW]);
    expect(dbt.calls).toHaveLength(1);
  });

  it('takes the last manifest of an earlier step if the last step has none', async () => {
    const runId = await runWith({ 'dbt build': MANIFEST });
    expect((await api.manifestNodes(runId, [ORDERS])).size).toBe(1);
    expect(dbt.calls.map(({ path, query }) => [path.split('/').at(-1), query['step']])).toEqual([
      ['manifest.json', undefined],
      ['', undefined],
      ['manifest.json', '4'],
    ]);
  });

  it('takes the manifest of the step that is asked for, and of no other', async () => {
    const runId = await runWith({ 'dbt build': MANIFEST });
    expect((await api.manifestNodes(runId, [ORDERS], { step: 4 })).size).toBe(1);
    expect((await api.manifestNodes(runId, [ORDERS], { step: 5 })).size).toBe(0);
    expect(dbt.calls).toHaveLength(2);
  });

  it('makes no call for no nodes', async () => {
    expect((await api.manifestNodes('7', [])).size).toBe(0);
    expect(dbt.calls).toHaveLength(0);
  });

  it('rejects if a call fails', async () => {
    const runId = await runWith({ 'dbt test': MANIFEST });
    dbt.faults.respond(403);
    await expect(api.manifestNodes(runId, [ORDERS])).rejects.toMatchObject({ reason: 'forbidden' });
  });
});

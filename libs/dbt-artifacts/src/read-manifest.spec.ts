import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import type { ManifestNode } from './artifact.js';
import { readManifestNodes } from './read-manifest.js';

const OPTIONS = { bytesMax: 1_000_000 };

async function* inChunks(content: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function read(
  manifest: object | string,
  ids: readonly string[],
  bytesMax = OPTIONS.bytesMax,
): Promise<ReadonlyMap<string, ManifestNode> | undefined> {
  const content = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
  return readManifestNodes(inChunks(content, 13), ids, { bytesMax });
}

/** Returns the node of a manifest with one model. */
async function model(fields: object, others: object = {}): Promise<ManifestNode | undefined> {
  const nodes = await read({ nodes: { 'model.shop.orders': fields }, ...others }, ['model.shop.orders']);
  return nodes?.get('model.shop.orders');
}

describe('readManifestNodes', () => {
  it('finds only the wanted entries, of every kind', async () => {
    const ids = [
      'model.shop.orders',
      'source.shop.raw.orders',
      'exposure.shop.report',
      'unit_test.shop.orders.adds_up',
    ];
    const nodes = await read(
      {
        metadata: { dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v12.json' },
        nodes: {
          'model.shop.other': { name: 'other' },
          'model.shop.orders': {
            name: 'orders',
            package_name: 'shop',
            description: 'One row per order.',
            path: 'marts/orders.sql',
            original_file_path: 'models/marts/orders.sql',
            tags: ['nightly'],
            config: { tags: ['nightly', 'finance'], meta: { tier: 1 } },
            meta: { tier: 2 },
            raw_code: 'select "}" -- {{ config() }}',
          },
        },
        sources: { 'source.shop.raw.orders': { name: 'orders', source_name: 'raw', tags: 'external' } },
        disabled: { 'model.shop.orders': [{ name: 'old' }] },
        exposures: { 'exposure.shop.report': { owner: { name: null, email: 'bi@example.com' } } },
        unit_tests: { 'unit_test.shop.orders.adds_up': { name: 'adds_up', original_file_path: 'models/orders.yml' } },
        parent_map: { 'model.shop.orders': ['source.shop.raw.orders'] },
      },
      [...ids, 'model.shop.missing', '__proto__'],
    );
    expect([...(nodes?.keys() ?? [])].sort()).toEqual([...ids].sort());
    expect(nodes?.get('model.shop.orders')).toEqual({
      uniqueId: 'model.shop.orders',
      name: 'orders',
      package: 'shop',
      description: 'One row per order.',
      path: 'models/marts/orders.sql',
      tags: ['nightly', 'finance'],
      meta: { tier: 1 },
    });
    expect(nodes?.get('source.shop.raw.orders')).toMatchObject({ name: 'orders', tags: ['external'], meta: {} });
    expect(nodes?.get('exposure.shop.report')).toMatchObject({ owner: 'bi@example.com' });
    expect(nodes?.get('unit_test.shop.orders.adds_up')).toMatchObject({ path: 'models/orders.yml' });
  });

  it('finds the owner in the group, which stands after the nodes, else in the meta', async () => {
    const groups = {
      'group.shop.finance': { name: 'finance', owner: { name: 'Finance', email: 'fin@example.com' } },
      'group.shop.data': { name: 'data', owner: { email: ['data@example.com', 'on-call@example.com'] } },
    };
    const owner = async (fields: object): Promise<string | undefined> => (await model(fields, { groups }))?.owner;
    expect(await owner({ config: { group: 'finance' }, meta: { owner: 'someone else' } })).toBe('Finance');
    expect(await owner({ group: 'data' })).toBe('data@example.com, on-call@example.com');
    expect(await owner({ group: 'unknown', meta: { owner: ' Ada ' } })).toBe('Ada');
    expect(await owner({ config: { meta: { owner: ['Ada', { name: 'Grace' }, 5] } } })).toBe('Ada, Grace');
    expect(await owner({ config: { group: null, meta: { owner: 5 } } })).toBeUndefined();
  });

  it('leaves out members that are missing or of another type', async () => {
    const empty = { uniqueId: 'model.shop.orders', tags: [], meta: {} };
    expect(await model({})).toEqual(empty);
    expect(await model({ name: 5, tags: [null, '', 7], config: [], meta: 'x', description: ' ', path: {} })).toEqual(
      empty,
    );
    expect(await model({}, { sources: null, groups: [] })).toEqual(empty);
  });

  it('returns undefined for a file that is not a manifest', async () => {
    const whole = JSON.stringify({ nodes: { 'model.shop.orders': { name: 'orders' } } });
    const others = ['', '[]', '{}', '{"nodes":[]}', whole.slice(0, -1), `${whole}x`, '<html>', '{"results":[]}'];
    for (const content of others) expect(await read(content, ['model.shop.orders'])).toBeUndefined();
    expect(await read(whole, ['model.shop.orders'], whole.length - 1)).toBeUndefined();
    expect(await read(whole, ['model.shop.orders'], whole.length)).toHaveProperty('size', 1);
  });

  it('leaves out an entry that is not JSON, and finds the others', async () => {
    const nodes = await read('{"nodes":{"a":{"name" "a"},"b":[1],"c":{"name":"c","cost":NaN}}}', ['a', 'b', 'c']);
    expect([...(nodes?.keys() ?? [])]).toEqual(['c']);
  });

  it('rejects with the error of the stream, and with the reason of the signal', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{');
      throw new Error('connection reset');
    }
    await expect(readManifestNodes(failing(), [], OPTIONS)).rejects.toThrow('connection reset');
    const signal = AbortSignal.abort(new Error('the attempt is over'));
    await expect(readManifestNodes(failing(), [], { ...OPTIONS, signal })).rejects.toThrow('the attempt is over');
  });
});

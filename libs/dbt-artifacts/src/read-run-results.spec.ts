import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import type { ArtifactReading, ReadArtifact } from './artifact.js';
import { ARTIFACT_LIMITS } from './limits.js';
import { readRunResults, readSources } from './read-run-results.js';

const OPTIONS = { bytesMax: 32 * 1024 * 1024 };

async function* inChunks(content: string | Buffer, size = 1_000): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function read(content: string | Buffer, size?: number): Promise<ArtifactReading> {
  return readRunResults(inChunks(content, size), OPTIONS);
}

/** Reads a file with these rows, which can be JSON. */
async function readRows(...rows: readonly unknown[]): Promise<ReadArtifact> {
  const texts = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
  return readable(await read(`{"metadata":{},"results":[${texts.join(',')}]}`));
}

function readable(reading: ArtifactReading): ReadArtifact {
  if (!reading.isReadable) throw new Error(`expected a readable file, got ${reading.reason}`);
  return reading;
}

const MODEL = 'model.shop.orders';
const TEST = 'test.shop.unique_orders_id.fed79b3a6e';
const UNREADABLE = { isReadable: false, reason: 'unreadable' };

describe('readRunResults', () => {
  it('reads the rows, the metadata and the command of dbt', async () => {
    const reading = await read(
      JSON.stringify({
        metadata: {
          dbt_schema_version: 'https://schemas.getdbt.com/dbt/run-results/v6.json',
          dbt_version: '1.12.0rc3',
          generated_at: '2026-06-14T21:14:51.745090400Z',
          invocation_id: '019ec7fc-aa7b-7e12-b301-f69c1b1b784e',
        },
        results: [
          {
            status: 'error',
            timing: [
              { name: 'compile', started_at: '2026-06-14T21:14:40.1Z', completed_at: '2026-06-14T21:14:41.1Z' },
              { name: 'execute', started_at: '2026-06-14T21:14:41.123456789Z', completed_at: '2026-06-14T21:14:43Z' },
            ],
            execution_time: 2.75,
            message: 'Database Error in model orders\n  \u001b[31mno such table\u001b[0m',
            failures: null,
            unique_id: MODEL,
            relation_name: '"shop"."main"."orders"',
          },
          { status: 'fail', timing: [], execution_time: 0.5, message: 'Got 4 results', failures: 4, unique_id: TEST },
        ],
        elapsed_time: -0,
        args: { which: 'build', target: 'prod', vars: '{}\n' },
      }),
      7,
    );
    expect(reading).toEqual({
      isReadable: true,
      generatedAt: new Date('2026-06-14T21:14:51.745Z'),
      dbtVersion: '1.12.0rc3',
      invocationId: '019ec7fc-aa7b-7e12-b301-f69c1b1b784e',
      which: 'build',
      target: 'prod',
      unreadableRows: 0,
      nodes: [
        {
          uniqueId: MODEL,
          kind: 'model',
          name: 'orders',
          package: 'shop',
          outcome: 'failed',
          status: 'error',
          message: 'Database Error in model orders\n  \u001b[31mno such table\u001b[0m',
          relation: '"shop"."main"."orders"',
          executionMs: 2_750,
          startedAt: new Date('2026-06-14T21:14:41.123Z'),
          finishedAt: new Date('2026-06-14T21:14:43Z'),
        },
        {
          uniqueId: TEST,
          kind: 'test',
          name: 'unique_orders_id',
          package: 'shop',
          outcome: 'failed',
          status: 'fail',
          message: 'Got 4 results',
          failures: 4,
          executionMs: 500,
        },
      ],
    });
  });

  it.each([
    ['success', 'succeeded'],
    ['Pass', 'succeeded'],
    ['no-op', 'succeeded'],
    ['reused', 'succeeded'],
    ['Warn', 'warned'],
    ['error', 'failed'],
    ['FAIL', 'failed'],
    ['runtime error', 'failed'],
    ['RuntimeError', 'failed'],
    ['partial_success', 'failed'],
    ['partial success', 'failed'],
    ['skipped', 'skipped'],
    ['Postponed', 'unknown'],
    ['__proto__', 'unknown'],
  ])('reads the status %j as %s', async (status, outcome) => {
    const { nodes } = await readRows({ unique_id: MODEL, status, failures: 7 });
    expect(nodes).toEqual([expect.objectContaining({ outcome, status: status.toLowerCase() })]);
  });

  it('lets failures decide nothing, and keeps them only for tests', async () => {
    const { nodes } = await readRows(
      { unique_id: MODEL, status: 'partial success', message: 'PARTIAL SUCCESS (281/450)', failures: 0 },
      { unique_id: 'operation.shop.shop-on-run-end-0', status: 'skipped', failures: 1 },
      { unique_id: 'test.shop.a', status: 'pass', failures: 3 },
      { unique_id: 'test.shop.b', status: 'fail', failures: 'Test failure', message: null },
      { unique_id: 'test.shop.c', status: 'fail', failures: '12' },
      { unique_id: 'test.shop.d', status: 'fail', failures: -1 },
      { unique_id: 'test.shop.e', status: 'fail' },
    );
    expect(nodes.map(({ outcome, failures }) => [outcome, failures])).toEqual([
      ['failed', undefined],
      ['skipped', undefined],
      ['succeeded', 3],
      ['failed', undefined],
      ['failed', 12],
      ['failed', undefined],
      ['failed', undefined],
    ]);
  });

  it('keeps the message of nodes that failed, warned or were skipped with a message', async () => {
    const { nodes } = await readRows(
      { unique_id: 'model.shop.a', status: 'success', message: 'SELECT 5' },
      { unique_id: 'model.shop.b', status: 'skipped', message: 'Skipping due to fail_fast' },
      { unique_id: 'model.shop.c', status: 'warn', message: 'Got 1 result' },
      { unique_id: 'model.shop.d', status: 'error', message: '' },
      { unique_id: 'test.shop.e', status: 'fail', message: 3 },
      { unique_id: 'model.shop.f', status: 'error', message: '😀'.repeat(ARTIFACT_LIMITS.messageCharsMax) },
      { unique_id: 'model.shop.g', status: 'error', message: `x${'😀'.repeat(ARTIFACT_LIMITS.messageCharsMax)}` },
    );
    const messages = nodes.map(({ message }) => message);
    expect(messages.slice(0, 5)).toEqual([undefined, 'Skipping due to fail_fast', 'Got 1 result', undefined, '3']);
    expect(messages[5]).toBe('😀'.repeat(ARTIFACT_LIMITS.messageCharsMax / 2));
    expect(messages[6]).toBe(`x${'😀'.repeat(ARTIFACT_LIMITS.messageCharsMax / 2 - 1)}`);
  });

  it('leaves out times that cannot be', async () => {
    const phase = (started_at: unknown, completed_at: unknown): object => ({
      name: 'compile',
      started_at,
      completed_at,
    });
    const { nodes } = await readRows(
      { unique_id: 'a.b.c', status: 'success', execution_time: -1, timing: [phase('0001-01-01T00:00:00Z', null)] },
      { unique_id: 'a.b.d', status: 'success', execution_time: 1e12, timing: 'none' },
      { unique_id: 'a.b.e', status: 'success', execution_time: '1', timing: [null, 5, phase(0, {})] },
      { unique_id: 'a.b.f', status: 'success', timing: [phase('2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z')] },
    );
    for (const node of nodes) expect(Object.keys(node)).not.toContain('executionMs');
    for (const node of nodes) expect(Object.keys(node)).not.toContain('startedAt');
    expect((await readRows('{"unique_id":"a.b.c","status":"pass","execution_time":-0.0}')).nodes[0]?.executionMs).toBe(
      0,
    );
  });

  it('takes the times of all phases if none is called execute', async () => {
    const { nodes } = await readRows({
      unique_id: MODEL,
      status: 'success',
      timing: [
        { name: 'render', started_at: '2026-01-01T00:00:02Z', completed_at: '2026-01-01T00:00:03Z' },
        { name: 'compile', started_at: '2026-01-01T00:00:01Z', completed_at: '2026-01-01T00:00:02Z' },
      ],
    });
    expect(nodes[0]).toMatchObject({
      startedAt: new Date('2026-01-01T00:00:01Z'),
      finishedAt: new Date('2026-01-01T00:00:03Z'),
    });
  });

  it('counts rows that cannot be read, and reads all others', async () => {
    const odd = [
      null,
      '[]',
      'true',
      '"a string"',
      {},
      { unique_id: '', status: 'pass' },
      { unique_id: 5, status: 'fail' },
      { unique_id: `model.shop.${'x'.repeat(ARTIFACT_LIMITS.idBytesMax)}`, status: 'error' },
      { unique_id: `model.shop.${'売'.repeat(ARTIFACT_LIMITS.idBytesMax / 3)}`, status: 'error' },
      { unique_id: 'model.shop.a\ud800', status: 'error' },
      { unique_id: 'model.shop.a\0b', status: 'error' },
      { unique_id: 'model.shop.a\ud800b', status: 'error' },
      { unique_id: MODEL },
      { unique_id: MODEL, status: null },
      { unique_id: MODEL, status: ' ' },
      `{"unique_id":"${MODEL}","status":"error","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      { unique_id: MODEL, status: 'error', compiled_code: 'x'.repeat(ARTIFACT_LIMITS.valueBytesMax) },
      `{"unique_id":"${MODEL}" "status":"error"}`,
    ];
    const good = { unique_id: TEST, status: 'fail' };
    const { nodes, unreadableRows } = await readRows(good, ...odd.flatMap((row) => [row, good]));
    expect(nodes.map(({ uniqueId }) => uniqueId)).toEqual(Array(odd.length + 1).fill(TEST));
    expect(unreadableRows).toBe(odd.length);
  });

  it('counts a row whose bytes are not UTF-8, and reads all others', async () => {
    const rows = ['pass', 'fail'].map((status) => JSON.stringify({ unique_id: TEST, status, message: 'caf\xe9' }));
    const content = Buffer.concat([
      Buffer.from(`{"metadata":{"dbt_version":"1.8.0"},"results":[${rows[0]},`),
      Buffer.from(`${rows[1]},`, 'latin1'),
      Buffer.from(`${rows[1]}]}`),
    ]);
    for (const size of [1, 1_000]) {
      const { nodes, unreadableRows, dbtVersion } = readable(await read(content, size));
      expect(nodes.map(({ status, message }) => [status, message])).toEqual([
        ['pass', undefined],
        ['fail', 'caf\xe9'],
      ]);
      expect([unreadableRows, dbtVersion]).toEqual([1, '1.8.0']);
    }
  });

  it('removes halves of characters, which databases can refuse', async () => {
    const { nodes } = await readRows({ unique_id: MODEL, status: 'er\ud800ror', relation_name: 'shop\udc00' });
    expect(nodes[0]).toMatchObject({ status: 'er ror', relation: 'shop' });
  });

  it('reads numbers that only Python writes as missing', async () => {
    const { nodes, unreadableRows } = await readRows(
      `{"unique_id":"${TEST}","status":"fail","message":"found NaN, -Infinity","failures":NaN,` +
        '"execution_time":-Infinity,"adapter_response":{"cost":Infinity,"all":[NaN,-0.0,123456789012345678901234567890]}}',
    );
    expect(unreadableRows).toBe(0);
    expect(nodes).toEqual([
      {
        uniqueId: TEST,
        kind: 'test',
        name: 'unique_orders_id',
        package: 'shop',
        outcome: 'failed',
        status: 'fail',
        message: 'found NaN, -Infinity',
      },
    ]);
    expect(await read('{"results":[],"elapsed_time":NaN}')).toMatchObject({ isReadable: true });
  });

  it('reads files of Fusion, which lack members and repeat others', async () => {
    const reading = await read(
      '{"metadata":{"dbt_version":"2.0.0-beta.49"},"results":[{"status":"success","unique_id":"model.shop.a"}],' +
        '"args":{"command":"run","which":"run","command":"Build","which":null}}',
    );
    expect(reading).toMatchObject({ which: 'build', dbtVersion: '2.0.0-beta.49', nodes: [{ outcome: 'succeeded' }] });
  });

  it('reads a file without rows and metadata as one that says nothing', async () => {
    expect(await read('\ufeff{"results":[]}\n')).toEqual({ isReadable: true, nodes: [], unreadableRows: 0 });
  });

  const row = JSON.stringify({ unique_id: MODEL, status: 'success' });
  const whole = `{"results":[${row}],"args":{}}`;
  it.each([
    ['an empty file', ''],
    ['spaces', ' \n'],
    ['HTML', '<!doctype html><html></html>'],
    ['an array', `[${row}]`],
    ['a string', '"results"'],
    ['null', 'null'],
    ['no results', '{"metadata":{}}'],
    ['results that are an object', `{"results":{"a":${row}}}`],
    ['results that are null', '{"results":null}'],
    ['only rows that cannot be read', '{"results":[{},{}]}'],
    ['a file that was cut', whole.slice(0, -1)],
    ['a file that was cut inside a row', whole.slice(0, 30)],
    ['trailing text', `${whole}x`],
    ['two documents', whole + whole],
    ['conflict markers between files', `<<<<<<< HEAD\n${whole}\n=======\n${whole}\n>>>>>>> main\n`],
    ['conflict markers inside a row', whole.replace(',"status"', ',\n<<<<<<< HEAD\n"status"')],
    ['escaped line breaks between tokens', whole.replaceAll(',', ',\\n')],
    ['a broken member', `{"results":[${row}],"elapsed_time":1.}`],
    ['bytes that are not UTF-8', Buffer.from(whole.replace('orders', 'ord\xe9rs'), 'latin1')],
    ['a character that was cut', Buffer.concat([Buffer.from(whole), Buffer.from([0xc3])])],
    ['UTF-16', Buffer.from(whole, 'utf16le')],
  ])('reports %s as unreadable', async (_what, content) => {
    expect(await read(content)).toEqual(UNREADABLE);
    expect(await read(content, 1)).toEqual(UNREADABLE);
  });

  it('reads characters that two chunks share', async () => {
    const message = 'é€😀"\\\u2028';
    const content = JSON.stringify({ results: [{ unique_id: MODEL, status: 'error', message }] });
    for (const size of [1, 2, 3, 5]) expect(await read(content, size)).toMatchObject({ nodes: [{ message }] });
  });

  it('stops at the largest accepted size', async () => {
    let chunks = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"results":[');
      for (; ; chunks++) yield Buffer.from(`${row},`);
    }
    expect(await readRunResults(endless(), { bytesMax: 10_000 })).toEqual({ isReadable: false, reason: 'too-large' });
    expect(chunks).toBeLessThan(10_000);
    expect(await readRunResults(inChunks(whole), { bytesMax: whole.length })).toMatchObject({ isReadable: true });
  });

  it('rejects with the reason of the signal, and cancels the stream', async () => {
    const controller = new AbortController();
    let isCanceled = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from('{"results":[');
        for (let sent = 0; ; sent++) {
          if (sent === 3) controller.abort(new Error('the attempt is over'));
          yield Buffer.from(`${row},`);
        }
      } finally {
        isCanceled = true;
      }
    }
    const reading = readRunResults(endless(), { ...OPTIONS, signal: controller.signal });
    await expect(reading).rejects.toThrow('the attempt is over');
    expect(isCanceled).toBe(true);
  });

  it('rejects with the error of the stream', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"results":[');
      throw new Error('connection reset');
    }
    await expect(readRunResults(failing(), OPTIONS)).rejects.toThrow('connection reset');
  });
});

describe('readSources', () => {
  const source = (name: string, fields: object): object => ({ unique_id: `source.shop.raw.${name}`, ...fields });
  const hours = (count: number | null): object => ({ count, period: count === null ? null : 'hour' });

  it('gives a message to sources that are not fresh', async () => {
    const criteria = { warn_after: hours(12), error_after: { count: 1, period: 'day' }, filter: null };
    const rows = [
      source('a', { status: 'pass', max_loaded_at_time_ago_in_s: 3_600, criteria }),
      source('b', { status: 'Warn', max_loaded_at_time_ago_in_s: 64_801, criteria }),
      source('c', { status: 'error', max_loaded_at_time_ago_in_s: 259_202, criteria }),
      source('d', {
        status: 'error',
        max_loaded_at: '0001-01-01T00:00:00Z',
        max_loaded_at_time_ago_in_s: 63_903_420_720,
        criteria,
      }),
      source('e', { status: 'runtime error', error: 'Database Error\n  no such table' }),
      source('f', { status: 'error', max_loaded_at_time_ago_in_s: 90, criteria: { error_after: hours(null) } }),
      source('g', { status: 'warn', max_loaded_at_time_ago_in_s: -5, criteria: null }),
    ];
    const reading = readable(await readSources(inChunks(JSON.stringify({ results: rows })), OPTIONS));
    expect(reading.nodes.map(({ name, outcome, message }) => [name, outcome, message])).toEqual([
      ['raw.a', 'succeeded', undefined],
      ['raw.b', 'warned', 'Loaded 18 hours ago; warn after 12 hours'],
      ['raw.c', 'failed', 'Loaded 3 days ago; error after 1 day'],
      ['raw.d', 'failed', 'Not fresh; error after 1 day'],
      ['raw.e', 'failed', 'Database Error\n  no such table'],
      ['raw.f', 'failed', 'Loaded 90 seconds ago'],
      ['raw.g', 'warned', undefined],
    ]);
  });
});

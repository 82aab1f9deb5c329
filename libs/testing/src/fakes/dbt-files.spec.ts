import { describe, expect, it } from '@jest/globals';
import { runResultsFile, sourcesFile } from './dbt-files.js';

const generatedAt = new Date('2026-11-30T03:10:00.000Z');

describe('runResultsFile', () => {
  it('has the rows and metadata of dbt', () => {
    const rows = [
      { id: 'model.shop.orders', status: 'error', message: 'no such table', seconds: 2, relation: '"shop"."orders"' },
      { id: 'test.shop.unique_orders_id.fed79b3a6e', failures: 0 },
      { id: 'model.shop.report', status: 'skipped' },
    ];
    const options = { generatedAt, which: 'run', target: 'prod', dbtVersion: '1.9.1', invocationId: 'i' };
    expect(runResultsFile(rows, options)).toMatchObject({
      metadata: {
        dbt_schema_version: 'https://schemas.getdbt.com/dbt/run-results/v6.json',
        dbt_version: '1.9.1',
        generated_at: '2026-11-30T03:10:00.000Z',
        invocation_id: 'i',
      },
      results: [
        {
          unique_id: 'model.shop.orders',
          status: 'error',
          message: 'no such table',
          execution_time: 2,
          failures: null,
        },
        { unique_id: 'test.shop.unique_orders_id.fed79b3a6e', status: 'pass', failures: 0, message: null },
        { unique_id: 'model.shop.report', status: 'skipped', timing: [], execution_time: 0 },
      ],
      args: { which: 'run', target: 'prod' },
    });
  });

  it('belongs to a new invocation unless its id is set', () => {
    const ids = [1, 2].map(() => runResultsFile([], { generatedAt }) as { metadata: { invocation_id: string } });
    expect(ids[0]?.metadata.invocation_id).not.toBe(ids[1]?.metadata.invocation_id);
  });
});

describe('sourcesFile', () => {
  it('has only the error of a source whose query failed', () => {
    const rows = [
      { id: 'source.shop.raw.orders', status: 'warn' },
      { id: 'source.shop.raw.items', status: 'runtime error', message: 'no such table' },
    ];
    expect(sourcesFile(rows, { generatedAt })).toMatchObject({
      metadata: { dbt_schema_version: 'https://schemas.getdbt.com/dbt/sources/v3.json' },
      results: [
        { unique_id: 'source.shop.raw.orders', status: 'warn', max_loaded_at_time_ago_in_s: 60 },
        { unique_id: 'source.shop.raw.items', status: 'runtime error', error: 'no such table' },
      ],
    });
  });
});

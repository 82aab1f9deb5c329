import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
const cwd = join(import.meta.dirname, '../..');

interface Line {
  readonly kind: 'answer' | 'message' | 'handled' | 'summary';
  readonly [field: string]: unknown;
}

// A build of all libs and of the example.
beforeAll(() => run('npm', ['run', '-s', 'build:example'], { cwd }), 120_000);

describe.each(['express', 'fastify'])('the demo on %s', (http) => {
  it('ends well, with what was answered, read and handled, one JSON object a line', async () => {
    const { stdout } = await run(process.execPath, ['dist/example/demo.js', '--json'], {
      cwd,
      env: { ...process.env, EXAMPLE_HTTP: http, NODE_OPTIONS: '' },
    });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const of = (kind: Line['kind']) => lines.filter((line) => line.kind === kind);
    expect(lines.at(-1)).toMatchObject({ kind: 'summary', ok: true, problems: 0 });
    expect(of('answer')).toHaveLength(24);
    expect(of('answer')).toContainEqual({ kind: 'answer', source: 'dbt', httpStatus: 200, status: 'duplicate' });
    expect(of('message')).toContainEqual({ kind: 'message', source: 'dbt', state: 'quarantined' });
    expect(of('handled').filter(({ handler, runId }) => handler === 'on-call.page' && runId === '20001')).toEqual([
      {
        kind: 'handled',
        handler: 'on-call.page',
        type: 'run.failed',
        provider: 'dbt-cloud',
        runId: '20001',
        runStatus: 'failed',
        attempt: 1,
        outcome: 'succeeded',
      },
    ]);
    expect(of('handled').filter(({ attempt }) => attempt === 2)).toMatchObject([
      { handler: 'dashboards.refresh', outcome: 'succeeded' },
    ]);
  }, 60_000);
});

describe('the example as a service', () => {
  it.each([
    ['without a secret', {}, "dbtCloud({ name: 'dbt' }).secrets[0]: found undefined"],
    ['with an unknown adapter', { EXAMPLE_HTTP: 'koa' }, 'EXAMPLE_HTTP: found "koa"; expected "express" or "fastify"'],
  ])(
    '%s does not start, and says why',
    async (_, env, reason) => {
      const { PATH } = process.env;
      const started = run(process.execPath, ['dist/example/main.js'], { cwd, env: { ...(PATH && { PATH }), ...env } });
      await expect(started).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(reason) });
    },
    60_000,
  );
});

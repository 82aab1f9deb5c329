import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { dbtCloudWebhook, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { eventually } from '../postgres/eventually.js';
import { freePort } from '../postgres/own-server.js';
import { onPostgres, POSTGRES_URL, Schemas } from '../postgres/server.js';

const run = promisify(execFile);
const cwd = join(import.meta.dirname, '../..');

interface Line {
  readonly kind: 'answer' | 'message' | 'handled' | 'webhook' | 'sweep' | 'summary';
  readonly [field: string]: unknown;
}

// This builds all libs and the example.
beforeAll(() => run('npm', ['run', '-s', 'build:example'], { cwd }));

describe.each(['express', 'fastify'])('npm run demo on %s', (http) => {
  it('succeeds and prints responses, parsed messages and handled events as one JSON object per line', async () => {
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
    expect(of('message')).toContainEqual({
      kind: 'message',
      source: 'dbt',
      state: 'quarantined',
      origin: 'webhook',
    });
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

    const aboutNodes = of('handled').filter(({ type }) => String(type).startsWith('node.'));
    expect(aboutNodes).toMatchObject([
      { handler: 'on-call.node-failed', type: 'node.failed', runId: '40001', outcome: 'succeeded' },
      { handler: 'on-call.node-failed', type: 'node.failed', runId: '40002', outcome: 'succeeded' },
      { handler: 'on-call.node-recovered', type: 'node.recovered', runId: '40003', outcome: 'succeeded' },
      { handler: 'on-call.node-failed', type: 'node.failed', runId: '50001', outcome: 'succeeded' },
      { handler: 'on-call.node-recovered', type: 'node.recovered', outcome: 'succeeded' },
      { handler: 'on-call.node-failed', type: 'node.failed', runId: '30001', outcome: 'succeeded' },
    ]);
    expect(of('handled').filter(({ type, runId }) => type === 'run.results' && runId === '40001')).toHaveLength(1);

    const ofRetries = of('handled').filter(({ handler }) => String(handler).startsWith('retries.'));
    expect(ofRetries.toSorted((one, other) => String(one['outcome']).localeCompare(String(other['outcome'])))).toEqual([
      expect.objectContaining({ handler: 'retries.retry', runStatus: 'succeeded', outcome: 'skipped' }),
      expect.objectContaining({ handler: 'retries.retry', runId: '50001', attempt: 1, outcome: 'succeeded' }),
      expect.objectContaining({ handler: 'retries.recovered', runStatus: 'succeeded', outcome: 'succeeded' }),
    ]);
    expect(lines.at(-1)).toMatchObject({ inbox: { actions: { answered: 1, unknown: 0 } } });

    expect(of('webhook').filter(({ runId }) => /^3000\d$/.test(String(runId)))).toMatchObject([
      { runId: '30001', type: 'job.run.started', state: 'delivered' },
      { runId: '30001', type: 'job.run.errored', state: 'lost' },
      { runId: '30001', type: 'job.run.completed', state: 'lost' },
      { runId: '30002', type: 'job.run.started', state: 'delivered' },
    ]);
    expect(of('sweep').map(({ messages }) => messages)).toEqual([2, 2, 0]);
    expect(of('message').filter(({ origin }) => origin === 'api')).toHaveLength(4);
    const handled = (runId: string, handler: string) =>
      of('handled').flatMap((line) => (line['runId'] === runId && line['handler'] === handler ? [line['type']] : []));
    expect(handled('30001', 'on-call.page')).toEqual(['run.failed']);
    expect(handled('30002', 'on-call.page')).toEqual([]);
    expect(handled('30002', 'run-audit.count')).toEqual(['run.started', 'run.canceled', 'run.completed']);
    expect(lines.at(-1)).toMatchObject({ inbox: { foundBySweep: [{ source: 'dbt', runs: 2 }] } });
  });
});

describe('the example as a service', () => {
  it.each([
    ['without a secret', {}, "dbtCloud({ name: 'dbt' }).secrets[0]: expected a string, got undefined"],
    ['with an unknown adapter', { EXAMPLE_HTTP: 'koa' }, 'EXAMPLE_HTTP: found "koa"; expected "express" or "fastify"'],
    ['with an unknown role', { RUNHOOKS_ROLE: 'web' }, 'RUNHOOKS_ROLE: found "web"; expected "receiver", "worker"'],
  ])('fails to start %s and logs the reason', async (_, env, reason) => {
    const { PATH } = process.env;
    const started = run(process.execPath, ['dist/example/main.js'], { cwd, env: { ...(PATH && { PATH }), ...env } });
    await expect(started).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(reason) });
  });

  it('lists the environment variables it reads', async () => {
    const { stdout } = await run(process.execPath, ['dist/example/main.js', '--help'], { cwd });
    expect(stdout).toContain('RUNHOOKS_DATABASE_URL');
  });
});

onPostgres('the example as a receiver and a worker on one Postgres', () => {
  const schemas = new Schemas();
  const children: ChildProcess[] = [];

  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  });

  /** Starts a process. `logged` resolves as soon as it has logged the text. */
  function start(env: NodeJS.ProcessEnv) {
    const child = spawn(process.execPath, ['dist/example/main.js'], {
      cwd,
      env: { PATH: process.env['PATH'], ...env },
    });
    children.push(child);
    let output = '';
    child.stderr.on('data', (data) => (output += String(data)));
    child.stdout.on('data', (data) => (output += String(data)));
    const logs = (text: string) => eventually(() => output.includes(text) && output);
    return { child, logs };
  }

  it('stores in one process, handles in the other, and ends by itself on SIGTERM', async () => {
    const database = schemas.next();
    await schemas.query(`create database "${database}"`);
    const url = new URL(POSTGRES_URL);
    url.pathname = `/${database}`;
    const port = await freePort();
    const env = {
      DBT_CLOUD_WEBHOOK_SECRET: TEST_SECRETS.dbtCloud,
      PARADIME_WEBHOOK_SECRET: TEST_SECRETS.paradime,
      RUNHOOKS_DATABASE_URL: url.href,
    };
    try {
      const worker = start({ ...env, RUNHOOKS_ROLE: 'worker' });
      const receiver = start({ ...env, RUNHOOKS_ROLE: 'receiver', PORT: `${port}` });
      await Promise.all([receiver.logs('successfully started'), worker.logs('dashboards.refresh')]);
      const { body, headers } = dbtCloudWebhook({ event: 'failed', payload: { data: { jobName: 'nightly' } } });
      const target = `http://127.0.0.1:${port}/webhooks/dbt`;
      const sent = await eventually(() => fetch(target, { method: 'POST', body: new Uint8Array(body), headers }));
      expect(sent.status).toBe(200);
      expect(await worker.logs('nightly in')).toMatch(/Page dlv_.*: nightly in .* failed/);
      worker.child.kill('SIGTERM');
      const [code, signal] = (await once(worker.child, 'exit')) as unknown[];
      expect([code, signal]).toEqual([null, 'SIGTERM']);
    } finally {
      for (const child of children) child.kill('SIGKILL');
      await schemas.query(`drop database if exists "${database}" with (force)`);
    }
  });
});

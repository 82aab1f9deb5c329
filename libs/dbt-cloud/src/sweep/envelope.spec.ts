import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { ParseResult } from 'nestjs-runhooks/core';
import { storedMessage } from '../../../../test/providers/stored-message.js';
import { readRun } from '../api/api-readers.js';
import { dbtCloud } from '../source.js';
import { envelopeOf } from './envelope.js';

const fixtures = new URL('../../../../test/fixtures/dbt-cloud/', import.meta.url);
const RECEIVED_AT = new Date('2026-11-30T12:00:00.000Z');
const accessUrl = 'https://ab123.us1.dbt.com';
const source = dbtCloud({ name: 'dbt', secrets: ['a-secret'], accessUrl, api: { readToken: 'r', accountId: '4' } });
const provider = source.open();
const NAMES = { project: 'Analytics', environment: 'Production', job: 'nightly' };

function parseBody(body: unknown): ParseResult {
  return provider.parseReported!(storedMessage(JSON.stringify(body), RECEIVED_AT));
}

function parse(run: object, phase?: string, names: object = NAMES): ParseResult {
  return parseBody({ v: 1, run, names, ...(phase !== undefined && { phase }) });
}

function parsed(result: ParseResult) {
  if (result.state !== 'parsed') throw new Error(`${result.state}: ${result.reason}`);
  return result;
}

/** Returns the run of a webhook as the API shows it. */
function apiRun(webhook: { readonly accountId: number; readonly data: Readonly<Record<string, unknown>> }): object {
  const { data } = webhook;
  return {
    id: Number(data['runId']),
    account_id: webhook.accountId,
    project_id: Number(data['projectId']),
    environment_id: Number(data['environmentId']),
    job_definition_id: Number(data['jobId']),
    status: data['runStatusCode'],
    status_message: null,
    dbt_version: data['dbtVersion'],
    started_at: data['runStartedAt'],
    finished_at: data['runFinishedAt'] ?? data['runErroredAt'] ?? null,
    updated_at: data['runFinishedAt'] ?? data['runErroredAt'] ?? null,
    trigger: { cause: data['runReason'], cause_category: 'scheduled' },
    artifacts_saved: true,
    is_complete: true,
  };
}

const RUN = {
  id: 7,
  account_id: 4,
  project_id: 20,
  environment_id: 30,
  job_definition_id: 10,
  status: 20,
  status_message: 'dbt command failed',
  git_branch: 'main',
  git_sha: '8d1ef1b2',
  started_at: '2026-11-30 11:00:10.250000+00:00',
  finished_at: '2026-11-30 11:10:00.123456+00:00',
  updated_at: '2026-11-30 11:10:09.000000+00:00',
  retrying_run_id: 5,
  href: 'https://ab123.us1.dbt.com/deploy/4/projects/20/runs/7/',
  trigger: { cause: 'Kicked off by the scheduler', cause_category: 'scheduled', github_pull_request_id: 12 },
  artifacts_saved: true,
  is_complete: true,
};

describe('a run that a sweep found', () => {
  it('is the same for a worker without the option api', () => {
    const message = storedMessage(JSON.stringify({ v: 1, run: RUN, names: NAMES, phase: 'complete:20' }), RECEIVED_AT);
    const without = dbtCloud({ name: 'dbt', secrets: ['a-secret'], accessUrl }).open();
    expect(parsed(without.parseReported!(message))).toEqual(parsed(provider.parseReported!(message)));
  });

  it.each([
    ['11-started', 'running'],
    ['12-completed', 'complete:10'],
    ['13-errored', 'ended:20'],
    ['14-captured-completed', 'complete:10'],
  ])('has the run and payload of the webhook %s', (name, phase) => {
    const text = readFileSync(new URL(`${name}.json`, fixtures), 'utf8');
    const webhook = JSON.parse(text) as { accountId: number; data: Record<string, string> };
    const { projectName, environmentName, jobName } = webhook.data;
    const told = parsed(provider.parse(storedMessage(text, RECEIVED_AT)));
    const found = parsed(
      parse(apiRun(webhook), phase, { project: projectName, environment: environmentName, job: jobName }),
    );
    const { trigger, statusMessage: _, ...run } = told.signal.run;
    expect(found.messageType).toBe(told.messageType);
    expect(found.signal).toMatchObject({ types: told.signal.types, run });
    expect(found.signal.run.trigger).toMatchObject(trigger);
    const { accountId, eventType, data } = told.payload as { accountId: string; eventType: string; data: object };
    const { runStatusMessage: __, ...shared } = data as Record<string, unknown>;
    expect(found.payload).toMatchObject({ accountId, eventType, data: shared });
    expect(found.payload.constructor).toBe(told.payload.constructor);
    expect(found.notes).toEqual([]);
  });

  it.each([
    [3, 'running', ['run.started'], 'running'],
    [10, 'ended:10', ['run.succeeded'], 'succeeded'],
    [10, 'complete:10', ['run.succeeded', 'run.completed'], 'succeeded'],
    [20, 'ended:20', ['run.failed'], 'failed'],
    [20, 'complete:20', ['run.failed', 'run.completed'], 'failed'],
    [30, 'ended:30', ['run.canceled'], 'canceled'],
    [30, 'complete:30', ['run.canceled', 'run.completed'], 'canceled'],
    [40, 'complete:40', ['run.completed'], 'unknown'],
  ])('with the status %d in the phase %s reports %j', (status, phase, types, expected) => {
    const { signal } = parsed(parse({ ...RUN, status }, phase));
    expect(signal).toMatchObject({ types, run: { status: expected } });
  });

  it('has the commit, the category, the pull request and the retried run, which only the API reports', () => {
    const { signal } = parsed(parse(RUN, 'ended:20'));
    expect(signal.occurredAt).toEqual(new Date('2026-11-30T11:10:00.123Z'));
    expect(signal.run).toMatchObject({
      trigger: { kind: 'schedule', reason: 'Kicked off by the scheduler', category: 'scheduled' },
      commit: { branch: 'main', sha: '8d1ef1b2', pullRequest: '12' },
      retryOf: '5',
      url: 'https://ab123.us1.dbt.com/deploy/4/projects/20/runs/7',
      statusMessage: 'dbt command failed',
      providerStatus: 'Errored',
    });
  });

  it('ends at its last change if it has no end', () => {
    const { signal } = parsed(parse({ ...RUN, status: 30, finished_at: null }, 'ended:30'));
    expect(signal.run.finishedAt).toEqual(new Date('2026-11-30T11:10:09Z'));
    const without = parsed(parse({ ...RUN, status: 30, finished_at: null, updated_at: null }, 'ended:30'));
    expect(without.signal.occurredAt).toEqual(RECEIVED_AT);
  });

  it('has ids only if the names are unknown', () => {
    const { run } = parsed(parse(RUN, 'ended:20', {})).signal;
    expect(run).toMatchObject({ job: { key: '4/10', id: '10' }, project: { id: '20' }, environment: { id: '30' } });
    expect([run.job, run.project, run.environment].some((one) => one && 'name' in one)).toBe(false);
  });

  it('is judged by its own state if the message names no phase', () => {
    expect(parsed(parse({ ...RUN, status: 3 })).signal.types).toEqual(['run.started']);
    expect(parsed(parse({ ...RUN, artifacts_saved: false })).signal.types).toEqual(['run.failed']);
    expect(parsed(parse(RUN)).signal.types).toEqual(['run.failed', 'run.completed']);
  });

  it.each<[string, unknown]>([
    ['another version', { v: 2, run: RUN, names: {} }],
    ['no run', { v: 1, names: {} }],
    ['a run without an id', { v: 1, run: { ...RUN, id: null }, names: {} }],
    ['a run without a job', { v: 1, run: { ...RUN, job_definition_id: null }, names: {} }],
    [
      'a run without a status',
      { v: 1, run: { ...RUN, status: null, status_humanized: null }, names: {}, phase: 'complete:10' },
    ],
    ['no object', []],
  ])('is quarantined with %s', (_, body) => {
    expect(parseBody(body).state).toBe('quarantined');
  });

  it('leaves invalid minor fields out with a note', () => {
    const result = parsed(parse({ ...RUN, started_at: 'soon' }, 'ended:20'));
    expect(result.notes).toMatchObject([{ path: 'data.runStartedAt' }]);
    expect(result.signal.run).not.toHaveProperty('startedAt');
  });
});

describe('envelopeOf', () => {
  it('keeps the run and its trigger, but no settings of its job and no logs', () => {
    const run = readRun({
      ...RUN,
      job: { id: 10, settings: {} },
      run_steps: [{ logs: 'x' }],
      debug_logs: 'x',
      extra: 1,
    });
    if (!run) throw new Error('the run is invalid');
    expect(envelopeOf(run, NAMES)).toEqual({ v: 1, run: { ...RUN, extra: 1 }, names: NAMES });
  });
});

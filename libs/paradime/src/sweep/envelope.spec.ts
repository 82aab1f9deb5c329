import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { ParseResult, Run, RunSignal } from 'nestjs-runhooks/core';
import { storedMessage } from '../../../../test/providers/stored-message.js';
import type { ParadimeApiCommand, ParadimeApiRun } from '../api/api-objects.js';
import { readRun, readRunDetail, type Fields } from '../api/api-readers.js';
import { paradime } from '../source.js';
import { envelopeOf, parseEnvelope, type RunPlace } from './envelope.js';

const RECEIVED = new Date('2023-10-15T16:45:00Z');
const DAILY: RunPlace = { workspace: 'w1', workspaceName: 'demo', schedule: { slug: 'daily-run', name: 'daily_run' } };

function fixture(name: string): Record<string, unknown> {
  return JSON.parse(
    readFileSync(new URL(`../../../../test/fixtures/paradime/${name}.json`, import.meta.url), 'utf8'),
  ) as Record<string, unknown>;
}

function parse(run: ParadimeApiRun, place: RunPlace, commands?: readonly ParadimeApiCommand[]): ParseResult {
  return parseText(JSON.stringify({ ...envelopeOf(run, place, commands), phase: 'any' }));
}

function parseText(body: string): ParseResult {
  return parseEnvelope(storedMessage(body, RECEIVED), 'https://app.demo.paradime.io');
}

function signalOf(result: ParseResult): RunSignal {
  if (result.state !== 'parsed') throw new Error(JSON.stringify(result));
  return result.signal;
}

/** Returns the run of a webhook as the API reports it. */
function apiOf(webhook: Record<string, unknown>, state: string): [ParadimeApiRun, RunPlace, ParadimeApiCommand[]] {
  const environment = webhook['environment'] as Fields;
  const workspace = webhook['workspace'] as { uid: string; name: string };
  const run = readRun(
    {
      id: webhook['id'],
      state,
      actor: environment['actor'],
      actorEmail: environment['email'],
      startDttm: webhook['start_dttm'],
      endDttm: webhook['end_dttm'],
      gitInfo: { branch: environment['branch'], commitHash: environment['commit_hash'], pullRequestId: null },
    },
    'daily_run',
  );
  const commands = ((webhook['commands'] ?? []) as Fields[]).map((command) => ({
    id: command['id'],
    command: command['command'],
    startDttm: command['start_dttm'],
    endDttm: command['end_dttm'],
    returnCode: command['return_code'],
  }));
  return [
    run!,
    { workspace: workspace.uid, workspaceName: workspace.name, schedule: { name: 'daily_run' } },
    [...readRunDetail({ state, commands }, String(webhook['id'])).commands],
  ];
}

/** Returns a run without what the API does not report: words of statuses, files, and the environment of the schedule. */
function comparable({ environment: _environment, providerStatus: _status, commands, ...run }: Run): object {
  return {
    ...run,
    commands: commands?.map(({ providerStatus: _word, resources: _files, ...command }) => command),
  };
}

describe('a run that a sweep found', () => {
  it('is the same for a worker without the option api, except for its address', () => {
    const run = readRun({ id: 7, state: 'FAILED', endDttm: '2023-10-15 16:00:00' }, 'daily-run')!;
    const message = storedMessage(JSON.stringify(envelopeOf(run, DAILY, [])), RECEIVED);
    const without = paradime({ name: 'p', scheme: 'unsigned-insecure' }).open();
    const { run: found, ...signal } = signalOf(without.parseReported!(message));
    const { run: withApi, ...expected } = signalOf(parseEnvelope(message, 'https://app.demo.paradime.io'));
    const { url, ...same } = withApi;
    expect(url).toBeDefined();
    expect({ ...signal, run: found }).toEqual({ ...expected, run: same });
  });

  it.each([
    ['run-started', 'RUNNING', 'bolt.run.started'],
    ['run-completed-failed', 'FAILED', 'bolt.run.completed'],
  ])('has the same result as its webhook: %s', (name, state, messageType) => {
    const webhook = {
      ...fixture(name),
      run_url: `https://app.demo.paradime.io/bolt/run_id/${String(fixture(name)['id'])}`,
    };
    const [run, place, commands] = apiOf(webhook, state);
    const provider = paradime({ name: 'p', scheme: 'unsigned-insecure' }).open();
    const heard = signalOf(provider.parse(storedMessage(JSON.stringify(webhook), RECEIVED)));
    const swept = parse(run, place, state === 'RUNNING' ? undefined : commands);

    expect(swept).toMatchObject({ state: 'parsed', messageType, notes: [] });
    const found = signalOf(swept);
    expect({ ...found, run: comparable(found.run) }).toEqual({ ...heard, run: comparable(heard.run) });
  });

  it('has the job keys of a webhook with a slug and a label', () => {
    const { run, otherJobKeys } = signalOf(parse({ id: '7', schedule: 'daily-run', status: 'running' }, DAILY));
    expect(run.job).toEqual({ key: 'w1/daily-run', id: 'daily-run', name: 'daily_run' });
    expect(otherJobKeys).toEqual(['w1/daily_run']);
  });

  it.each([
    ['SUCCESS', ['run.succeeded', 'run.completed']],
    ['FAILED', ['run.failed', 'run.completed']],
    ['ERROR', ['run.failed', 'run.completed']],
    ['CANCELED', ['run.canceled', 'run.completed']],
    ['SKIPPED', ['run.completed']],
  ])('is over in the state %s, also without any time', (state, types) => {
    const run = readRun({ id: 7, state, startDttm: null, endDttm: null }, 'daily-run')!;
    expect(signalOf(parse(run, DAILY, []))).toMatchObject({ types, occurredAt: RECEIVED });
    const begun = readRun({ id: 7, state, startDttm: '2023-10-15 16:00:00', endDttm: null }, 'daily-run')!;
    expect(signalOf(parse(begun, DAILY, []))).toMatchObject({ types, occurredAt: RECEIVED });
  });

  it('is over without an outcome in an unknown state with an end', () => {
    const run = readRun({ id: 7, state: 'NEW', endDttm: '2023-10-15 16:00:00' }, 'daily-run')!;
    expect(signalOf(parse(run, DAILY, [])).types).toEqual(['run.completed']);
  });

  it('ends with its last command if the API has no end', () => {
    const run = readRun({ id: 7, state: 'CANCELED', startDttm: '2023-10-15 16:00:00' }, 'daily-run')!;
    const command = { command: 'dbt run', startedAt: new Date('2023-10-15T16:00:00Z') };
    const commands = [
      { ...command, id: '1', endedAt: new Date('2023-10-15T16:01:00Z') },
      { ...command, id: '2' },
    ];
    expect(signalOf(parse(run, DAILY, commands)).run).toMatchObject({
      finishedAt: new Date('2023-10-15T16:01:00Z'),
      durationMs: 60_000,
    });
  });

  it('has the pull request and the retried run, which webhooks lack', () => {
    const sent = { id: 7, state: 'RUNNING', parentScheduleRunId: 5, gitInfo: { branch: 'b', pullRequestId: '12' } };
    expect(signalOf(parse(readRun(sent, 'daily-run')!, DAILY)).run).toMatchObject({
      retryOf: '5',
      commit: { branch: 'b', pullRequest: '12' },
    });
  });
});

describe('a body that is no envelope', () => {
  it.each(['', '{', 'null', '[]', '{"v":1}', '{"v":2,"run":{}}', '{"v":1,"run":[]}', '{"v":1,"run":{"id":"7"}}'])(
    'is quarantined: %s',
    (body) => {
      expect(parseText(body)).toMatchObject({ state: 'quarantined', reason: expect.any(String) });
    },
  );
});

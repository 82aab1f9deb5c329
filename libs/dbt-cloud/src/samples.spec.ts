import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { Run, RunSignal } from 'nestjs-runhooks/core';
import { storedMessage } from '../../../test/providers/stored-message.js';
import { dbtCloud } from './source.js';

const directory = new URL('../../../test/fixtures/dbt-cloud/', import.meta.url);
const receivedAt = new Date('2026-11-23T08:00:00.000Z');
const provider = dbtCloud({ name: 'dbt', secrets: ['a-secret'], accessUrl: 'https://cloud.getdbt.com/' }).open();

function message(name: string) {
  return storedMessage(readFileSync(new URL(`${name}.json`, directory)), receivedAt);
}

/** Draft of 2022: no status but on the completed run. */
const DRAFT: Omit<Run, 'status'> = {
  id: '109281092812',
  job: { key: '123/2', id: '2', name: 'test-job' },
  account: { id: '123' },
  project: { name: 'My New Project' },
  environment: { id: '121221', name: 'development' },
  trigger: { kind: 'schedule', reason: 'job_scheduled' },
  startedAt: new Date('2022-05-02T10:41:31.000Z'),
};

const DAILY: Omit<Run, 'status' | 'trigger' | 'project'> = {
  id: '12345',
  job: { key: '1/123', id: '123', name: 'Daily Job (dbt build)' },
  account: { id: '1' },
  environment: { id: '1234', name: 'Production' },
  startedAt: new Date('2023-01-31T19:28:07.000Z'),
};

const VAULT: Omit<Run, 'trigger' | 'project'> = {
  id: '12345',
  status: 'failed',
  providerStatus: 'Errored',
  job: { key: '1/123', id: '123', name: 'dbt Vault' },
  account: { id: '1' },
  environment: { id: '1234', name: 'dbt Vault Demo' },
  startedAt: new Date('2023-01-31T21:14:41.000Z'),
  finishedAt: new Date('2023-01-31T21:15:20.000Z'),
  durationMs: 39_000,
};

const SPIKE: Omit<Run, 'id' | 'status' | 'trigger'> = {
  job: { key: '43786/512049', id: '512049', name: 'Nightly production build (dbt build)' },
  account: { id: '43786' },
  project: { id: '301284', name: 'Analytics' },
  environment: { id: '218762', name: 'Production' },
};

const fromUi = { kind: 'manual', reason: 'Kicked off from UI by test@test.com' } as const;
const fromTheUi = { kind: 'manual', reason: 'Kicked off from the UI by test@test.com' } as const;
const betaProject = { name: 'Snowflake Github Demo' };
const project = { id: '167194', name: 'Snowflake Github Demo' };
const url = 'https://cloud.getdbt.com/deploy/1/projects/167194/runs/12345';
const dailyEnd = { finishedAt: new Date('2023-01-31T19:29:32.000Z'), durationMs: 85_000 };
const running = { status: 'running', providerStatus: 'Running' } as const;
const success = { status: 'succeeded', providerStatus: 'Success' } as const;

interface Expected {
  readonly type: string;
  readonly eventId: string;
  readonly signal: RunSignal;
}

const startedAt19 = new Date('2023-01-31T19:28:07.000Z');
const STARTED = 'wev_2L6Z3l8uPedXKPq9D2nWbPIip7Z';
const COMPLETED = 'wev_2L6ZDoilyiWzKkSA59Gmc2d7FDD';
const ERRORED = 'wev_2L6m5BggBw9uPNuSmtg4MUiW4Re';

function started(run: Run): Expected {
  return {
    type: 'job.run.started',
    eventId: STARTED,
    signal: { types: ['run.started'], occurredAt: startedAt19, run },
  };
}

function completed(run: Run): Expected {
  const signal: RunSignal = { types: ['run.succeeded', 'run.completed'], occurredAt: dailyEnd.finishedAt, run };
  return { type: 'job.run.completed', eventId: COMPLETED, signal };
}

function errored(run: Run): Expected {
  const signal: RunSignal = { types: ['run.failed'], occurredAt: new Date('2023-01-31T21:15:20.000Z'), run };
  return { type: 'job.run.errored', eventId: ERRORED, signal };
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  '02-2022-started': {
    type: 'job.run.started',
    eventId: '231321foisdjfiods',
    signal: {
      types: ['run.started'],
      occurredAt: new Date('2022-05-02T10:41:31.000Z'),
      run: { ...DRAFT, status: 'running' },
    },
  },
  '03-2022-canceled': {
    type: 'job.run.canceled',
    eventId: '231321foisdjfiods',
    signal: {
      types: ['run.canceled', 'run.completed'],
      occurredAt: new Date('2022-05-02T10:42:31.000Z'),
      run: { ...DRAFT, status: 'canceled', finishedAt: new Date('2022-05-02T10:42:31.000Z'), durationMs: 60_000 },
    },
  },
  '04-2022-completed': {
    type: 'job.run.completed',
    eventId: '231321foisdjfiods',
    signal: {
      types: ['run.succeeded', 'run.completed'],
      occurredAt: new Date('2022-05-02T10:42:31.000Z'),
      run: {
        ...DRAFT,
        status: 'succeeded',
        providerStatus: 'complete',
        finishedAt: new Date('2022-05-02T10:42:31.000Z'),
        durationMs: 60_000,
      },
    },
  },
  '05-beta-started': started({ ...DAILY, ...running, project: betaProject, trigger: fromUi }),
  '06-beta-completed': completed({
    ...DAILY,
    ...dailyEnd,
    ...success,
    project: betaProject,
    trigger: { kind: 'unknown' },
  }),
  '07-beta-errored': errored({ ...VAULT, project: betaProject, trigger: fromUi }),
  '08-2023-started': started({ ...DAILY, ...running, url, project, trigger: fromUi }),
  '09-2023-completed': completed({ ...DAILY, ...dailyEnd, ...success, url, project, trigger: fromUi }),
  '10-2023-errored': errored({ ...VAULT, url, project, trigger: fromUi }),
  '11-started': started({ ...DAILY, ...running, url, project, trigger: fromTheUi }),
  '12-completed': completed({ ...DAILY, ...dailyEnd, ...success, url, project, trigger: fromTheUi }),
  '13-errored': errored({ ...VAULT, url, project, trigger: fromTheUi }),
  '14-captured-completed': {
    type: 'job.run.completed',
    eventId: 'wev_2QSUzWMSv40ow7s8n8TfVPVnYua',
    signal: {
      types: ['run.succeeded', 'run.completed'],
      occurredAt: new Date('2023-05-29T07:52:15.000Z'),
      run: {
        id: '155144666',
        url: 'https://cloud.getdbt.com/deploy/66847/projects/241251/runs/155144666',
        ...success,
        job: { key: '66847/278164', id: '278164', name: 'Snowflake Project Job' },
        account: { id: '66847' },
        project: { id: '241251', name: 'Snowflake 2' },
        environment: { id: '187998', name: 'Deployment 1.4' },
        trigger: { kind: 'manual', reason: 'Kicked off from UI by user@example.com' },
        startedAt: new Date('2023-05-29T07:51:56.000Z'),
        finishedAt: new Date('2023-05-29T07:52:15.000Z'),
        durationMs: 19_000,
      },
    },
  },
  '18-spike-errored': {
    type: 'job.run.errored',
    eventId: 'wev_2pV7cZ1kYw3RmA9sQe5TnB0xHdL',
    signal: {
      types: ['run.failed'],
      occurredAt: new Date('2026-10-09T03:12:47.000Z'),
      run: {
        ...SPIKE,
        id: '318274655',
        url: 'https://cloud.getdbt.com/deploy/43786/projects/301284/runs/318274655',
        status: 'failed',
        providerStatus: 'Errored',
        trigger: { kind: 'schedule', reason: 'Kicked off by the scheduler' },
        startedAt: new Date('2026-10-09T03:00:04.000Z'),
        finishedAt: new Date('2026-10-09T03:12:47.000Z'),
        durationMs: 763_000,
      },
    },
  },
  '19-spike-completed': {
    type: 'job.run.completed',
    eventId: 'wev_2pVJ4mQ8sTb6XcE1oFr7WkN2yGa',
    signal: {
      types: ['run.succeeded', 'run.completed'],
      occurredAt: new Date('2026-10-09T05:24:15.000Z'),
      run: {
        ...SPIKE,
        id: '318281102',
        url: 'https://cloud.getdbt.com/deploy/43786/projects/301284/runs/318281102',
        ...success,
        trigger: { kind: 'manual', reason: 'Kicked off from the UI by data-oncall@acme.com' },
        startedAt: new Date('2026-10-09T05:10:02.000Z'),
        finishedAt: new Date('2026-10-09T05:24:15.000Z'),
        durationMs: 853_000,
      },
    },
  },
};

describe('documented and captured messages', () => {
  it('are all covered by this file', () => {
    const names = readdirSync(directory).filter((name) => !name.startsWith('01-'));
    expect(names.sort()).toEqual(Object.keys(EXPECTED).map((name) => `${name}.json`));
  });

  it.each(Object.entries(EXPECTED))('parses %s as its run and events', (name, { type, eventId, signal }) => {
    const sample = message(name);
    const result = provider.parse(sample);

    expect(result).toStrictEqual({
      state: 'parsed',
      messageType: type,
      payload: expect.any(Object),
      notes: [],
      signal,
    });
    expect(provider.identify(sample)).toBe(eventId);
  });

  it("keep their values in the payload, under today's names", () => {
    const result = provider.parse(message('03-2022-canceled'));

    expect(result).toHaveProperty('payload', {
      accountId: '123',
      eventId: '231321foisdjfiods',
      timestamp: '2022-05-02 12:42:31',
      eventType: 'job.run.canceled',
      webhookName: 'My Account Run Events Webhook',
      data: {
        runReason: 'job_scheduled',
        jobId: '2',
        jobName: 'test-job',
        runId: '109281092812',
        environmentId: '121221',
        environmentName: 'development',
        runStartedAt: '2022-05-02 10:41:31',
        runCanceledAt: '2022-05-02 10:42:31',
        webhook_name: 'My Account Run Events Webhook',
        dbtVersion: '1.0.0',
        projectName: 'My New Project',
      },
    });
  });

  it.each(['09-2023-completed', '12-completed'])('parses the webhookId of %s under any of its names', (name) => {
    const result = provider.parse(message(name));

    expect(result).toHaveProperty('payload.webhookId', 'wsu_12345abcde');
    expect(result).not.toHaveProperty('payload.webhooksID');
    expect(result).toHaveProperty('payload.data.runStatusMessage', 'None');
  });

  it('lack run.url without an accessUrl or a project id', () => {
    const withoutUrl = dbtCloud({ name: 'dbt', secrets: ['a-secret'] }).open();

    expect(withoutUrl.parse(message('12-completed'))).not.toHaveProperty('signal.run.url');
    expect(provider.parse(message('06-beta-completed'))).not.toHaveProperty('signal.run.url');
  });

  it('are quarantined if they are unsigned lifecycle events of 2021', () => {
    expect(provider.parse(message('01-2021-lifecycle-running'))).toEqual({
      state: 'quarantined',
      reason: 'eventType: expected a string such as job.run.completed, got nothing',
    });
  });
});

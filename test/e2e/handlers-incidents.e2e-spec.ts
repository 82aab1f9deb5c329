import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Inbox,
  OnRun,
  OnRunFailed,
  OnRunRecovered,
  OnRunStarted,
  type RunEvent,
  type RunFailed,
  type RunRecovered,
  type RunStarted,
} from 'nestjs-runhooks';
import { closeApps, startHandlers } from './handlers-app.js';
import { about, MINUTE } from './timed-runs.js';

afterEach(closeApps);

describe('incidents', () => {
  @Injectable()
  class Alerts {
    readonly lines: string[] = [];

    @OnRunFailed()
    failed({ run, firstFailure, late }: RunFailed): void {
      this.lines.push(`${run.id} failed${firstFailure ? ' first' : ''}${late ? ' late' : ''}`);
    }

    @OnRunRecovered()
    recovered({ run, incident }: RunRecovered): void {
      const runs = incident.runs.map(({ runId }) => runId).join(' ');
      this.lines.push(`${run.id} recovered from ${runs} since ${incident.openedAt.toISOString().slice(11, 19)}`);
    }
  }

  it('page once when a job fails repeatedly, and report the recovery with the first failure', async () => {
    const host = await startHandlers({ providers: [Alerts] });
    host.clock.set(new Date('2026-05-01T10:00:00Z'));
    await host.dbt({ event: 'failed', ...about(host, '1') });
    await host.dbt({ event: 'completed-failed', ...about(host, '1') });
    host.clock.advance(MINUTE);
    await host.dbt({ event: 'completed-failed', ...about(host, '2') });
    await host.dbt({ event: 'failed', ...about(host, '2') });
    await host.dbt({ event: 'failed', ...about(host, '9', 'hourly') });
    host.clock.advance(MINUTE);
    await host.dbt({ event: 'canceled', ...about(host, '3') });
    await host.dbt({ event: 'succeeded', ...about(host, '4', 'nightly', { endedAgo: 90 }) });
    await host.dbt({ event: 'succeeded', ...about(host, '5') });
    await host.dbt({ event: 'failed', ...about(host, '6', 'nightly', { endedAgo: 30 }) });
    expect(host.app.get(Alerts).lines).toEqual([
      '1 failed first',
      '2 failed',
      '9 failed first',
      '5 recovered from 1 2 since 10:00:00',
      '6 failed late',
    ]);
  });

  it('are listed by the inbox, with the runs of a job and the work done for a run', async () => {
    const host = await startHandlers({ providers: [Alerts] });
    await host.dbt({ event: 'started', ...about(host, '1') });
    await host.dbt({ event: 'failed', ...about(host, '1') });
    host.clock.advance(MINUTE);
    await host.dbt({ event: 'succeeded', ...about(host, '2') });
    await host.dbt({ event: 'failed', ...about(host, '3', 'hourly') });
    const inbox = host.app.get(Inbox);
    const nightly = { source: 'dbt', jobKey: '43786/nightly' };
    const { items } = await inbox.runs(nightly);
    expect(items.map(({ runId, outcome }) => [runId, outcome])).toEqual([
      ['2', 'succeeded'],
      ['1', 'failed'],
    ]);
    expect(await inbox.job(nightly)).toEqual({
      latestSuccessAt: expect.any(Date) as unknown,
      environment: { id: '218762', name: 'Production' },
    });
    expect((await inbox.job({ ...nightly, jobKey: '43786/hourly' }))?.incident?.failures).toBe(1);
    const run = await inbox.run({ source: 'dbt', accountId: '43786', runId: '2' });
    expect(run?.messages).toHaveLength(1);
    expect(run?.events.map(({ type }) => type).sort()).toEqual(['run.completed', 'run.recovered', 'run.succeeded']);
    expect(run?.deliveries).toMatchObject([{ handlerId: 'Alerts.recovered', state: 'succeeded' }]);
    expect(await inbox.run({ source: 'dbt', accountId: '43786', runId: 'nowhere' })).toBeUndefined();
  });
});

describe('contradictory outcomes of a run', () => {
  it('keep the first outcome, flag and log the run, and do not change the incident', async () => {
    const seen: string[] = [];
    @Injectable()
    class Handlers {
      @OnRun('run.failed', 'run.succeeded', 'run.recovered', 'run.completed')
      note({ type, run }: RunEvent): void {
        seen.push(`${run.id} ${type}`);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ event: 'failed', ...about(host, '1') });
    host.clock.advance(MINUTE);
    await host.dbt({ event: 'succeeded', ...about(host, '1') });
    expect(seen).toEqual(['1 run.failed', '1 run.completed']);
    const inbox = host.app.get(Inbox);
    const run = await inbox.run({ source: 'dbt', accountId: '43786', runId: '1' });
    expect(run).toMatchObject({ outcome: 'failed', contradicted: true });
    expect(run?.messages.map(({ state }) => state)).toEqual(['parsed', 'parsed']);
    expect((await inbox.job({ source: 'dbt', jobKey: '43786/nightly' }))?.incident?.failures).toBe(1);
    expect(host.log.containing('reports run 1 as succeeded, but that run already has another outcome')).toHaveLength(1);
  });
});

describe('late start of a run', () => {
  it('is delivered only to handlers that ask for late events', async () => {
    const seen: string[] = [];
    @Injectable()
    class Starts {
      @OnRunStarted({ id: 'in-time' })
      inTime({ run, late }: RunStarted): void {
        seen.push(`in time: ${run.id} ${late}`);
      }

      @OnRunStarted({ id: 'all', includeLate: true })
      all({ run, late }: RunStarted): void {
        seen.push(`all: ${run.id} ${late}`);
      }
    }
    const host = await startHandlers({ providers: [Starts] });
    await host.dbt({ event: 'started', ...about(host, '1') });
    await host.dbt({ event: 'succeeded', ...about(host, '2') });
    await host.dbt({ event: 'started', ...about(host, '2') });
    expect(seen.sort()).toEqual(['all: 1 false', 'all: 2 true', 'in time: 1 false']);
    const added = await host.app.get(Inbox).replay({ id: 'again', events: { type: 'run.started' }, by: 'me' });
    expect(added).toBe(3);
  });
});

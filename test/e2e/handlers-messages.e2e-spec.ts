import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { OnMessage, OnRun, type MessageEvent, type RunEvent } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { TEST_SECRETS } from 'nestjs-runhooks/testing';
import { closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

describe('@OnMessage', () => {
  it('receives every message of its type once, whatever the state of its run', async () => {
    const seen: string[] = [];
    @Injectable()
    class Handlers {
      @OnMessage('dbt-cloud', 'job.run.errored')
      errored({ messageType, run }: MessageEvent<'dbt-cloud', 'job.run.errored'>): void {
        seen.push(`${messageType} ${run?.id}`);
      }

      @OnMessage('dbt-cloud', 'job.run.completed')
      completed({ messageType, payload }: MessageEvent<'dbt-cloud', 'job.run.completed'>): void {
        seen.push(`${messageType} ${payload.data.runId}`);
      }

      @OnMessage('paradime', 'bolt.run.completed')
      bolt({ messageType, payload }: MessageEvent<'paradime', 'bolt.run.completed'>): void {
        seen.push(`${messageType} ${payload.id}`);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    const payload = { data: { runId: '7' } };
    await host.dbt({ event: 'started', payload });
    await host.dbt({ event: 'failed', payload });
    await host.dbt({ event: 'failed', payload });
    await host.dbt({ event: 'completed-failed', payload });
    await host.paradime({ event: 'succeeded', payload: { id: 8 } });
    expect(seen).toEqual(['job.run.errored 7', 'job.run.errored 7', 'job.run.completed 7', 'bolt.run.completed 8']);
  });

  it('receives messages of a type Runhooks does not recognize, typed by the program', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Handlers {
      @OnMessage('dbt-cloud', 'job.run.warned')
      warned({ messageType, payload, run }: MessageEvent<'dbt-cloud', 'job.run.warned'>): void {
        seen.push(messageType, payload.data.runId, run);
      }

      @OnRun('run.failed', 'run.succeeded', 'run.completed')
      run(event: RunEvent): void {
        seen.push(event.type);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ payload: { eventType: 'job.run.warned', data: { runId: '7' } } });
    expect(seen).toEqual(['job.run.warned', '7', undefined]);
  });

  it('warns at startup of a type the provider does not have, and suggests the nearest one', async () => {
    @Injectable()
    class Handlers {
      @OnMessage('dbt-cloud', 'job.run.complete' as 'job.run.completed', { id: 'dbt' })
      dbt(): void {}

      @OnMessage('paradime', 'bolt.run.complete' as 'bolt.run.completed', { id: 'bolt' })
      bolt(): void {}

      @OnMessage('dbt-cloud', 'job.run.completed', { id: 'good' })
      @OnMessage('paradime', 'bolt.run.started', { id: 'good' })
      good(): void {}
    }
    const { log } = await startHandlers({ providers: [Handlers] });
    expect(log.containing('unknown to Runhooks')).toEqual([
      'warn Handler "dbt" waits for dbt-cloud message "job.run.complete", a type unknown to Runhooks (did you mean "job.run.completed"?). It runs only if the provider sends that type [RUNHOOKS_MESSAGE_TYPE_UNKNOWN]',
      'warn Handler "bolt" waits for paradime message "bolt.run.complete", a type unknown to Runhooks (did you mean "bolt.run.completed"?). It runs only if the provider sends that type [RUNHOOKS_MESSAGE_TYPE_UNKNOWN]',
    ]);
  });

  it('filters by the details of the run and evaluates `when`', async () => {
    const seen: string[] = [];
    const calls: string[] = [];
    @Injectable()
    class Handlers {
      @OnMessage('dbt-cloud', 'job.run.errored', {
        job: 'nightly-*',
        source: 'dbt',
        when: ({ payload }) => {
          calls.push(payload.data.runId);
          return payload.data.runId !== '8';
        },
      })
      errored({ payload }: MessageEvent<'dbt-cloud'>): void {
        seen.push(payload.data.runId);
      }
    }
    const host = await startHandlers({ providers: [Handlers] });
    await host.dbt({ event: 'failed', payload: { data: { runId: '7', jobName: 'nightly-build' } } });
    await host.dbt({ event: 'failed', payload: { data: { runId: '8', jobName: 'nightly-build' } } });
    await host.dbt({ event: 'failed', payload: { data: { runId: '9', jobName: 'hourly' } } });
    expect(calls).toEqual(['7', '8']);
    expect(seen).toEqual(['7']);
    expect(await host.outcomes()).toEqual(['Handlers.errored 1 skipped', 'Handlers.errored 1 succeeded']);
  });

  it('receives no test messages', async () => {
    const seen: string[] = [];
    @Injectable()
    class Handlers {
      @OnMessage('dbt-cloud', 'job.run.completed')
      completed(): void {
        seen.push('completed');
      }
    }
    const sources = [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], testRunIds: ['1'] })];
    const host = await startHandlers({ providers: [Handlers], webhooks: { sources } });
    await host.dbt({ payload: { data: { runId: '1' } } });
    expect(seen).toEqual([]);
  });
});

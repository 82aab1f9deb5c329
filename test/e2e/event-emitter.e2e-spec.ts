import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import {
  Inbox,
  OnAllRuns,
  OnDeadLetter,
  OnMessage,
  OnRunFailed,
  OnRunStuck,
  PermanentError,
  type DeadLetterEvent,
  type RunEvent,
  type WebhookEvent,
} from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { TEST_SECRETS } from 'nestjs-runhooks/testing';
import { closeApps, startHandlers } from './handlers-app.js';

afterEach(closeApps);

const run = (runId: string) => ({ payload: { data: { runId } } }) as const;

describe('EventEmitterModule integration', () => {
  it('emits each event once under its type with its payload, even when no handler wants it', async () => {
    const seen: string[] = [];
    @Injectable()
    class Listeners {
      @OnEvent('run.started')
      @OnEvent('run.failed')
      @OnEvent('run.completed')
      listen({ type, run: { id }, payload, provider }: RunEvent): void {
        seen.push(`${type} ${id} ${provider} ${payload.constructor.name}`);
      }
    }
    const host = await startHandlers({ imports: [EventEmitterModule.forRoot()], providers: [Listeners] });
    await host.dbt({ event: 'started', ...run('7') });
    await host.dbt({ event: 'failed', ...run('7') });
    await host.dbt({ event: 'failed', ...run('7') });
    await host.dbt({ event: 'completed-failed', ...run('7') });
    expect(seen).toEqual([
      'run.started 7 dbt-cloud DbtCloudPayload',
      'run.failed 7 dbt-cloud DbtCloudPayload',
      'run.completed 7 dbt-cloud DbtCloudPayload',
    ]);
    await host.paradime({ event: 'failed' });
    expect(seen.slice(3).map((line) => line.replace(/ \S+ /, ' '))).toEqual([
      'run.failed paradime ParadimePayload',
      'run.completed paradime ParadimePayload',
    ]);
  });

  it('emits an event in the process that records it, before its handlers run', async () => {
    const seen: string[] = [];
    @Injectable()
    class Both {
      @OnEvent('run.failed')
      listener(): void {
        seen.push('listener');
      }

      @OnRunFailed()
      handler(): void {
        seen.push('handler');
      }
    }
    const host = await startHandlers({ imports: [EventEmitterModule.forRoot()], providers: [Both] });
    await host.dbt({ event: 'failed', ...run('7') });
    expect(seen).toEqual(['listener', 'handler']);
  });

  it('supports wildcard listeners when the app enables wildcards', async () => {
    const seen: string[] = [];
    @Injectable()
    class Listeners {
      @OnEvent('run.*')
      all({ type }: RunEvent): void {
        seen.push(`run.* ${type}`);
      }

      @OnEvent('**')
      everything({ type }: WebhookEvent): void {
        seen.push(`** ${type}`);
      }

      @OnEvent('*.failed')
      failed({ type }: RunEvent): void {
        seen.push(`*.failed ${type}`);
      }
    }
    const host = await startHandlers({
      imports: [EventEmitterModule.forRoot({ wildcard: true })],
      providers: [Listeners],
    });
    await host.dbt({ event: 'failed', ...run('7') });
    await host.dbt({ event: 'completed-failed', ...run('7') });
    expect(seen.sort()).toEqual([
      '** run.completed',
      '** run.failed',
      '*.failed run.failed',
      'run.* run.completed',
      'run.* run.failed',
    ]);
  });

  it('emits derived events: recovered, stuck and joined runs, dead letters, messages', async () => {
    const seen: string[] = [];
    @Injectable()
    class Handlers {
      @OnRunStuck({ id: 'stuck', afterMs: 60_000 })
      @OnAllRuns({ id: 'joined', jobs: ['512049', '512050'], withinMs: 600_000 })
      watch(): void {}

      @OnMessage('dbt-cloud', 'job.run.errored', { id: 'errored' })
      errored(): void {
        throw new PermanentError('no');
      }

      @OnDeadLetter({ id: 'dead' })
      dead(_event: DeadLetterEvent): void {}

      @OnEvent('**')
      listen(event: WebhookEvent): void {
        seen.push(`${event.type} ${'run' in event ? event.run?.id : ''} ${event.payload.constructor.name}`);
      }
    }
    const host = await startHandlers({
      imports: [EventEmitterModule.forRoot({ wildcard: true })],
      providers: [Handlers],
    });
    const job = (runId: string, jobId = '512049') => ({ payload: { data: { runId, jobId } } });
    await host.dbt({ event: 'started', ...job('6') });
    await host.later(120_000);
    expect(seen.splice(0)).toEqual(['run.started 6 DbtCloudPayload', 'run.stuck 6 DbtCloudPayload']);
    await host.dbt({ event: 'failed', ...job('7') });
    expect(seen.splice(0).sort()).toEqual([
      'delivery.dead 7 DbtCloudPayload',
      'message.received 7 DbtCloudPayload',
      'run.failed 7 DbtCloudPayload',
    ]);
    host.clock.advance(60_000);
    await host.dbt({ event: 'succeeded', ...job('8') });
    await host.dbt({ event: 'succeeded', ...job('9', '512050') });
    expect(seen.splice(0).sort()).toEqual([
      'run.completed 8 DbtCloudPayload',
      'run.completed 9 DbtCloudPayload',
      'run.recovered 8 DbtCloudPayload',
      'run.succeeded 8 DbtCloudPayload',
      'run.succeeded 9 DbtCloudPayload',
      'runs.joined  DbtCloudPayload',
    ]);
  });

  it('runs handlers without a retry when a listener throws, and keeps the process alive', async () => {
    let listened = 0;
    @Injectable()
    class Both {
      @OnEvent('run.failed', { suppressErrors: false })
      async rejects(): Promise<void> {
        listened += 1;
        await Promise.reject(new Error('by a listener'));
      }

      @OnRunFailed({ id: 'page' })
      page(): void {}
    }
    const host = await startHandlers({ imports: [EventEmitterModule.forRoot()], providers: [Both] });
    await host.dbt({ event: 'failed', ...run('7') });
    host.app.get(EventEmitter2).prependListener('run.failed', () => {
      throw new Error('at once');
    });
    await host.dbt({ event: 'failed', ...run('8') });
    await host.later();
    expect(await host.outcomes()).toEqual(['page 1 succeeded', 'page 1 succeeded']);
    expect(listened).toBe(1);
    expect(host.log.containing('Listener of run.failed')).toEqual([
      expect.stringMatching(/^error Listener of run\.failed failed on run\.failed:dbt\/\d+\/7: Error: by a list/),
      expect.stringMatching(/^error Listener of run\.failed failed on run\.failed:dbt\/\d+\/8: Error: at once/),
    ]);
  });

  it('runs deliveries without waiting for listeners', async () => {
    @Injectable()
    class Both {
      @OnEvent('run.failed')
      async never(): Promise<void> {
        await new Promise(() => undefined);
      }

      @OnRunFailed({ id: 'page' })
      page(): void {}
    }
    const host = await startHandlers({ imports: [EventEmitterModule.forRoot()], providers: [Both] });
    await host.dbt({ event: 'failed', ...run('7') });
    expect(await host.outcomes()).toEqual(['page 1 succeeded']);
  });

  it('emits nothing for a replay', async () => {
    const seen: string[] = [];
    @Injectable()
    class Both {
      @OnEvent('run.failed')
      listener({ id }: RunEvent): void {
        seen.push(`listener ${id.split('/').at(-1)}`);
      }

      @OnRunFailed({ id: 'page' })
      page({ run: { id } }: RunEvent<'run.failed'>): void {
        seen.push(`handler ${id}`);
      }
    }
    const host = await startHandlers({ imports: [EventEmitterModule.forRoot()], providers: [Both] });
    await host.dbt({ event: 'failed', ...run('7') });
    const inbox = host.app.get(Inbox);
    await inbox.replay({ id: 'again', events: {}, by: 'me' });
    await host.idle();
    expect(seen).toEqual(['listener 7', 'handler 7', 'handler 7']);
  });

  it('emits the events of a reparsed message only when its handlers run', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'runhooks-'));
    const seen: string[] = [];
    @Injectable()
    class Listeners {
      @OnEvent('run.failed')
      listen({ run: { id } }: RunEvent): void {
        seen.push(id);
      }
    }
    const start = async (testRunIds: readonly string[]) =>
      await startHandlers({
        imports: [EventEmitterModule.forRoot()],
        providers: [Listeners],
        webhooks: {
          sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], testRunIds })],
          inbox: sqliteInbox({ path: join(folder, 'runhooks.db') }),
        },
      });
    const before = await start(['7', '8']);
    await before.dbt({ event: 'failed', ...run('7') });
    await before.dbt({ event: 'failed', ...run('8') });
    await closeApps();
    const host = await start([]);
    const inbox = host.app.get(Inbox);
    const { items } = await inbox.messages({ state: 'test' });
    for (const [index, { id }] of items.entries()) {
      await inbox.reparse({ messageIds: [id], states: ['test'], runHandlers: index !== 0, by: 'me' });
    }
    await host.idle();
    expect((await inbox.counts()).events).toBe(2);
    expect(seen).toEqual(['7']);
    await closeApps();
    rmSync(folder, { recursive: true });
  });

  it('calls request-scoped listeners', async () => {
    const seen: string[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Listeners {
      @OnEvent('run.failed')
      listen({ run: { id } }: RunEvent): void {
        seen.push(id);
      }
    }
    const host = await startHandlers({ imports: [EventEmitterModule.forRoot()], providers: [Listeners] });
    await host.dbt({ event: 'failed', ...run('7') });
    expect(seen).toEqual(['7']);
  });
});

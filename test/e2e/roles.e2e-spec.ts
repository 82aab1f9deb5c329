import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module, Post, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ConfigurationError,
  Inbox,
  OnRunFailed,
  Webhooks,
  WebhooksModule,
  type Role,
  type RunFailed,
} from 'nestjs-runhooks';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { dbtCloudWebhook, ManualClock, sendWebhook, waitUntilIdle } from 'nestjs-runhooks/testing';
import { until } from '../dispatch/dispatch-harness.js';
import { startupError, closeApps, startHandlers, webhooksOptions, type HandlersApp } from './handlers-app.js';

let folder: string;
let clock: ManualClock;
let ran: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'runhooks-'));
  clock = new ManualClock();
  ran = [];
});

afterEach(async () => {
  await closeApps();
  rmSync(folder, { recursive: true });
});

@Injectable()
class Pager {
  @OnRunFailed({ id: 'page' })
  page({ run }: RunFailed): void {
    ran.push(run.id);
  }
}

const options = (role?: Role) => ({
  inbox: sqliteInbox({ path: join(folder, 'runhooks.db') }),
  clock,
  ...(role && { role }),
});
const start = (role?: Role, providers: Type[] = [Pager]) => startHandlers({ providers, webhooks: options(role) });

async function send({ app }: HandlersApp, runId: string): Promise<number> {
  const webhook = dbtCloudWebhook({ event: 'failed', now: clock.now(), payload: { data: { runId } } });
  return (await sendWebhook(app, '/webhooks/dbt', webhook)).status;
}

describe('a receiver and a worker on one inbox', () => {
  it('share the work: the receiver stores webhooks, and the worker parses them and runs handlers', async () => {
    const receiver = await start('receiver');
    const worker = await start('worker');
    expect(await send(receiver, '7')).toBe(200);
    expect(await send(worker, '8')).toBe(404);
    expect((await receiver.app.get(Inbox).counts()).messages).toMatchObject({ stored: 1, parsed: 0 });
    await worker.idle();
    expect(ran).toEqual(['7']);
    const processes = await receiver.app.get(Inbox).processes();
    const handlersByRole = new Map(processes.map(({ role, handlerIds }) => [role, handlerIds]));
    expect(handlersByRole).toEqual(
      new Map([
        ['receiver', ['page']],
        ['worker', ['page']],
      ]),
    );
  });

  it('let the receiver replay and redrive for its handlers, without running any', async () => {
    const receiver = await start('receiver');
    const worker = await start('worker');
    await send(receiver, '7');
    await worker.idle();
    expect(await receiver.app.get(Inbox).replay({ id: 'again', events: {}, handlerIds: ['page'], by: 'me' })).toBe(1);
    const refused = receiver.app.get(Webhooks).runUntilIdle();
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow("role: expected 'worker' or 'both', got 'receiver'");
    expect(ran).toEqual(['7']);
    await worker.idle();
    expect(ran).toEqual(['7', '7']);
  });

  it('work alone: the receiver never runs handlers, and the worker finds stored messages', async () => {
    const receiver = await startHandlers({
      providers: [Pager],
      webhooks: { ...options('receiver'), dispatch: 'auto' },
    });
    await send(receiver, '7');
    const worker = await startHandlers({
      providers: [Pager],
      webhooks: { ...options('worker'), dispatch: 'auto' },
    });
    await until(() => ran.length > 0);
    expect(ran).toEqual(['7']);
    await worker.app.close();
    expect((await receiver.app.get(Inbox).processes()).map(({ role }) => role)).toEqual(['receiver']);
  });

  it("leave a webhook path to the host's own route in the worker", async () => {
    @Controller()
    class Own {
      @Post('webhooks/dbt')
      own(): string {
        return 'own';
      }
    }
    const worker = await startHandlers({ controllers: [Own], webhooks: options('worker') });
    expect(await send(worker, '7')).toBe(201);
  });

  it('work when the worker is an application context without HTTP', async () => {
    const receiver = await start('receiver');
    @Module({ imports: [WebhooksModule.forRoot(webhooksOptions(options('worker')))], providers: [Pager] })
    class WorkerModule {}
    const worker = await NestFactory.createApplicationContext(WorkerModule, { logger: false, abortOnError: false });
    await send(receiver, '7');
    await waitUntilIdle(worker);
    await worker.close();
    expect(ran).toEqual(['7']);
  });
});

describe('startup with a role', () => {
  it.each([
    [undefined, 'Role: both (receives webhooks and runs handlers)', 'POST /webhooks/dbt'],
    ['receiver', 'Role: receiver (receives webhooks; handlers run in other processes)', 'POST /webhooks/dbt'],
    ['worker', 'Role: worker (runs handlers; has no webhook routes)', 'not received here'],
  ] as const)('logs the role %s and where webhooks are received', async (role, line, where) => {
    const { log } = await start(role);
    expect(log.containing(line)).toHaveLength(1);
    expect(log.containing(`Source "dbt" (dbt-cloud): ${where}; signature`)).toHaveLength(1);
  });

  it.each([
    ['dispatcher', '"dispatcher"'],
    ['', '""'],
    [null, 'null'],
    [['receiver'], 'an array'],
  ])('fails for the invalid role %j and names the option', async (role, got) => {
    const error = await startupError({ webhooks: { role: role as Role } });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toBe(`role: expected 'receiver', 'worker' or 'both', got ${got}`);
  });

  it('logs in a receiver whether a worker is running', async () => {
    const line =
      'warn No worker is running on this inbox; webhooks are stored and handled once one starts [RUNHOOKS_NO_WORKER]';
    const alone = await start('receiver', []);
    expect(alone.log.lines).toContain(line);
    expect(alone.log.containing('No handlers found')).toEqual([]);
    await start();
    expect((await start('receiver')).log.lines).not.toContain(line);
  });

  it('warns once of work that waits for missing handlers', async () => {
    const before = await start();
    await send(before, '7');
    await send(before, '8');
    const inbox = before.app.get(Inbox);
    await before.idle();
    await inbox.replay({ id: 'again', events: {}, by: 'me' });
    await closeApps();
    const after = await start('both', []);
    expect(after.log.containing('Work is waiting for handlers')).toEqual([
      'warn Work is waiting for handlers that no running process has: page (2 deliveries). Renamed? Restore the old id. ' +
        'Removed? Call Inbox.dismiss({ handlerId, by, reason }) [RUNHOOKS_HANDLERS_MISSING]',
    ]);
    expect(await after.app.get(Inbox).counts()).toMatchObject({ missingHandlers: 2, deliveries: { pending: 2 } });
    await after.app.get(Inbox).dismiss({ handlerId: 'page', by: 'Kim', reason: 'removed' });
    expect((await start('both', [])).log.containing('Work is waiting for handlers')).toEqual([]);
    expect((await start('both')).log.containing('Work is waiting for handlers')).toEqual([]);
  });
});

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Role } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { quickDirectory } from '../model/sqlite-files.js';
import { AppProcess } from './app-process.js';

let directory: string;
let processes: AppProcess[];

beforeEach(() => {
  directory = quickDirectory();
  processes = [];
});

afterEach(async () => {
  await Promise.all(processes.map((one) => one.kill()));
  rmSync(directory, { recursive: true });
});

async function start(role: Role, handlers: readonly string[], aheadMs = 0): Promise<AppProcess> {
  const one = await AppProcess.start({ file: join(directory, 'inbox.db'), role, handlers, aheadMs });
  processes.push(one);
  return one;
}

/** Returns what all processes ran, sorted. */
const ran = (): string[] => processes.flatMap((one) => one.ran).sort((a, b) => (a < b ? -1 : 1));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${condition.toString()}; ran: ${ran().join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('processes on one SQLite file', () => {
  it('store webhooks in a receiver without a worker, and run them in a worker started later', async () => {
    const receiver = await start('receiver', ['a']);
    expect(receiver.warnings).toContainEqual(expect.stringContaining('No worker is running'));
    expect(await receiver.send('1')).toBe(200);
    expect((await receiver.inboxState()).counts).toMatchObject({ messages: { stored: 1 }, workers: 0 });
    const worker = await start('worker', ['a']);
    expect(await worker.send('2')).toBe(404);
    expect(await receiver.send('3')).toBe(200);
    await until(() => ran().length === 2);
    expect(worker.ran).toEqual(['a 1', 'a 3']);
    expect((await receiver.inboxState()).counts).toMatchObject({
      messages: { parsed: 2 },
      workers: 1,
      missingHandlers: 0,
    });
    await worker.close();
    expect((await receiver.inboxState()).counts.workers).toBe(0);
  });

  it('run every handler once per event since its registration during a rolling deploy of three versions', async () => {
    const first = await start('both', ['a']);
    await first.send('before b');
    await until(() => ran().length === 1);
    const second = await start('both', ['a', 'b']);
    await first.send('before c');
    await until(() => ran().length === 3);
    const third = await start('both', ['a', 'b', 'c']);
    const runs = Array.from({ length: 30 }, (_, index) => `run ${index}`);
    const statuses = await Promise.all(runs.map((run, index) => [first, second, third][index % 3]!.send(run)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    await until(() => ran().length === 3 + 90);
    await first.close();
    await second.send('without first');
    await second.close();
    await third.send('third alone');
    await until(() => ran().length === 3 + 90 + 6);
    // A handler has run before its delivery is settled.
    await until(async () => (await third.inboxState()).counts.deliveries.pending === 0);
    const { counts } = await third.inboxState();
    expect(counts).toMatchObject({ checks: 0, missingHandlers: 0, workers: 1 });
    const all = ['without first', 'third alone', ...runs];
    expect(ran()).toEqual(
      ['a before b', 'a before c', 'b before c', ...all.flatMap((run) => [`a ${run}`, `b ${run}`, `c ${run}`])].sort(
        (a, b) => (a < b ? -1 : 1),
      ),
    );
  });

  it('keep work of a killed process, list its handlers as missing, and run the work when it is back', async () => {
    const killed = await start('worker', ['b']);
    await killed.kill();
    const receiver = await start('receiver', ['a', 'b']);
    const worker = await start('worker', ['a']);
    await receiver.send('1');
    await until(() => ran().length === 1);
    // A process of the same host is known to be gone, without waiting for its heartbeat.
    expect(await receiver.inboxState()).toMatchObject({
      missingHandlers: [{ handlerId: 'b', deliveries: 0, checks: 1 }],
      counts: { workers: 1, checks: 1 },
    });
    const later = await start('worker', ['a'], LIMITS.processLapseMs + 30_000);
    expect(await later.inboxState()).toMatchObject({
      missingHandlers: [{ handlerId: 'b', deliveries: 0, checks: 1 }],
      counts: { checks: 1 },
    });
    expect(later.warnings).toContainEqual(expect.stringContaining('no running process has: b (1 check).'));
    expect(worker.ran).toEqual(['a 1']);
    const back = await start('worker', ['b']);
    await until(() => back.ran.length === 1);
    expect(ran()).toEqual(['a 1', 'b 1']);
    expect((await back.inboxState()).counts).toMatchObject({ checks: 0, missingHandlers: 0 });
  });
});

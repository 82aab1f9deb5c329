import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PermanentError, StoreUnavailableError } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness } from '../dispatch/dispatch-harness.js';
import { copyAsKilled, onEveryDriver, openStore, quickDirectory } from '../model/sqlite-files.js';
import { DISK_FULL, FSYNC_FAILED, SHAPES } from './driver-errors.js';
import { failureOf } from './failure-of.js';
import { watchedConnect, type CallWatch } from './faulty-connection.js';
import { FaultAt } from './recorded-operations.js';

const NEVER: CallWatch = {};

onEveryDriver('an app whose disk fails', (driver) => {
  const directory = quickDirectory();
  const empty = join(directory, 'empty.db');
  let calls = 0;

  beforeAll(async () => {
    await (await openStore(empty, driver)).close();
    const count = new FaultAt(0, { before: () => void (calls += 1) }, true);
    await handleAll(count);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function newFile(): string {
    const file = join(mkdtempSync(join(directory, 'inbox-')), 'inbox.db');
    copyAsKilled(empty, file);
    return file;
  }

  /**
   * Receives three messages of two runs and runs their handlers. Failures are retried by the app, by the sender and by
   * time.
   */
  async function handleAll(watch: FaultAt): Promise<string[]> {
    const store = await openStore(newFile(), driver, watchedConnect(watch));
    const harness = await DispatchHarness.open({ store, abortGraceMs: 1 });
    const called: string[] = [];
    const note = (what: string) => async (event: { id: string }) => void called.push(`${what} ${event.id}`);
    harness.on('works', note('works'), { types: ['run.failed', 'run.completed'] });
    harness.on('gives-up', async (event) => {
      called.push(`gives-up ${event.id}`);
      throw new PermanentError('no');
    });
    harness.on('notified', async () => void called.push('notified'), { types: ['delivery.dead'] });
    watch.arm();
    for (const message of [
      { run: '1', types: ['run.failed'] },
      { run: '1', types: ['run.failed', 'run.completed'] },
      { run: '2', types: ['run.succeeded'] },
    ] as const) {
      const failure = await failureOf(harness.send(message));
      if (failure) expect(failure).toBeInstanceOf(StoreUnavailableError);
      if (failure) await harness.send(message);
    }
    for (let isIdle = false; !isIdle; harness.clock.advance(LIMITS.leaseMs + 1)) {
      const failure = await failureOf(harness.idle());
      if (failure) expect(failure).toBeInstanceOf(StoreUnavailableError);
      isIdle = !failure && (await isDone(harness));
    }
    watch.heal();
    expect(await harness.inbox.counts()).toEqual({
      messages: { stored: 0, parsed: 3, test: 0, unrecognized: 0, quarantined: 0, erased: 0 },
      events: 4,
      deliveries: { pending: 0, succeeded: 3, skipped: 0, dead: 1, dismissed: 0 },
      checks: 0,
      actions: { intended: 0, sent: 0, answered: 0, refused: 0, unknown: 0 },
      refusals: [],
      foundBySweep: [],
      // The harness does not register its process, so its handlers would count as missing.
      missingHandlers: 0,
      workers: 0,
      abandoned: 0,
    });
    await harness.close();
    return called.sort();
  }

  async function isDone(harness: DispatchHarness): Promise<boolean> {
    const scope = {
      sources: [harness.source.name],
      handlerIds: harness.handlers.all().map(({ id }) => id),
      taskHandlerIds: [],
    };
    return harness.store.nextDueAt(scope).then(
      (dueAt) => dueAt === undefined,
      () => false,
    );
  }

  it('runs every handler once on a healthy disk, as a baseline', async () => {
    expect(calls).toBeGreaterThan(60);
    expect(await handleAll(new FaultAt(0, NEVER))).toEqual([
      'gives-up run.succeeded:probe/1/2',
      'notified',
      'works run.completed:probe/1/1',
      'works run.failed:probe/1/1',
    ]);
  });

  describe.each(['without effect', 'after the commit'])('when any statement fails, %s,', (effect) => {
    it('loses nothing, runs no handler twice, and finishes once the disk works', async () => {
      const healthy = await handleAll(new FaultAt(0, NEVER));
      const fail = (call: string): void => {
        if (effect === 'after the commit' && call !== 'commit') return;
        throw effect === 'without effect' ? SHAPES['node:sqlite'](DISK_FULL) : SHAPES['better-sqlite3'](FSYNC_FAILED);
      };
      const watchOf = (call: number): FaultAt =>
        new FaultAt(call, effect === 'without effect' ? { before: fail } : { after: fail });
      // The cases run in parallel, because a failed recording is retried only after a second.
      const results = await Promise.all(Array.from({ length: calls }, (_, call) => handleAll(watchOf(call))));
      for (const called of results) expect(called).toEqual(healthy);
    });
  });

  it('parses a message eventually, without quarantine, when recordings fail for a long time', async () => {
    let failsLeft = LIMITS.parseClaimsMax + 2;
    const before = (call: string): void => {
      if (!call.startsWith('insert into "runs"') || (failsLeft -= 1) < 0) return;
      throw SHAPES[driver](DISK_FULL);
    };
    const store = await openStore(newFile(), driver, watchedConnect({ before }));
    const harness = await DispatchHarness.open({ store });
    await harness.send();
    for (let failure: unknown = true; failure; harness.clock.advance(LIMITS.leaseMs + 1)) {
      failure = await failureOf(harness.idle());
    }
    expect(failsLeft).toBeLessThan(0);
    expect((await harness.inbox.counts()).messages).toMatchObject({ stored: 0, parsed: 1, quarantined: 0 });
    await harness.close();
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import type { Store } from 'nestjs-runhooks/core';
import { LIMITS, type DeliveryContext } from 'nestjs-runhooks/internal';
import type { ManualClock } from 'nestjs-runhooks/testing';
import { DispatchHarness, held, START } from '../dispatch/dispatch-harness.js';
import { eventually } from './eventually.js';
import { KillablePool } from './killable-pool.js';
import { onPostgres, Schemas } from './server.js';

onPostgres('delivery.completeWith on Postgres', () => {
  const schemas = new Schemas();
  const benches: DispatchHarness[] = [];
  const pools: KillablePool[] = [];
  afterEach(async () => {
    for (const harness of benches.splice(0)) await harness.close();
    for (const pool of pools.splice(0)) await pool.end();
  });

  async function process(
    schema: string,
    clock?: ManualClock,
  ): Promise<{ harness: DispatchHarness; pool: KillablePool; store: Store }> {
    const pool = new KillablePool();
    pools.push(pool);
    const store = await schemas.open({ schema, pool, notify: false });
    const harness = await DispatchHarness.open({ store, ...(clock && { clock }) });
    benches.push(harness);
    return { harness, pool, store };
  }

  /** Returns an inbox and an app table in which handlers write one row per effect. */
  async function newApp() {
    const schema = schemas.next();
    const first = await process(schema);
    await schemas.query(`create table "${schema}".effects (delivery text, attempt integer)`);
    const effect = (delivery: DeliveryContext) =>
      delivery.completeWith((tx) =>
        tx.query(`insert into "${schema}".effects values ($1, $2)`, [delivery.id, delivery.attempt]),
      );
    const effects = () => schemas.query(`select attempt from "${schema}".effects order by attempt`);
    return { schema, ...first, effect, effects };
  }

  it('commits the effect and the success together', async () => {
    const { harness, effect, effects } = await newApp();
    harness.on('handler', (_, delivery) => effect(delivery));
    await harness.send();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
    expect(await effects()).toEqual([{ attempt: 1 }]);
  });

  it('commits neither when the function fails, and both at the next attempt', async () => {
    const { harness, schema, effects } = await newApp();
    harness.on('handler', (_, delivery) =>
      delivery.completeWith(async (tx) => {
        await tx.query(`insert into "${schema}".effects values ($1, $2)`, [delivery.id, delivery.attempt]);
        if (delivery.attempt === 1) throw new TypeError('not yet');
      }),
    );
    await harness.send();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'TypeError', 'succeeded']);
    expect(await effects()).toEqual([{ attempt: 2 }]);
  });

  it('returns query results to the handler, including its own writes', async () => {
    const { harness, schema } = await newApp();
    const results: unknown[] = [];
    harness.on('handler', (_, delivery) =>
      delivery.completeWith(async (tx) => {
        const inserted = await tx.query(`insert into "${schema}".effects values ($1, 7), ($1, 8)`, [delivery.id]);
        const { rows } = await tx.query<{ attempt: number }>(`select attempt from "${schema}".effects order by 1`);
        results.push(inserted.rowCount, rows);
        await tx.query('savepoint before');
        results.push(await tx.query('select no_such_column').catch((error: { code: string }) => error.code));
        await tx.query('rollback to before');
      }),
    );
    await harness.send();
    await harness.idle();
    expect(results).toEqual([2, [{ attempt: 7 }, { attempt: 8 }], '42703']);
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('rolls the effect back when another process has claimed the delivery, which alone completes it', async () => {
    const { harness, schema, effect, effects } = await newApp();
    const other = (await process(schema, harness.clock)).harness;
    const { promise, release } = held();
    let isBegun = false;
    harness.on('handler', (_, delivery) =>
      delivery.completeWith(async (tx) => {
        await tx.query(`insert into "${schema}".effects values ($1, $2)`, [delivery.id, delivery.attempt]);
        isBegun = true;
        await promise;
      }),
    );
    other.on('handler', (_, delivery) => effect(delivery));
    await harness.send();
    const first = harness.idle();
    await eventually(() => isBegun);
    harness.clock.advance(LIMITS.leaseMs + 1);
    await other.idle();
    release();
    await first;
    expect(await effects()).toEqual([{ attempt: 2 }]);
    expect(await other.outcome('handler')).toEqual(['succeeded', 'succeeded']);
    expect(harness.lines.join()).toContain('lost its lease during attempt 1');
  });

  it.each(['before the function returned', 'after the function returned'] as const)(
    'leaves nothing when the process is killed %s, and the next process completes the delivery',
    async (when) => {
      const { harness, pool, schema, effect, effects } = await newApp();
      const { promise, release } = held();
      let isWritten = false;
      harness.on('handler', async (_, delivery) => {
        await delivery.completeWith(async (tx) => {
          await tx.query(`insert into "${schema}".effects values ($1, $2)`, [delivery.id, delivery.attempt]);
          isWritten = true;
          if (when === 'before the function returned') await promise;
        });
        // The result is recorded, so a process that dies here has nothing left to write.
        await promise;
      });
      await harness.send();
      void harness.idle().catch(() => undefined);
      await eventually(() => isWritten);
      if (when === 'after the function returned') await eventually(async () => (await effects()).length === 1);
      await pool.kill();
      const next = (await process(schema)).harness;
      next.clock.advance(LIMITS.leaseMs + 1);
      next.on('handler', (_, delivery) => effect(delivery));
      await next.idle();
      // Ends the handler of the killed process.
      release();
      expect(await effects()).toEqual([{ attempt: when === 'after the function returned' ? 1 : 2 }]);
      expect(await next.outcome('handler')).toEqual(['succeeded', 'succeeded']);
    },
  );

  it('happens exactly once, at whichever statement the connection is lost', async () => {
    const { schema } = await newApp();
    for (let lostAt = 0, isReached = true; isReached; lostAt += 1) {
      await schemas.query(`delete from "${schema}".effects`);
      const { harness, pool } = await process(schema);
      let statements = -Infinity;
      isReached = false;
      pool.onQuery = () => {
        if ((statements += 1) !== Math.floor(lostAt / 2)) return undefined;
        isReached = true;
        return lostAt % 2 === 0 ? 'before' : 'after';
      };
      harness.on(`handler-${lostAt}`, async (_, delivery) => {
        if (delivery.attempt === 1) statements = -1;
        await delivery.completeWith((tx) => tx.query(`insert into "${schema}".effects values ('x', 1)`));
      });
      await harness.send({ run: `${lostAt}` });
      await eventually(async () => {
        await harness.idle();
        harness.clock.advance(LIMITS.leaseMs);
        return (await harness.deliveries(`handler-${lostAt}`))[0]?.state === 'succeeded';
      });
      expect(await schemas.query(`select 1 from "${schema}".effects`)).toHaveLength(1);
      if (!isReached) expect(lostAt).toBeGreaterThan(10);
    }
  });

  it('keeps its lease during the transaction and delays no other delivery', async () => {
    const { harness, schema } = await newApp();
    const other = (await process(schema, harness.clock)).harness;
    const { promise, release } = held();
    let begun = 0;
    harness.on('slow', (_, delivery) =>
      delivery.completeWith(async (tx) => {
        await tx.query('select 1');
        begun += 1;
        await promise;
      }),
    );
    let runs = 0;
    other.on('slow', () => void (runs += 1));
    harness.on('quick', () => undefined);
    await harness.send();
    const idle = harness.idle();
    await eventually(() => begun === 1);
    for (let third = 0; third < 6; third += 1) {
      harness.clock.advance(LIMITS.leaseMs / 3 + 1);
      await harness.send({ run: `${third}`, types: ['run.started'] });
      void harness.idle();
      await eventually(async () => (await harness.inbox.counts()).messages.stored === 0);
      await other.idle();
    }
    expect(runs).toBe(0);
    expect(await harness.outcome('quick')).toEqual(['succeeded', 'succeeded']);
    release();
    await idle;
    expect(await harness.outcome('slow')).toEqual(['succeeded', 'succeeded']);
  });

  it('is rolled back when the handler times out, and retried', async () => {
    const { harness, pool, schema, effects } = await newApp();
    harness.on(
      'handler',
      (_, delivery) =>
        delivery.completeWith(async (tx) => {
          await tx.query(`insert into "${schema}".effects values ($1, $2)`, [delivery.id, delivery.attempt]);
          if (delivery.attempt === 1) await tx.query('select pg_sleep(60)');
        }),
      { timeoutMs: 300 },
    );
    let removed = 0;
    pool.on('remove', () => (removed += 1));
    await harness.send();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'HandlerTimeoutError', 'succeeded']);
    expect(await effects()).toEqual([{ attempt: 2 }]);
    // Only the connection of the handler was closed; the server was fine.
    await Promise.all([harness.inbox.counts(), harness.inbox.counts()]);
    expect(removed).toBe(1);
  });

  it('is rolled back when its connection breaks, along with connections opened at the same time', async () => {
    const { harness, pool } = await newApp();
    harness.on(
      'handler',
      (_, delivery) =>
        delivery.completeWith(async (tx) => {
          if (delivery.attempt > 1) return;
          await tx.query('select pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
          await new Promise((resolve) => delivery.signal.addEventListener('abort', resolve));
        }),
      { timeoutMs: 300 },
    );
    await Promise.all([harness.inbox.counts(), harness.inbox.counts()]);
    let removed = 0;
    pool.on('remove', () => (removed += 1));
    await harness.send();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'HandlerTimeoutError', 'succeeded']);
    await Promise.all([harness.inbox.counts(), harness.inbox.counts()]);
    expect(removed).toBeGreaterThan(1);
  });

  it('writes nothing from an abandoned call', async () => {
    const { harness, effect, effects } = await newApp();
    const { promise, release } = held();
    const late: unknown[] = [];
    const abandoned = async (delivery: DeliveryContext) => {
      await promise;
      await effect(delivery).catch((error: unknown) => late.push(error));
    };
    harness.on('handler', (_, delivery) => (delivery.attempt === 1 ? abandoned(delivery) : undefined), {
      timeoutMs: 1,
    });
    await harness.send();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'HandlerTimeoutError', 'succeeded']);
    release();
    await eventually(() => late.length === 1);
    expect(late).toEqual([expect.objectContaining({ code: 'RUNHOOKS_HANDLER_TIMEOUT' })]);
    expect(await effects()).toEqual([]);
  });

  it('releases the slot of a handler that hangs after it', async () => {
    const { harness, effect } = await newApp();
    const { promise, release } = held();
    harness.on('handler', (_, delivery) => effect(delivery).then(() => promise), { timeoutMs: 300, concurrency: 1 });
    await harness.presence.start();
    for (const run of ['1', '2', '3']) await harness.send({ run });
    await harness.idle();
    await harness.presence.renew();
    expect(await harness.inbox.counts()).toMatchObject({ abandoned: 3, deliveries: { succeeded: 3, pending: 0 } });
    release();
  });

  it('leaves connections for storing messages while many handlers use it', async () => {
    const { harness } = await newApp();
    const { promise, release } = held();
    let begun = 0;
    harness.on('handler', (_, delivery) =>
      delivery.completeWith(async () => {
        begun += 1;
        await promise;
      }),
    );
    for (let run = 0; run < 8; run += 1) await harness.send({ run: `${run}` });
    const idle = harness.idle();
    await eventually(() => begun === 2);
    await harness.send({ run: 'one more' });
    expect((await harness.inbox.counts()).messages.stored).toBe(1);
    release();
    await idle;
    expect((await harness.inbox.counts()).deliveries).toMatchObject({ succeeded: 9, pending: 0 });
  });

  describe('statements in delivery.completeWith', () => {
    it.each([
      'commit',
      'ROLLBACK',
      ' begin',
      'end',
      'prepare transaction $$x$$',
      '-- a comment\n commit',
      '/* as /* always */ */ commit',
      ' ;; commit',
      'select 1; commit',
    ])('are rejected when they would end the transaction: %j', async (text) => {
      const { harness, effects, schema } = await newApp();
      harness.on(
        'handler',
        (_, delivery) =>
          delivery.completeWith(async (tx) => {
            await tx.query(`insert into "${schema}".effects values ('x', 1)`);
            await tx.query(text);
          }),
        { retry: false },
      );
      await harness.send();
      await harness.idle();
      expect(await harness.outcome('handler')).toEqual(['dead', text.startsWith('select') ? 'error' : 'Error']);
      expect(await effects()).toEqual([]);
    });

    it('are rejected after the transaction is over', async () => {
      const { harness, effects, schema } = await newApp();
      let late: unknown;
      harness.on('handler', async (_, delivery) => {
        let run = () => Promise.resolve<unknown>(undefined);
        await delivery.completeWith((tx) => {
          run = () => tx.query(`insert into "${schema}".effects values ('x', 1)`);
          return Promise.resolve();
        });
        late = await run().catch((error: Error) => error.message);
      });
      await harness.send();
      await harness.idle();
      expect(late).toContain('has ended');
      expect(await effects()).toEqual([]);
    });
  });

  it('keeps the success and logs the error when the handler throws afterwards', async () => {
    const { harness, effect, effects } = await newApp();
    harness.on('handler', async (_, delivery) => {
      await effect(delivery);
      throw new TypeError('too late');
    });
    await harness.send();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
    expect(await effects()).toHaveLength(1);
    expect(harness.lines.join()).toMatch(/succeeded through completeWith.*TypeError: too late/);
  });

  it('records the times of the attempt', async () => {
    const { harness, effect } = await newApp();
    harness.on('handler', async (_, delivery) => {
      harness.clock.advance(250);
      await effect(delivery);
    });
    await harness.send();
    await harness.idle();
    const [delivery] = await harness.deliveries('handler');
    const [attempt] = await harness.inbox.attempts(delivery!.id);
    expect(attempt).toMatchObject({ startedAt: START, durationMs: 250, outcome: 'succeeded' });
  });
});

describe('delivery.completeWith on SQLite', () => {
  it('throws before it runs anything, and names the alternative', async () => {
    const harness = await DispatchHarness.open();
    let works = 0;
    harness.on('handler', (_, delivery) => delivery.completeWith(() => Promise.resolve((works += 1))), {
      retry: false,
    });
    await harness.send();
    await harness.idle();
    const [delivery] = await harness.deliveries('handler');
    const [attempt] = await harness.inbox.attempts(delivery!.id);
    expect(attempt?.error).toMatchObject({ name: 'ConfigurationError' });
    expect(attempt?.error?.message).toMatch(/delivery\.completeWith.*SQLite.*postgresInbox/);
    expect(works).toBe(0);
    await harness.close();
  });
});

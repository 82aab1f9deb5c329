import { afterEach, describe, expect, it } from '@jest/globals';
import { LIMITS, type DeliveryContext, type Store } from 'nestjs-runhooks/core';
import type { ManualClock } from 'nestjs-runhooks/testing';
import { Bench, held, START } from '../dispatch/bench.js';
import { eventually } from './eventually.js';
import { KillablePool } from './killable-pool.js';
import { onPostgres, Schemas } from './server.js';

onPostgres('delivery.completeWith on Postgres', () => {
  const schemas = new Schemas();
  const benches: Bench[] = [];
  const pools: KillablePool[] = [];
  afterEach(async () => {
    for (const bench of benches.splice(0)) await bench.close();
    for (const pool of pools.splice(0)) await pool.end();
  });

  async function process(
    schema: string,
    clock?: ManualClock,
  ): Promise<{ bench: Bench; pool: KillablePool; store: Store }> {
    const pool = new KillablePool();
    pools.push(pool);
    const store = await schemas.open({ schema, pool, notify: false });
    const bench = await Bench.open({ store, ...(clock && { clock }) });
    benches.push(bench);
    return { bench, pool, store };
  }

  /** An inbox, and a table of the app in which handlers write: a row for each effect. */
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

  it('writes the effect and the success together', async () => {
    const { bench, effect, effects } = await newApp();
    bench.on('handler', (_, delivery) => effect(delivery));
    await bench.send();
    await bench.idle();
    expect(await bench.outcome('handler')).toEqual(['succeeded', 'succeeded']);
    expect(await effects()).toEqual([{ attempt: 1 }]);
  });

  it('writes neither if the function fails, and both at the next attempt', async () => {
    const { bench, schema, effects } = await newApp();
    bench.on('handler', (_, delivery) =>
      delivery.completeWith(async (tx) => {
        await tx.query(`insert into "${schema}".effects values ($1, $2)`, [delivery.id, delivery.attempt]);
        if (delivery.attempt === 1) throw new TypeError('not yet');
      }),
    );
    await bench.send();
    await bench.idle();
    expect(await bench.outcome('handler')).toEqual(['succeeded', 'TypeError', 'succeeded']);
    expect(await effects()).toEqual([{ attempt: 2 }]);
  });

  it('gives the handler what the database says, and lets it read its own writes', async () => {
    const { bench, schema } = await newApp();
    const said: unknown[] = [];
    bench.on('handler', (_, delivery) =>
      delivery.completeWith(async (tx) => {
        const inserted = await tx.query(`insert into "${schema}".effects values ($1, 7), ($1, 8)`, [delivery.id]);
        const { rows } = await tx.query<{ attempt: number }>(`select attempt from "${schema}".effects order by 1`);
        said.push(inserted.rowCount, rows);
        await tx.query('savepoint before');
        said.push(await tx.query('select no_such_column').catch((error: { code: string }) => error.code));
        await tx.query('rollback to before');
      }),
    );
    await bench.send();
    await bench.idle();
    expect(said).toEqual([2, [{ attempt: 7 }, { attempt: 8 }], '42703']);
    expect(await bench.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('rolls the effect back if another process has the delivery by now, and that one alone completes it', async () => {
    const { bench, schema, effect, effects } = await newApp();
    const other = (await process(schema, bench.clock)).bench;
    const { promise, release } = held();
    let isBegun = false;
    bench.on('handler', (_, delivery) =>
      delivery.completeWith(async (tx) => {
        await tx.query(`insert into "${schema}".effects values ($1, $2)`, [delivery.id, delivery.attempt]);
        isBegun = true;
        await promise;
      }),
    );
    other.on('handler', (_, delivery) => effect(delivery));
    await bench.send();
    const first = bench.idle();
    await eventually(() => isBegun);
    bench.clock.advance(LIMITS.leaseMs + 1);
    await other.idle();
    release();
    await first;
    expect(await effects()).toEqual([{ attempt: 2 }]);
    expect(await other.outcome('handler')).toEqual(['succeeded', 'succeeded']);
    expect(bench.lines.join()).toContain('was taken over while attempt 1 ran');
  });

  it.each(['before the function returned', 'after it'] as const)(
    'leaves nothing if the process is killed %s, and the next one completes it',
    async (when) => {
      const { bench, pool, schema, effect, effects } = await newApp();
      const { promise, release } = held();
      let isWritten = false;
      bench.on('handler', async (_, delivery) => {
        await delivery.completeWith(async (tx) => {
          await tx.query(`insert into "${schema}".effects values ($1, $2)`, [delivery.id, delivery.attempt]);
          isWritten = true;
          if (when === 'before the function returned') await promise;
        });
        // Recorded: a process that dies here has nothing left to say.
        await promise;
      });
      await bench.send();
      void bench.idle().catch(() => undefined);
      await eventually(() => isWritten);
      if (when === 'after it') await eventually(async () => (await effects()).length === 1);
      await pool.kill();
      const next = (await process(schema)).bench;
      next.clock.advance(LIMITS.leaseMs + 1);
      next.on('handler', (_, delivery) => effect(delivery));
      await next.idle();
      // Let the dead go.
      release();
      expect(await effects()).toEqual([{ attempt: when === 'after it' ? 1 : 2 }]);
      expect(await next.outcome('handler')).toEqual(['succeeded', 'succeeded']);
    },
  );

  it('happens exactly once, whatever statement the connection is lost at', async () => {
    const { schema } = await newApp();
    for (let lostAt = 0, isReached = true; isReached; lostAt += 1) {
      await schemas.query(`delete from "${schema}".effects`);
      const { bench, pool } = await process(schema);
      let statements = -Infinity;
      isReached = false;
      pool.onQuery = () => {
        if ((statements += 1) !== Math.floor(lostAt / 2)) return undefined;
        isReached = true;
        return lostAt % 2 === 0 ? 'before' : 'after';
      };
      bench.on(`handler-${lostAt}`, async (_, delivery) => {
        if (delivery.attempt === 1) statements = -1;
        await delivery.completeWith((tx) => tx.query(`insert into "${schema}".effects values ('x', 1)`));
      });
      await bench.send({ run: `${lostAt}` });
      await eventually(async () => {
        await bench.idle();
        bench.clock.advance(LIMITS.leaseMs);
        return (await bench.deliveries(`handler-${lostAt}`))[0]?.state === 'succeeded';
      });
      expect(await schemas.query(`select 1 from "${schema}".effects`)).toHaveLength(1);
      if (!isReached) expect(lostAt).toBeGreaterThan(10);
    }
  });

  it('holds on to its lease meanwhile, and holds up nobody else', async () => {
    const { bench, schema } = await newApp();
    const other = (await process(schema, bench.clock)).bench;
    const { promise, release } = held();
    let begun = 0;
    bench.on('slow', (_, delivery) =>
      delivery.completeWith(async (tx) => {
        await tx.query('select 1');
        begun += 1;
        await promise;
      }),
    );
    let runs = 0;
    other.on('slow', () => void (runs += 1));
    bench.on('quick', () => undefined);
    await bench.send();
    const idle = bench.idle();
    await eventually(() => begun === 1);
    for (let third = 0; third < 6; third += 1) {
      bench.clock.advance(LIMITS.leaseMs / 3 + 1);
      await bench.send({ run: `${third}`, types: ['run.started'] });
      void bench.idle();
      await eventually(async () => (await bench.inbox.counts()).messages.stored === 0);
      await other.idle();
    }
    expect(runs).toBe(0);
    expect(await bench.outcome('quick')).toEqual(['succeeded', 'succeeded']);
    release();
    await idle;
    expect(await bench.outcome('slow')).toEqual(['succeeded', 'succeeded']);
  });

  it('is cut off when the handler is out of time, and tried again', async () => {
    const { bench, pool, schema, effects } = await newApp();
    bench.on(
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
    await bench.send();
    await bench.idle();
    expect(await bench.outcome('handler')).toEqual(['succeeded', 'HandlerTimeoutError', 'succeeded']);
    expect(await effects()).toEqual([{ attempt: 2 }]);
    // Its connection and no other: nothing was wrong with the server.
    await Promise.all([bench.inbox.counts(), bench.inbox.counts()]);
    expect(removed).toBe(1);
  });

  it('is cut off when its connection broke before: those that were opened with it are not trusted either', async () => {
    const { bench, pool } = await newApp();
    bench.on(
      'handler',
      (_, delivery) =>
        delivery.completeWith(async (tx) => {
          if (delivery.attempt > 1) return;
          await tx.query('select pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
          await new Promise((resolve) => delivery.signal.addEventListener('abort', resolve));
        }),
      { timeoutMs: 300 },
    );
    await Promise.all([bench.inbox.counts(), bench.inbox.counts()]);
    let removed = 0;
    pool.on('remove', () => (removed += 1));
    await bench.send();
    await bench.idle();
    expect(await bench.outcome('handler')).toEqual(['succeeded', 'HandlerTimeoutError', 'succeeded']);
    await Promise.all([bench.inbox.counts(), bench.inbox.counts()]);
    expect(removed).toBeGreaterThan(1);
  });

  it('writes nothing from an abandoned call, whose attempt is over', async () => {
    const { bench, effect, effects } = await newApp();
    const { promise, release } = held();
    const late: unknown[] = [];
    const abandoned = async (delivery: DeliveryContext) => {
      await promise;
      await effect(delivery).catch((error: unknown) => late.push(error));
    };
    bench.on('handler', (_, delivery) => (delivery.attempt === 1 ? abandoned(delivery) : undefined), { timeoutMs: 1 });
    await bench.send();
    await bench.idle();
    expect(await bench.outcome('handler')).toEqual(['succeeded', 'HandlerTimeoutError', 'succeeded']);
    release();
    await eventually(() => late.length === 1);
    expect(late).toEqual([expect.objectContaining({ code: 'RUNHOOKS_HANDLER_TIMEOUT' })]);
    expect(await effects()).toEqual([]);
  });

  it('gives the place back of a handler that hangs after it', async () => {
    const { bench, effect } = await newApp();
    const { promise, release } = held();
    bench.on('handler', (_, delivery) => effect(delivery).then(() => promise), { timeoutMs: 300, concurrency: 1 });
    await bench.presence.start();
    for (const run of ['1', '2', '3']) await bench.send({ run });
    await bench.idle();
    await bench.presence.renew();
    expect(await bench.inbox.counts()).toMatchObject({ abandoned: 3, deliveries: { succeeded: 3, pending: 0 } });
    release();
  });

  it('leaves connections for storing messages, however many handlers are in the middle of it', async () => {
    const { bench } = await newApp();
    const { promise, release } = held();
    let begun = 0;
    bench.on('handler', (_, delivery) =>
      delivery.completeWith(async () => {
        begun += 1;
        await promise;
      }),
    );
    for (let run = 0; run < 8; run += 1) await bench.send({ run: `${run}` });
    const idle = bench.idle();
    await eventually(() => begun === 2);
    await bench.send({ run: 'one more' });
    expect((await bench.inbox.counts()).messages.stored).toBe(1);
    release();
    await idle;
    expect((await bench.inbox.counts()).deliveries).toMatchObject({ succeeded: 9, pending: 0 });
  });

  describe('refuses', () => {
    it.each([
      'commit',
      'ROLLBACK',
      ' begin',
      'end',
      'prepare transaction $$x$$',
      '-- as always\n commit',
      '/* as /* always */ */ commit',
      ' ;; commit',
      'select 1; commit',
    ])('to be ended by %j', async (text) => {
      const { bench, effects, schema } = await newApp();
      bench.on(
        'handler',
        (_, delivery) =>
          delivery.completeWith(async (tx) => {
            await tx.query(`insert into "${schema}".effects values ('x', 1)`);
            await tx.query(text);
          }),
        { retry: false },
      );
      await bench.send();
      await bench.idle();
      expect(await bench.outcome('handler')).toEqual(['dead', text.startsWith('select') ? 'error' : 'Error']);
      expect(await effects()).toEqual([]);
    });

    it('a query after its transaction is over', async () => {
      const { bench, effects, schema } = await newApp();
      let late: unknown;
      bench.on('handler', async (_, delivery) => {
        let run = () => Promise.resolve<unknown>(undefined);
        await delivery.completeWith((tx) => {
          run = () => tx.query(`insert into "${schema}".effects values ('x', 1)`);
          return Promise.resolve();
        });
        late = await run().catch((error: Error) => error.message);
      });
      await bench.send();
      await bench.idle();
      expect(late).toContain('is over');
      expect(await effects()).toEqual([]);
    });
  });

  it('keeps a success though the handler then fails, and says so', async () => {
    const { bench, effect, effects } = await newApp();
    bench.on('handler', async (_, delivery) => {
      await effect(delivery);
      throw new TypeError('too late');
    });
    await bench.send();
    await bench.idle();
    expect(await bench.outcome('handler')).toEqual(['succeeded', 'succeeded']);
    expect(await effects()).toHaveLength(1);
    expect(bench.lines.join()).toMatch(/was completed, and stays so.*TypeError: too late/);
  });

  it('records the times of the attempt', async () => {
    const { bench, effect } = await newApp();
    bench.on('handler', async (_, delivery) => {
      bench.clock.advance(250);
      await effect(delivery);
    });
    await bench.send();
    await bench.idle();
    const [delivery] = await bench.deliveries('handler');
    const [attempt] = await bench.inbox.attempts(delivery!.id);
    expect(attempt).toMatchObject({ startedAt: START, durationMs: 250, outcome: 'succeeded' });
  });
});

describe('delivery.completeWith on SQLite', () => {
  it('is refused before anything is run, naming what to use instead', async () => {
    const bench = await Bench.open();
    let works = 0;
    bench.on('handler', (_, delivery) => delivery.completeWith(() => Promise.resolve((works += 1))), { retry: false });
    await bench.send();
    await bench.idle();
    const [delivery] = await bench.deliveries('handler');
    const [attempt] = await bench.inbox.attempts(delivery!.id);
    expect(attempt?.error).toMatchObject({ name: 'ConfigurationError' });
    expect(attempt?.error?.message).toMatch(/delivery\.completeWith.*SQLite.*postgresInbox/);
    expect(works).toBe(0);
    await bench.close();
  });
});

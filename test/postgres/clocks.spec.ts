import { afterEach, expect, it } from '@jest/globals';
import { RetryLater } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { ManualClock } from 'nestjs-runhooks/testing';
import { DispatchHarness, held, until } from '../dispatch/dispatch-harness.js';
import { onPostgres, Schemas } from './server.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A host clock that runs normally but was set wrong. */
class WrongClock extends ManualClock {
  constructor(private aheadMs: number) {
    super();
  }

  override now(): Date {
    return new Date(Date.now() + this.aheadMs);
  }

  override elapsedMs(): number {
    return performance.now();
  }

  override step(ms: number): void {
    this.aheadMs += ms;
  }
}

onPostgres('hosts with wrong clocks on one Postgres inbox', () => {
  const schemas = new Schemas();
  const benches: DispatchHarness[] = [];

  afterEach(async () => {
    for (const harness of benches.splice(0)) await harness.close();
  });

  /** Opens a process on a host whose clock is this far ahead of the server's. */
  async function host(schema: string, aheadMs: number): Promise<DispatchHarness> {
    const harness = await DispatchHarness.open({
      store: await schemas.open({ schema, notify: false }),
      hostClock: new WrongClock(aheadMs),
    });
    benches.push(harness);
    await harness.presence.start();
    return harness;
  }

  it("share the server's time, so stored, recorded and released work is due at once for all", async () => {
    const schema = schemas.next();
    const [ahead, behind] = [await host(schema, 400 * DAY), await host(schema, -400 * DAY)];
    let runs = 0;
    for (const harness of [ahead, behind]) {
      harness.on('handler', (_, { attempt }) => {
        if (attempt === 1) throw new RetryLater(0);
        runs += 1;
      });
    }
    await ahead.send({ run: '1' });
    await behind.idle();
    await behind.send({ run: '2' });
    await ahead.idle();
    expect(runs).toBe(2);
    const [message] = (await behind.inbox.messages()).items;
    expect(Math.abs(message!.receivedAt.getTime() - Date.now())).toBeLessThan(HOUR);
  });

  it('take no held work from each other, and hold none for longer than a lease', async () => {
    const schema = schemas.next();
    const [ahead, right] = [await host(schema, 10 * HOUR), await host(schema, 0)];
    const { promise, release } = held();
    let runs = 0;
    for (const harness of [ahead, right]) {
      harness.on('handler', async () => {
        runs += 1;
        await promise;
      });
    }
    await right.send({ run: '1' });
    void right.idle();
    await until(() => runs === 1);
    await ahead.idle();
    expect(runs).toBe(1);
    await ahead.send({ run: '2' });
    void ahead.idle();
    await until(() => runs === 2);
    const pending = (await right.inbox.deliveries({ state: 'pending' })).items;
    expect(pending).toHaveLength(2);
    for (const { dueAt } of pending) {
      expect(dueAt!.getTime()).toBeLessThanOrEqual(Date.now() + LIMITS.leaseMs + LIMITS.clockSkewMs);
    }
    release();
    await until(async () => (await right.inbox.counts()).deliveries.succeeded === 2);
    expect(runs).toBe(2);
  });

  it('are listed with their clock error, and log its start and its end once', async () => {
    const schema = schemas.next();
    const [ahead, right] = [await host(schema, 3 * HOUR), await host(schema, 0)];
    const differences = async () =>
      (await right.inbox.processes())
        .map(({ clockAheadMs }) => Math.abs(Math.round(clockAheadMs / HOUR)))
        .sort((a, b) => a - b);
    expect(await differences()).toEqual([0, 3]);
    await ahead.presence.renew();
    ahead.clock.step(-3 * HOUR);
    expect(ahead.presence.isDue).toBe(true);
    await ahead.presence.renew();
    expect(await differences()).toEqual([0, 0]);
    expect(ahead.lines).toEqual([
      expect.stringMatching(/^warn: Clock of this host is 3 h ahead of the clock of the inbox, which decides/),
      'log: Clock of this host agrees with the clock of the inbox again',
    ]);
    expect(right.lines).toEqual([]);
  });

  it("start by the inbox's time: the handler version of the later process wins", async () => {
    const schema = schemas.next();
    const [ahead, behind] = [await host(schema, 400 * DAY), await host(schema, -400 * DAY)];
    const startedAt = (await ahead.inbox.processes()).map((one) => one.startedAt.getTime());
    expect(startedAt).toHaveLength(2);
    for (const ms of startedAt) expect(Math.abs(ms - Date.now())).toBeLessThan(HOUR);
    expect(behind.lines).toEqual([expect.stringMatching(/is 400 days behind the clock of the inbox/)]);
  });

  it('delete nothing early', async () => {
    const harness = await host(schemas.next(), 400 * DAY);
    await harness.send({ as: 'test' });
    await harness.idle();
    expect(await harness.inbox.purge()).toBe(0);
    expect((await harness.inbox.counts()).messages.test).toBe(1);
  });
});

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS, LeaseLostError, type DeliveryClaim, type DeliveryContext, type Store } from 'nestjs-runhooks/core';
import { DispatchHarness, held, START, until } from './dispatch-harness.js';

/** Two processes on one inbox. */
let one: DispatchHarness;
let other: DispatchHarness;
const releases: (() => void)[] = [];

beforeEach(async () => {
  one = await DispatchHarness.open({ abortGraceMs: 60_000 });
  other = await DispatchHarness.open({ store: one.store, clock: one.clock });
});

afterEach(async () => {
  jest.useRealTimers();
  for (const release of releases.splice(0)) release();
  await other.dispatcher.stop(0);
  await one.close();
});

/** A handler of the first process that runs until it is released or aborted; the second process only notes. */
function longHandler(runsInOther: () => unknown = () => undefined) {
  const { promise, release } = held();
  releases.push(release);
  const signals: AbortSignal[] = [];
  one.on('handler', (_, { signal }: DeliveryContext) => {
    signals.push(signal);
    return promise;
  });
  let inOther = 0;
  other.on('handler', () => {
    inOther += 1;
    return runsInOther();
  });
  return { release, runs: () => signals.length, signal: () => signals[0]!, inOther: () => inOther };
}

/** One look of the first process for work, and at its leases; more only when an attempt was recorded. */
function pass(): void {
  void one.idle();
}

async function leaseEnds(): Promise<number | undefined> {
  const [delivery] = await one.deliveries('handler');
  return delivery?.dueAt?.getTime();
}

describe('the lease of a running handler', () => {
  it('keeps the delivery from others until it ends', async () => {
    const handler = longHandler();
    await one.send();
    pass();
    await until(() => handler.runs() === 1);
    one.clock.advance(LIMITS.leaseMs - 1);
    await other.idle();
    expect(handler.inOther()).toBe(0);
  });

  it.each(['a pass of its dispatcher', 'its timer'])('is renewed by %s as long as it runs', async (by) => {
    if (by === 'its timer') jest.useFakeTimers({ doNotFake: ['setTimeout', 'setImmediate', 'Date', 'nextTick'] });
    const handler = longHandler();
    await one.send();
    pass();
    await until(() => handler.runs() === 1);
    for (let minutes = 0; minutes < 5; minutes++) {
      for (let third = 0; third < 6; third++) {
        one.clock.advance(LIMITS.leaseMs / 3);
        if (by === 'its timer') jest.advanceTimersByTime(LIMITS.leaseMs / 3);
        else pass();
        const end = one.clock.now().getTime() + LIMITS.leaseMs;
        await until(async () => (await leaseEnds()) === end);
      }
      await other.idle();
    }
    handler.release();
    await until(async () => (await one.outcome('handler'))[0] === 'succeeded');
    expect([handler.runs(), handler.inOther()]).toEqual([1, 0]);
    expect(handler.signal().aborted).toBe(false);
  });

  it('is not claimed by the process that holds it, though its clock jumped ahead', async () => {
    const handler = longHandler();
    await one.send({ run: '1' });
    pass();
    await until(() => handler.runs() === 1);
    one.clock.advance(24 * 3_600_000);
    await one.send({ run: '2' });
    pass();
    await until(() => handler.runs() === 2);
    handler.release();
    await until(async () => (await one.inbox.counts()).deliveries.succeeded === 2);
    expect(handler.runs()).toBe(2);
    expect(one.lines).toEqual([]);
  });

  it('survives a clock that jumps back an hour', async () => {
    const handler = longHandler();
    await one.send();
    pass();
    await until(() => handler.runs() === 1);
    one.clock.advance(-3_600_000);
    pass();
    await other.idle();
    handler.release();
    await until(async () => (await one.outcome('handler'))[0] === 'succeeded');
    expect(await one.outcome('handler')).toEqual(['succeeded', 'succeeded']);
    expect(handler.inOther()).toBe(0);
  });
});

describe('a lease that ran out', () => {
  it('lets another process take over: the next attempt of the same delivery', async () => {
    const handler = longHandler();
    let taken: DeliveryContext | undefined;
    await one.send();
    pass();
    await until(() => handler.runs() === 1);
    const [before] = await one.deliveries('handler');
    other.handlers.get('handler')!.invoke = (_, delivery) => Promise.resolve(void (taken = delivery));
    one.clock.advance(LIMITS.leaseMs);
    await other.idle();
    expect(taken).toMatchObject({ id: before?.id, attempt: 2 });
  });

  it('aborts the handler that lost it with a LeaseLostError, and drops its late result', async () => {
    const handler = longHandler();
    await one.send();
    pass();
    await until(() => handler.runs() === 1);
    one.clock.advance(LIMITS.leaseMs);
    await other.idle();
    pass();
    await until(() => handler.signal().aborted);
    expect(handler.signal().reason).toBeInstanceOf(LeaseLostError);
    handler.release();
    await until(() => one.lines.length > 0);
    expect(one.lines).toEqual([expect.stringMatching(/^warn: Delivery dlv_\S+ lost its lease during attempt 1/)]);
    const [delivery] = await one.deliveries('handler');
    const attempts = await one.inbox.attempts(delivery!.id);
    expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([[2, 'succeeded']]);
  });

  it('while the process was held up before it began: it leaves the delivery to the one that took over', async () => {
    const answer = held();
    releases.push(answer.release);
    let isClaimed = false;
    const store = new Proxy(one.store, {
      get(target, verb: keyof Store) {
        if (verb !== 'claimDeliveries') return (target[verb] as (() => unknown) | undefined)?.bind(target);
        return async (claim: DeliveryClaim) => {
          const claimed = await target.claimDeliveries(claim);
          if (claimed.length === 0) return claimed;
          isClaimed = true;
          await answer.promise;
          return claimed;
        };
      },
    });
    const heldUp = await DispatchHarness.open({ store, clock: one.clock });
    let runs = 0;
    heldUp.on('handler', () => void (runs += 1));
    let inOther = 0;
    other.on('handler', () => void (inOther += 1));
    await heldUp.send();
    const idle = heldUp.idle();
    await until(() => isClaimed);
    one.clock.advance(LIMITS.leaseMs);
    await other.idle();
    answer.release();
    await idle;
    expect([runs, inOther]).toEqual([0, 1]);
    await heldUp.dispatcher.stop(0);
  });

  it('drops a late success while the other process still runs, and keeps what that one records', async () => {
    const theirs = held();
    const handler = longHandler(() => theirs.promise);
    await one.send();
    pass();
    await until(() => handler.runs() === 1);
    one.clock.advance(LIMITS.leaseMs);
    other.dispatcher.start();
    await until(() => handler.inOther() === 1);
    handler.release();
    await until(() => one.lines.length > 0);
    expect(await one.outcome('handler')).toEqual(['pending']);
    theirs.release();
    await until(async () => (await one.outcome('handler'))[0] === 'succeeded');
    expect(handler.inOther()).toBe(1);
  });

  it('does not keep a shutdown waiting for a handler that never returns', async () => {
    const handler = longHandler();
    await one.send();
    pass();
    await until(() => handler.runs() === 1);
    one.clock.advance(LIMITS.leaseMs);
    await other.idle();
    pass();
    await until(() => handler.signal().aborted);
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'Date', 'nextTick'] });
    const stopped = one.dispatcher.stop(0);
    let over = false;
    void stopped.then(() => (over = true));
    await until(() => {
      jest.advanceTimersByTime(1_000);
      return over;
    });
    await stopped;
  });
});

describe('a process that died', () => {
  it('has its messages read by another one once their lease is over', async () => {
    await one.send();
    const claim = { now: one.clock.now(), leaseMs: LIMITS.leaseMs, limit: 10, sources: ['probe'] };
    expect(await one.store.claimMessages({ ...claim, lease: 'dead' })).toHaveLength(1);
    await other.idle();
    expect((await one.inbox.counts()).messages.stored).toBe(1);
    one.clock.advance(LIMITS.leaseMs);
    await other.idle();
    expect((await one.inbox.counts()).messages.parsed).toBe(1);
  });

  it('each time over the same message has it quarantined, and no other message with it', async () => {
    const poison = await one.send({ run: 'poison' });
    for (let run = 0; run < 20; run++) await one.send({ run: `${run}` });
    for (let deaths = 0; deaths < LIMITS.parseClaimsMax; deaths++) {
      const claim = { now: one.clock.now(), leaseMs: LIMITS.leaseMs, limit: 100, sources: ['probe'] };
      const take = () => one.store.claimMessages({ ...claim, lease: `${deaths}` });
      let claimed = await take();
      // What comes before the poison is read; over the poison the process dies.
      for (; claimed.every(({ id }) => id !== poison); claimed = await take()) {
        await one.store.record(
          claimed.map(({ id }) => ({
            messageId: id,
            lease: `${deaths}`,
            state: 'parsed',
            decide: () => ({ events: [] }),
          })),
          claim.now,
        );
      }
      expect(claimed).toHaveLength(deaths === 0 ? 21 : 1);
      one.clock.advance(LIMITS.leaseMs);
    }
    await other.idle();
    expect((await one.inbox.counts()).messages).toMatchObject({ parsed: 20, quarantined: 1 });
    expect(await one.inbox.message(poison)).toMatchObject({ state: 'quarantined' });
  });

  it.each(['what it says cannot be written', 'its time is none'])(
    'is not needed to have a message quarantined of which %s, and no other message with it',
    async (what) => {
      const spoiled = what === 'its time is none' ? { startedAt: '2026-11-23' } : { providerStatus: 1n };
      one.provider.readings.set('poison', () => {
        const reading = one.provider.parse({
          source: 'probe',
          headers: {},
          body: Buffer.from('{}'),
          receivedAt: START,
        });
        if (reading.state !== 'parsed') throw new Error('not read');
        return { ...reading, signal: { ...reading.signal, run: { ...reading.signal.run, id: 'poison', ...spoiled } } };
      });
      const poison = await one.send({ run: 'poison' });
      for (let run = 0; run < 20; run++) await one.send({ run: `${run}` });
      for (let reads = 0; reads <= LIMITS.parseClaimsMax; reads++) {
        await one.idle().catch(() => undefined);
        one.clock.advance(LIMITS.leaseMs);
      }
      expect((await one.inbox.counts()).messages).toMatchObject({ stored: 0, parsed: 20, quarantined: 1 });
      expect(await one.inbox.message(poison)).toMatchObject({ state: 'quarantined' });
    },
  );

  it('each time over the same delivery leaves a dead letter that says so, and runs it no more', async () => {
    const handler = longHandler();
    await one.send();
    pass();
    await until(() => handler.runs() === 1);
    const { attemptsMax } = one.handlers.get('handler')!.retry;
    for (let deaths = 1; deaths < attemptsMax + LIMITS.attemptsLostMax; deaths++) {
      one.clock.advance(LIMITS.leaseMs);
      const claim = { now: one.clock.now(), leaseMs: LIMITS.leaseMs, limit: 1, handlerIds: ['handler'] };
      expect(await one.store.claimDeliveries({ ...claim, lease: `${deaths}` })).toHaveLength(1);
    }
    one.clock.advance(LIMITS.leaseMs);
    await other.idle();
    expect(handler.inOther()).toBe(0);
    expect(await one.outcome('handler')).toEqual(['dead', 'PermanentError']);
    expect(other.lines.at(-1)).toMatch(/^error: .*25 attempts never ended/);
  });
});

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LeaseLostError, type DeliveryClaim, type Store } from 'nestjs-runhooks/core';
import { LIMITS, type DeliveryContext } from 'nestjs-runhooks/internal';
import { CARRIED, DispatchHarness, held, START, until } from './dispatch-harness.js';
import { FailingStore } from './failing-store.js';

/** Two processes that share one inbox. */
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

/**
 * Adds a handler that runs in the first process until released or aborted; the second process only counts its calls.
 */
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

/** Lets the first process poll once for work and renew its leases. It polls more only when an attempt is recorded. */
function pass(): void {
  void one.idle();
}

async function leaseEnds(): Promise<number | undefined> {
  const [delivery] = await one.deliveries('handler');
  return delivery?.dueAt?.getTime();
}

describe('the lease of a running handler', () => {
  it('keeps other processes from claiming the delivery until it ends', async () => {
    const handler = longHandler();
    await one.send();
    pass();
    await until(() => handler.runs() === 1);
    one.clock.advance(LIMITS.leaseMs - 1);
    await other.idle();
    expect(handler.inOther()).toBe(0);
  });

  it.each(['a pass of its worker', 'its timer'])('is renewed by %s while the handler runs', async (by) => {
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

  it('is not claimed again by its own process when the clock jumps ahead', async () => {
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

  it('is renewed at once if the claim took long', async () => {
    const { promise, release } = held();
    const watched = new FailingStore(one.store);
    let isClaimed = false;
    watched.beforeReturn = (verb, result) => {
      if (verb !== 'claimDeliveries' || (result as unknown[]).length === 0) return undefined;
      isClaimed = true;
      return promise;
    };
    const slow = await DispatchHarness.open({ store: watched.store, clock: one.clock });
    const { promise: ended, release: end } = held();
    let runs = 0;
    const run = (): Promise<void> => {
      runs += 1;
      return ended;
    };
    slow.on('handler', run, CARRIED);
    other.on('handler', run);
    await slow.send();
    const idle = slow.idle();
    await until(() => isClaimed);
    one.clock.advance(LIMITS.leaseMs - 1_000);
    release();
    await until(() => runs === 1);
    const renewedUntil = one.clock.now().getTime() + LIMITS.leaseMs;
    await until(async () => (await leaseEnds()) === renewedUntil);
    one.clock.advance(1_000);
    await other.idle();
    expect(runs).toBe(1);
    end();
    await idle;
    await slow.dispatcher.stop(0);
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

describe('an expired lease', () => {
  it('lets another process run the next attempt of the delivery', async () => {
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

  it('aborts the handler with a LeaseLostError and discards its late result', async () => {
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

  it('makes a process skip the delivery when it expires before the handler starts', async () => {
    const claimPause = held();
    releases.push(claimPause.release);
    let isClaimed = false;
    const store = new Proxy(one.store, {
      get(target, verb: keyof Store) {
        if (verb !== 'claimDeliveries') {
          const member: unknown = target[verb];
          return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        }
        return async (claim: DeliveryClaim) => {
          const claimed = await target.claimDeliveries(claim);
          if (claimed.length === 0) return claimed;
          isClaimed = true;
          await claimPause.promise;
          return claimed;
        };
      },
    });
    const heldUp = await DispatchHarness.open({ store, clock: one.clock });
    let runs = 0;
    heldUp.on('handler', () => void (runs += 1), CARRIED);
    let inOther = 0;
    other.on('handler', () => void (inOther += 1));
    await heldUp.send();
    const idle = heldUp.idle();
    await until(() => isClaimed);
    one.clock.advance(LIMITS.leaseMs);
    await other.idle();
    claimPause.release();
    await idle;
    expect([runs, inOther]).toEqual([0, 1]);
    await heldUp.dispatcher.stop(0);
  });

  it('discards a late success and keeps the result of the process that took over', async () => {
    const otherAttempt = held();
    const handler = longHandler(() => otherAttempt.promise);
    await one.send();
    pass();
    await until(() => handler.runs() === 1);
    one.clock.advance(LIMITS.leaseMs);
    other.dispatcher.start();
    await until(() => handler.inOther() === 1);
    handler.release();
    await until(() => one.lines.length > 0);
    expect(await one.outcome('handler')).toEqual(['pending']);
    otherAttempt.release();
    await until(async () => (await one.outcome('handler'))[0] === 'succeeded');
    expect(handler.inOther()).toBe(1);
  });

  it('does not delay a shutdown when a handler never returns', async () => {
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

describe('a crashed process', () => {
  it('has its messages parsed by another process once their lease expires', async () => {
    await one.send();
    const claim = { now: one.clock.now(), leaseMs: LIMITS.leaseMs, limit: 10, sources: ['probe'] };
    expect(await one.store.claimMessages({ ...claim, lease: 'dead' })).toHaveLength(1);
    await other.idle();
    expect((await one.inbox.counts()).messages.stored).toBe(1);
    one.clock.advance(LIMITS.leaseMs);
    await other.idle();
    expect((await one.inbox.counts()).messages.parsed).toBe(1);
  });

  it('has a message quarantined that crashes it every time, and no other message', async () => {
    const poison = await one.send({ run: 'poison' });
    for (let run = 0; run < 20; run++) await one.send({ run: `${run}` });
    for (let crashes = 0; crashes < LIMITS.parseClaimsMax; crashes++) {
      const claim = { now: one.clock.now(), leaseMs: LIMITS.leaseMs, limit: 100, sources: ['probe'] };
      const take = () => one.store.claimMessages({ ...claim, lease: `${crashes}` });
      let claimed = await take();
      // Messages before the poison message are parsed; at the poison message the process crashes.
      for (; claimed.every(({ id }) => id !== poison); claimed = await take()) {
        await one.store.record(
          claimed.map(({ id }) => ({
            messageId: id,
            lease: `${crashes}`,
            state: 'parsed',
            decide: () => ({ events: [] }),
          })),
          claim.now,
        );
      }
      expect(claimed).toHaveLength(crashes === 0 ? 21 : 1);
      one.clock.advance(LIMITS.leaseMs);
    }
    await other.idle();
    expect((await one.inbox.counts()).messages).toMatchObject({ parsed: 20, quarantined: 1 });
    expect(await one.inbox.message(poison)).toMatchObject({ state: 'quarantined' });
  });

  it.each(['its content cannot be written', 'its time is invalid'])(
    'is not required to quarantine a message, and no other message, when %s',
    async (what) => {
      const invalidFields = what === 'its time is none' ? { startedAt: '2026-11-23' } : { providerStatus: 1n };
      one.provider.parseOverrides.set('poison', () => {
        const parsed = one.provider.parse({
          source: 'probe',
          headers: {},
          body: Buffer.from('{}'),
          receivedAt: START,
        });
        if (parsed.state !== 'parsed') throw new Error('not parsed');
        return {
          ...parsed,
          signal: { ...parsed.signal, run: { ...parsed.signal.run, id: 'poison', ...invalidFields } },
        };
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

  it('leaves a dead letter with the reason when one delivery crashes it every time', async () => {
    const handler = longHandler();
    await one.send();
    pass();
    await until(() => handler.runs() === 1);
    const { attemptsMax } = one.handlers.get('handler')!.retry;
    for (let crashes = 1; crashes < attemptsMax + LIMITS.attemptsLostMax; crashes++) {
      one.clock.advance(LIMITS.leaseMs);
      const claim = { now: one.clock.now(), leaseMs: LIMITS.leaseMs, limit: 1, handlerIds: ['handler'] };
      expect(await one.store.claimDeliveries({ ...claim, lease: `${crashes}` })).toHaveLength(1);
    }
    one.clock.advance(LIMITS.leaseMs);
    await other.idle();
    expect(handler.inOther()).toBe(0);
    expect(await one.outcome('handler')).toEqual(['dead', 'PermanentError']);
    expect(other.lines.at(-1)).toMatch(/^error: .*25 attempts never ended/);
  });
});

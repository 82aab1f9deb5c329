import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StoreUnavailableError, type Provider, type Verification } from 'nestjs-runhooks/core';
import { LIMITS, Receiver, IdSequence } from 'nestjs-runhooks/internal';
import { DispatchHarness, openStore } from './dispatch-harness.js';
import { SIGNATURE } from './probe-provider.js';

const MINUTE = 60_000;
const MATCH: Verification = { ok: true };
const MISMATCH: Verification = { ok: false, check: 'signature-mismatch', reason: 'Header "x" does not match.' };
const MISSING: Verification = { ok: false, check: 'missing-header', reason: 'Header "x" is missing.' };

let harness: DispatchHarness;
let bodies = 0;

/** Sends requests with the given verification, `everyMs` apart, and runs the timer in between. */
async function send(verification: Verification, times = 1, everyMs = 0): Promise<void> {
  const { clock, logger, store, source, refusals } = harness;
  const provider: Provider = Object.assign(Object.create(harness.provider) as Provider, { verify: () => verification });
  const receiver = new Receiver({ store, clock, ids: new IdSequence(), logger, refusals, onAccepted: () => undefined });
  for (let sent = 0; sent < times; sent += 1) {
    await receiver.receive({ ...source, provider }, Buffer.from(`{"id":"${(bodies += 1)}"}`), SIGNATURE);
    await pass(everyMs);
  }
}

/** Advances time and runs the timer calls that fall into it. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += LIMITS.refusalCheckMs) {
    harness.clock.advance(Math.min(LIMITS.refusalCheckMs, ms - passed));
    await harness.refusals.look();
  }
}

beforeEach(async () => {
  harness = await DispatchHarness.open();
});
afterEach(() => harness.close());

describe('rejected requests', () => {
  it('are logged at the first, as a count every few minutes, and at the end', async () => {
    await send(MISSING, 120, 10_000);
    await pass(LIMITS.refusalQuietMs - 1 * MINUTE);
    expect(harness.lines).toEqual([
      expect.stringMatching(
        /^warn: Source "probe" rejected a request: 401 missing-header\. Headers: .*Further rejections are counted( \[RUNHOOKS_REQUEST_REJECTED\])?$/,
      ),
      expect.stringMatching(
        /^warn: Source "probe" still rejects requests: 401 missing-header, \d+ in the last 5 min, \d+ in 5 min$/,
      ),
      expect.stringMatching(/in the last 5 min, \d+ in 10 min$/),
      expect.stringMatching(/in the last 5 min, \d+ in 15 min$/),
      expect.stringMatching(/in the last 5 min, 120 in 20 min$/),
    ]);
    harness.lines.length = 0;
    await pass(2 * MINUTE);
    expect(harness.lines).toEqual([
      'log: Source "probe" no longer rejects requests: 401 missing-header, 120 in 20 min',
    ]);
    await pass(60 * MINUTE);
    expect(harness.lines).toHaveLength(1);
    await send(MISSING);
    expect(harness.lines[1]).toContain('rejected a request: 401 missing-header');
  });

  it('are logged separately per check, and no more often when two checks alternate', async () => {
    for (let turn = 0; turn < 20; turn += 1) {
      await send(MISSING);
      await send(MISMATCH);
    }
    expect(harness.lines.map((line) => /401 [\w-]+/.exec(line)?.[0])).toEqual([
      '401 missing-header',
      '401 signature-mismatch',
    ]);
  });

  it('have an unlogged count logged at the shutdown', async () => {
    await send(MISSING);
    await send(MISMATCH, 3);
    await harness.refusals.stop();
    expect(harness.lines.slice(2)).toEqual([
      'warn: Source "probe" rejected requests until the shutdown: 401 signature-mismatch, 3 in 0 ms',
    ]);
  });

  it('are counted by source and check, in memory first and in the inbox at the next timer call', async () => {
    await send(MISSING, 3);
    harness.clock.advance(1_000);
    await send(MISMATCH);
    const counts = [
      {
        source: 'probe',
        check: 'missing-header',
        requests: 3,
        latestAt: new Date(harness.clock.now().getTime() - 1_000),
      },
      { source: 'probe', check: 'signature-mismatch', requests: 1, latestAt: harness.clock.now() },
    ];
    expect((await harness.store.counts()).refusals).toEqual([]);
    expect((await harness.inbox.counts()).refusals).toEqual(counts);
    await harness.refusals.look();
    expect((await harness.store.counts()).refusals).toEqual(counts);
    await send(MISSING, 2);
    expect((await harness.inbox.counts()).refusals).toMatchObject([{ requests: 5 }, { requests: 1 }]);
    await harness.refusals.stop();
    expect((await harness.store.counts()).refusals).toMatchObject([{ requests: 5 }, { requests: 1 }]);
  });
});

describe('the inbox during rejections', () => {
  const writes: number[] = [];
  let isDown = false;

  beforeEach(async () => {
    await harness.close();
    writes.length = 0;
    isDown = false;
    const store = await openStore();
    const countRefusals = store.countRefusals.bind(store);
    store.countRefusals = async (refusals) => {
      writes.push(refusals.length);
      if (isDown) throw new StoreUnavailableError('the disk is full');
      return await countRefusals(refusals);
    };
    harness = await DispatchHarness.open({ store });
  });

  it('is written once per timer call for any number of rejections, and never without one', async () => {
    await send(MISSING, 500);
    await send(MISMATCH, 500);
    expect(writes).toEqual([]);
    await pass(5 * LIMITS.refusalCheckMs);
    expect(writes).toEqual([2]);
  });

  it('receives the counts of an outage afterwards', async () => {
    isDown = true;
    await send(MISSING, 3);
    await harness.refusals.look();
    await send(MISSING, 2);
    isDown = false;
    await harness.refusals.look();
    expect((await harness.store.counts()).refusals).toMatchObject([{ requests: 5 }]);
    expect(harness.refusals.unstored()).toEqual([]);
  });
});

describe('a sender with a changed secret', () => {
  const suspicions = (): string[] => harness.lines.filter((line) => line.startsWith('error: '));

  it('is reported once, with the fix, after some minutes without a match', async () => {
    await send(MATCH);
    await send(MISMATCH, 3, 30_000);
    expect(suspicions()).toEqual([]);
    await send(MISMATCH, 100, 30_000);
    expect(suspicions()).toEqual([
      expect.stringMatching(
        /^error: Source "probe" has stopped accepting webhooks: .*probably changed.*"secrets".*keep the old/,
      ),
    ]);
  });

  it('is reported as recovered, and again after the next change', async () => {
    await send(MATCH);
    await send(MISMATCH, 10, MINUTE);
    await send(MATCH);
    expect(harness.lines.at(-1)).toBe(
      'log: Source "probe" accepts webhooks again after 10 requests with a wrong signature',
    );
    await send(MISMATCH, 10, MINUTE);
    expect(suspicions()).toHaveLength(2);
  });

  it('is reported after a restart and after a purge, because the inbox keeps the keys', async () => {
    await send(MATCH);
    await harness.idle();
    harness.clock.advance(LIMITS.finishedMs + 1);
    await harness.inbox.purge();
    expect((await harness.inbox.messages()).items).toEqual([]);
    const { store, clock } = harness;
    harness = await DispatchHarness.open({ store, clock });
    await send(MISMATCH, 10, MINUTE);
    expect(suspicions()).toHaveLength(1);
  });

  it('is not reported when other messages of the source are accepted in between', async () => {
    for (let turn = 0; turn < 10; turn += 1) {
      await send(MISMATCH, 2, MINUTE);
      await send(MATCH);
    }
    expect(suspicions()).toEqual([]);
  });

  it('is not reported for unsigned requests, a source that never worked, or a short burst', async () => {
    await send(MISMATCH, 50, MINUTE);
    await send(MATCH);
    await send(MISSING, 50, MINUTE);
    await send(MISMATCH, 2, MINUTE);
    await pass(60 * MINUTE);
    expect(suspicions()).toEqual([]);
  });
});

import { equal, ok, rejects } from 'node:assert/strict';
import { StoreUnavailableError, type RoundClaim, type RoundStore } from 'nestjs-runhooks/core';
import { at, LEASE_MS, MUCH_LATER, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { PORT_LIMITS } from '../../limits.js';
import { same } from '../same.js';

/** Returns the verbs of a store with rounds. */
export function roundsOf({ store }: StoreHarness): RoundStore {
  ok(store.rounds, 'expected a store with rounds');
  return store.rounds;
}

const KINDS = ['ended', 'open'];

async function registered(harness: StoreHarness): Promise<RoundStore> {
  const rounds = roundsOf(harness);
  await rounds.register([{ source: SOURCE, kinds: KINDS }], at(0));
  return rounds;
}

function claimOf(fields: Partial<RoundClaim> & { at?: number; kinds?: readonly string[] } = {}): RoundClaim {
  const { at: ms = 0, kinds = ['ended'], ...rest } = fields;
  return {
    source: SOURCE,
    rounds: kinds.map((kind) => ({ kind, latestDueAt: at(ms + MUCH_LATER) })),
    now: at(ms),
    leaseMs: LEASE_MS,
    lease: 'process.1',
    ...rest,
  };
}

const HELD = { source: SOURCE, kind: 'ended', lease: 'process.1' };

/** Cases for a store with rounds. */
export const roundsCases: readonly ContractCase[] = [
  {
    title: 'rounds.register: returns the time of the first registration, and makes new rounds due',
    run: async (harness) => {
      const rounds = roundsOf(harness);
      same(await rounds.register([{ source: SOURCE, kinds: ['ended'] }], at(1)), [at(1)]);
      const both = [
        { source: SOURCE, kinds: KINDS },
        { source: 'another', kinds: [] },
      ];
      same(await rounds.register(both, at(2)), [at(1), at(2)]);
      same(await rounds.list(), [
        { source: SOURCE, kind: 'ended', failures: 0, dueAt: at(1), isRunning: false },
        { source: SOURCE, kind: 'open', failures: 0, dueAt: at(2), isRunning: false },
      ]);
    },
  },
  {
    title: 'rounds.register: takes back a first registration in the future, which a wrong clock has written',
    run: async (harness) => {
      const rounds = roundsOf(harness);
      same(await rounds.register([{ source: SOURCE, kinds: [] }], at(MUCH_LATER)), [at(MUCH_LATER)]);
      same(await rounds.register([{ source: SOURCE, kinds: [] }], at(1)), [at(1)]);
      same(await rounds.register([{ source: SOURCE, kinds: [] }], at(2)), [at(1)]);
    },
  },
  {
    title: 'rounds.claim: claims a due round once, until its lease has expired',
    run: async (harness) => {
      const rounds = await registered(harness);
      const claims = await Promise.all(['a', 'b', 'c'].map((lease) => rounds.claim(claimOf({ lease }))));
      same(
        claims.filter((one) => one !== undefined),
        [{ source: SOURCE, kind: 'ended', failures: 0 }],
      );
      equal(await rounds.claim(claimOf({ at: LEASE_MS - 1, lease: 'd', early: true })), undefined);
      equal((await rounds.list())[0]?.isRunning, true);
      equal((await rounds.claim(claimOf({ at: LEASE_MS, lease: 'd' })))?.kind, 'ended');
    },
  },
  {
    title: 'rounds.claim: claims the round that has been due longest, of the given kinds of the source only',
    run: async (harness) => {
      const rounds = await registered(harness);
      await rounds.claim(claimOf());
      await rounds.settle(HELD, { dueAt: at(-5), failures: 0 });
      equal(await rounds.claim(claimOf({ source: 'another', kinds: KINDS })), undefined);
      equal(await rounds.claim(claimOf({ kinds: ['schedules'] })), undefined);
      equal((await rounds.claim(claimOf({ kinds: KINDS })))?.kind, 'ended');
      equal((await rounds.claim(claimOf({ kinds: KINDS })))?.kind, 'open');
    },
  },
  {
    title: 'rounds.claim: claims a round that is not due only early, or if it is due later than a correct clock allows',
    run: async (harness) => {
      const rounds = await registered(harness);
      const settle = (ms: number): Promise<boolean> => rounds.settle(HELD, { dueAt: at(ms), failures: 0 });
      await rounds.claim(claimOf());
      await settle(100);
      equal(await rounds.claim(claimOf({ at: 99 })), undefined);
      ok(await rounds.claim(claimOf({ at: 99, early: true })));
      await settle(100);
      equal(await rounds.claim(claimOf({ rounds: [{ kind: 'ended', latestDueAt: at(100) }] })), undefined);
      ok(await rounds.claim(claimOf({ rounds: [{ kind: 'ended', latestDueAt: at(99) }] })));
    },
  },
  {
    title: 'rounds.renew: extends the lease, and keeps or replaces the cursor',
    run: async (harness) => {
      const rounds = await registered(harness);
      await rounds.claim(claimOf());
      equal(await rounds.renew(HELD, { now: at(500), leaseMs: LEASE_MS, cursor: 'page 2' }), true);
      equal(await rounds.renew(HELD, { now: at(600), leaseMs: LEASE_MS }), true);
      equal(await rounds.claim(claimOf({ at: LEASE_MS + 599, lease: 'b' })), undefined);
      equal((await rounds.claim(claimOf({ at: LEASE_MS + 600, lease: 'b' })))?.cursor, 'page 2');
    },
  },
  {
    title: 'rounds.renew, rounds.settle: write nothing after the claim was lost',
    run: async (harness) => {
      const rounds = await registered(harness);
      await rounds.claim(claimOf());
      await rounds.claim(claimOf({ at: LEASE_MS, lease: 'b' }));
      equal(await rounds.renew(HELD, { now: at(LEASE_MS), leaseMs: LEASE_MS, cursor: 'lost' }), false);
      equal(await rounds.settle(HELD, { dueAt: at(0), failures: 5, lastError: 'lost' }), false);
      same((await rounds.list())[0], {
        source: SOURCE,
        kind: 'ended',
        failures: 0,
        dueAt: at(2 * LEASE_MS),
        isRunning: true,
      });
    },
  },
  {
    title: 'rounds.settle: stores failures and the last error, until a round succeeds',
    run: async (harness) => {
      const rounds = await registered(harness);
      await rounds.claim(claimOf());
      equal(await rounds.settle(HELD, { dueAt: at(10), failures: 2, lastError: 'Error: no' }), true);
      const failed = { source: SOURCE, kind: 'ended', failures: 2, lastError: 'Error: no' };
      same((await rounds.list())[0], { ...failed, dueAt: at(10), isRunning: false });
      same(await rounds.claim(claimOf({ at: 10 })), failed);
      await rounds.settle(HELD, { dueAt: at(20), failures: 0 });
      same(await rounds.claim(claimOf({ at: 20 })), { source: SOURCE, kind: 'ended', failures: 0 });
    },
  },
  {
    title: 'rounds.hasten: makes selected rounds due that are neither due nor claimed, and records the decision',
    run: async (harness) => {
      const rounds = await registered(harness);
      await rounds.register([{ source: 'another', kinds: ['ended'] }], at(0));
      await rounds.claim(claimOf());
      await rounds.settle(HELD, { dueAt: at(100), failures: 0 });
      await rounds.claim(claimOf({ kinds: ['open'] }));
      equal(await rounds.hasten({ source: SOURCE, kind: 'open' }, harness.decision(), at(1)), 0);
      equal(await rounds.hasten({ source: SOURCE }, harness.decision({ by: 'kim' }), at(1)), 1);
      equal((await rounds.list()).find(({ source }) => source === SOURCE)?.dueAt.getTime(), at(1).getTime());
      equal(await rounds.hasten({}, harness.decision({ by: 'a second call' }), at(1)), 0);
      const { items } = await harness.store.audit({});
      same(
        items.map(({ action, by, affected }) => [action, by, affected]),
        [
          ['sweep', 'a second call', 0],
          ['sweep', 'kim', 1],
          ['sweep', 'an operator', 0],
        ],
      );
    },
  },
  {
    title: 'rounds: frees the rounds of a process that is gone',
    run: async (harness) => {
      const rounds = await registered(harness);
      const process = (processId: string, ms: number, lapsedMs: number) => ({
        processId,
        role: 'worker' as const,
        label: processId,
        lease: processId,
        startedAt: at(ms),
        handlers: [],
        abandoned: [],
        lapsedBefore: at(lapsedMs),
        missingBefore: at(-MUCH_LATER),
        scope: { sources: [], handlerIds: [], taskHandlerIds: [] },
      });
      await harness.store.register(process('process', 0, -1), at(0));
      await rounds.claim(claimOf());
      await harness.store.register(process('next', 5, 5), at(5));
      ok(await rounds.claim(claimOf({ at: 5, lease: 'next.1' })));
    },
  },
  {
    title: 'rounds.coolDown: keeps the later of two times, by host and account',
    run: async (harness) => {
      const rounds = roundsOf(harness);
      equal(await rounds.cooldownUntil('host', '1'), undefined);
      await rounds.coolDown('host', '1', at(20));
      await rounds.coolDown('host', '1', at(10));
      same(await rounds.cooldownUntil('host', '1'), at(20));
      await rounds.coolDown('host', '1', at(30));
      same(await rounds.cooldownUntil('host', '1'), at(30));
      equal(await rounds.cooldownUntil('host', '2'), undefined);
      equal(await rounds.cooldownUntil('other', '1'), undefined);
    },
  },
  {
    title:
      'rounds.coolDown: replaces a time that is later by more than an hour, which a clock that was ahead has stored',
    run: async (harness) => {
      const rounds = roundsOf(harness);
      await rounds.coolDown('host', '1', at(20 + PORT_LIMITS.cooldownMsMax));
      await rounds.coolDown('host', '1', at(20));
      same(await rounds.cooldownUntil('host', '1'), at(20 + PORT_LIMITS.cooldownMsMax));
      await rounds.coolDown('host', '1', at(19));
      same(await rounds.cooldownUntil('host', '1'), at(19));
    },
  },
  {
    title: 'rounds: rejects with StoreUnavailableError after the store was closed',
    run: async (harness) => {
      const rounds = await registered(harness);
      await harness.store.close();
      await rejects(rounds.claim(claimOf()), StoreUnavailableError);
      await rejects(rounds.list(), StoreUnavailableError);
    },
  },
];

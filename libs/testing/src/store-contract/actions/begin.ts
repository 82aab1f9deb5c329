import { equal } from 'node:assert/strict';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { at, LEASE_MS, type StoreHarness } from '../store-harness.js';
import { actionsOf, answered, begun, claimAt, ended, newAction, recordRun, withoutAction } from './actions-harness.js';

const NEW_ACTION = {
  source: 'source',
  key: 'a',
  kind: 'retry',
  target: '7',
  state: 'intended',
  mark: 'runhooks:a',
  looks: 0,
  rootRun: '7',
} as const;

/** Begins a retry with a limit of 1, and returns its root run, or the result if it is limited. */
async function rootOf(harness: StoreHarness, key: string, target: string, fields = {}): Promise<unknown> {
  const result = await actionsOf(harness).begin(newAction(key, { target, retriesMax: 1, ...fields }), claimAt(0));
  return result.begun === 'limited' ? result : result.action.rootRun;
}

/** Cases for a store with actions. */
export const beginActionCases: readonly ContractCase[] = [
  {
    title: 'actions.begin: writes a new action, claimed and intended',
    run: async (harness) => {
      const actions = actionsOf(harness);
      equal(await actions.find({ source: 'source', key: 'a' }), undefined);
      same(await actions.begin(newAction('a'), claimAt(0)), { begun: 'claimed', action: NEW_ACTION });
      same(await actions.find({ source: 'source', key: 'a' }), NEW_ACTION);
      equal(await actions.find({ source: 'another', key: 'a' }), undefined);
    },
  },
  {
    title: 'actions.begin: keeps one action per source and key',
    run: async (harness) => {
      const actions = actionsOf(harness);
      await begun(harness, newAction('a'));
      await begun(harness, newAction('b', { target: '8' }));
      await begun(harness, newAction('a', { source: 'another' }));
      equal((await actions.list({}, {})).items.length, 3);
    },
  },
  {
    title: 'actions.begin: waits for the lease of another attempt, and then claims the action in its state',
    run: async (harness) => {
      const actions = actionsOf(harness);
      const held = await begun(harness, newAction('a'));
      const dueAt = at(LEASE_MS);
      same(await actions.begin(newAction('a'), claimAt(LEASE_MS - 1)), { begun: 'waiting', action: NEW_ACTION, dueAt });
      same(await actions.begin(newAction('a'), claimAt(LEASE_MS)), { begun: 'claimed', action: NEW_ACTION });
      equal(await actions.advance(held, { state: 'unknown' }, at(LEASE_MS)), false);
      const second = { ...held, lease: claimAt(LEASE_MS).lease };
      await actions.advance(second, { state: 'sent', leaseMs: LEASE_MS }, at(LEASE_MS));
      const sent = { ...NEW_ACTION, state: 'sent', sentAt: at(LEASE_MS) };
      same(await actions.begin(newAction('a'), claimAt(2 * LEASE_MS)), { begun: 'claimed', action: sent });
    },
  },
  {
    title: 'actions.begin: waits for the next look-up',
    run: async (harness) => {
      const actions = actionsOf(harness);
      const held = await begun(harness, newAction('a'));
      await actions.advance(held, { state: 'sent', leaseMs: LEASE_MS }, at(1));
      await actions.advance(held, { state: 'sent', dueAt: at(500), looks: 2 }, at(2));
      const early = await actions.begin(newAction('a'), claimAt(499));
      same(withoutAction(early), { begun: 'waiting', dueAt: at(500) });
      const result = await actions.begin(newAction('a'), claimAt(500));
      const action = { ...NEW_ACTION, state: 'sent', sentAt: at(1), looks: 2 };
      same(result, { begun: 'claimed', action });
    },
  },
  {
    title: 'actions.begin: does not wait for a time that no correct clock can have stored',
    run: async (harness) => {
      const actions = actionsOf(harness);
      await begun(harness, newAction('a'), claimAt(10 * LEASE_MS));
      const latest = { latestDueAt: at(11 * LEASE_MS) };
      equal((await actions.begin(newAction('a'), claimAt(0, latest))).begun, 'waiting');
      const held = await begun(harness, newAction('a'), claimAt(0, { latestDueAt: at(11 * LEASE_MS - 1) }));
      await actions.advance(held, { state: 'sent', dueAt: at(9_000_000), looks: 0 }, at(0));
      equal((await actions.begin(newAction('a'), claimAt(1))).begun, 'waiting');
      equal((await actions.begin(newAction('a'), claimAt(1, latest))).begun, 'claimed');
    },
  },
  {
    title: 'actions.begin: claims an intended action without a lease at once',
    run: async (harness) => {
      const held = await begun(harness, newAction('a'));
      await actionsOf(harness).advance(held, { state: 'intended' }, at(1));
      await begun(harness, newAction('a'), claimAt(1));
    },
  },
  {
    title: 'actions.begin: returns an action that is over',
    run: async (harness) => {
      await answered(harness, newAction('answered'), { runId: '8', url: 'a page' });
      await ended(harness, newAction('refused'), 'refused');
      await ended(harness, newAction('unknown'), 'unknown');
      for (const key of ['answered', 'refused', 'unknown']) {
        const result = await actionsOf(harness).begin(newAction(key), claimAt(1_000_000));
        equal(result.begun, 'ended');
        same(result.begun === 'ended' && [result.action.state, result.action], [
          key,
          await actionsOf(harness).find({ source: 'source', key }),
        ]);
      }
    },
  },
  {
    title: 'actions.begin: returns an action of another kind or with another target',
    run: async (harness) => {
      const actions = actionsOf(harness);
      await begun(harness, newAction('a'));
      for (const other of [{ kind: 'cancel' }, { target: '8' }] as const) {
        same(await actions.begin(newAction('a', other), claimAt(1_000_000)), { begun: 'differs', action: NEW_ACTION });
      }
    },
  },
  {
    title: 'actions.begin: limits the retries of a root run, except for refused ones',
    run: async (harness) => {
      const actions = actionsOf(harness);
      await ended(harness, newAction('refused'), 'refused');
      await begun(harness, newAction('a', { retriesMax: 1 }));
      const limited = { begun: 'limited', rootRun: '7', retries: 1 };
      same(await actions.begin(newAction('b', { retriesMax: 1 }), claimAt(0)), limited);
      equal(await actions.find({ source: 'source', key: 'b' }), undefined);
      equal((await actions.begin(newAction('b', { retriesMax: 2 }), claimAt(0))).begun, 'claimed');
      same(await actions.begin(newAction('c', { retriesMax: 2 }), claimAt(0)), { ...limited, retries: 2 });
      await begun(harness, newAction('without a limit'));
      await begun(harness, newAction('of another run', { target: '8', retriesMax: 1 }));
      await begun(harness, newAction('of another source', { source: 'another', retriesMax: 1 }));
      await begun(harness, newAction('of another kind', { kind: 'cancel', retriesMax: 1 }));
      equal((await actions.begin(newAction('a', { retriesMax: 1 }), claimAt(LEASE_MS))).begun, 'claimed');
    },
  },
  {
    title: 'actions.begin: limits retries of all states but refused, and of several attempts at once',
    run: async (harness) => {
      const actions = actionsOf(harness);
      await ended(harness, newAction('unknown'), 'unknown');
      await answered(harness, newAction('answered'), { runId: '8' });
      equal((await actions.begin(newAction('one more', { retriesMax: 2 }), claimAt(0))).begun, 'limited');
      const keys = ['a', 'b', 'c', 'd'];
      const results = await Promise.all(
        keys.map((key) => actions.begin(newAction(key, { target: '9', retriesMax: 1 }), claimAt(0))),
      );
      equal(results.filter(({ begun: result }) => result === 'claimed').length, 1);
      equal(results.filter(({ begun: result }) => result === 'limited').length, 3);
    },
  },
  {
    title: 'actions.begin: lets one of several attempts at once claim an action',
    run: async (harness) => {
      const claims = [0, 1, 2, 3].map((ms) => claimAt(ms));
      const results = await Promise.all(claims.map((claim) => actionsOf(harness).begin(newAction('a'), claim)));
      equal(results.filter(({ begun: result }) => result === 'claimed').length, 1);
      equal(results.filter(({ begun: result }) => result === 'waiting').length, 3);
    },
  },
  {
    title: 'actions.begin: finds the root run of a retry that an action has started, also without its account',
    run: async (harness) => {
      await answered(harness, newAction('a'), { runId: '8' });
      same(await rootOf(harness, 'b', '8'), { begun: 'limited', rootRun: '7', retries: 1 });
      await answered(harness, newAction('b', { target: '8' }), { runId: '9' });
      same(await rootOf(harness, 'c', '9', { accountId: undefined }), { begun: 'limited', rootRun: '7', retries: 2 });
      equal(await rootOf(harness, 'd', '8', { source: 'another' }), '8');
    },
  },
  {
    title: 'actions.begin: takes a triggered run as its own root run',
    run: async (harness) => {
      await answered(harness, newAction('a', { kind: 'trigger', target: 'job' }), { runId: '8' });
      equal(await rootOf(harness, 'b', '8'), '8');
      equal((await actionsOf(harness).find({ source: 'source', key: 'a' }))?.rootRun, undefined);
    },
  },
  {
    title: 'actions.begin: finds the root run of a retry that only the inbox knows',
    run: async (harness) => {
      await recordRun(harness, '8', { run: { retryOf: '7' } });
      await recordRun(harness, '9', { run: { retryOf: '8' } });
      await recordRun(harness, '10', { run: { retryOf: '9', rootRun: '5' } });
      equal(await rootOf(harness, 'a', '9'), '7');
      equal(await rootOf(harness, 'b', '10'), '5');
      equal(await rootOf(harness, 'c', '9', { accountId: '2' }), '9');
      equal(await rootOf(harness, 'd', '8', { accountId: undefined }), '8');
    },
  },
  {
    title: 'actions.begin: waits for the answer of another retry of the job, which may have started the target',
    run: async (harness) => {
      const actions = actionsOf(harness);
      for (const run of ['7', '8']) await recordRun(harness, run);
      const held = await begun(harness, newAction('a', { retriesMax: 1 }));
      const child = newAction('b', { target: '8', retriesMax: 1 });
      await actions.advance(held, { state: 'sent', leaseMs: LEASE_MS }, at(0));
      const waiting = await actions.begin(child, claimAt(1));
      equal(waiting.begun, 'waiting');
      same(waiting.begun === 'waiting' && [waiting.action.key, waiting.dueAt], ['a', at(LEASE_MS)]);
      equal(await actions.find({ source: 'source', key: 'b' }), undefined);
      await actions.advance(held, { state: 'unknown' }, at(2));
      const unknown = await actions.begin(child, claimAt(3));
      same(withoutAction(unknown), { begun: 'waiting', dueAt: at(3 + LEASE_MS) });
      const tooLate = claimAt(25 * 3_600_000);
      equal((await actions.begin({ ...child, key: 'c' }, tooLate)).begun, 'claimed');
      const done = { outcome: 'done', runId: '8' } as const;
      equal(await actions.decide({ source: 'source', key: 'a' }, done, harness.decision(), at(4)), true);
      same(await actions.begin(child, claimAt(5)), { begun: 'limited', rootRun: '7', retries: 1 });
    },
  },
  {
    title: 'actions.begin: waits for no retry that cannot have started the target',
    run: async (harness) => {
      const actions = actionsOf(harness);
      for (const run of ['7', '8', '9']) await recordRun(harness, run);
      await recordRun(harness, '10', { run: { retryOf: '9' } });
      await recordRun(harness, '11', { run: { jobKey: 'another job' } });
      await begun(harness, newAction('intended', { retriesMax: 1 }));
      await begun(harness, newAction('a', { target: '8', retriesMax: 1 }));
      const held = await begun(harness, newAction('b', { target: '9', retriesMax: 2 }));
      await actions.advance(held, { state: 'sent', leaseMs: LEASE_MS }, at(0));
      await begun(harness, newAction('known parent', { target: '10', retriesMax: 2 }));
      await begun(harness, newAction('another job', { target: '11', retriesMax: 1 }));
      await begun(harness, newAction('another account', { target: '8', accountId: '2', retriesMax: 2 }));
      await begun(harness, newAction('same target', { target: '9', retriesMax: 3 }));
    },
  },
  {
    title: 'actions.begin: ends a search in a circle of retries',
    run: async (harness) => {
      await recordRun(harness, '8', { run: { retryOf: '9' } });
      await recordRun(harness, '9', { run: { retryOf: '8' } });
      await begun(harness, newAction('a', { target: '9' }));
    },
  },
];

import { equal } from 'node:assert/strict';
import type { ActionChange, StoredAction } from 'nestjs-runhooks/core';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { at, LEASE_MS, type StoreHarness } from '../store-harness.js';
import { actionsOf, answered, begun, claimAt, newAction, withoutAction } from './actions-harness.js';

const KEY = { source: 'source', key: 'a' };
const CHANGES: readonly ActionChange[] = [
  { state: 'sent', leaseMs: LEASE_MS },
  { state: 'sent', dueAt: at(5), looks: 1 },
  { state: 'intended' },
  { state: 'refused', refusal: { reason: 'over', message: 'run 7 is over' } },
  { state: 'unknown' },
];

async function stateOf(harness: StoreHarness): Promise<Partial<StoredAction>> {
  const { state, sentAt, looks, refusal } = (await actionsOf(harness).find(KEY)) ?? {};
  return { ...(state && { state, looks: looks ?? 0 }), ...(sentAt && { sentAt }), ...(refusal && { refusal }) };
}

/** Cases for a store with actions. */
export const advanceActionCases: readonly ContractCase[] = [
  {
    title: 'actions.advance: extends the lease of an action that is about to be sent',
    run: async (harness) => {
      const actions = actionsOf(harness);
      const held = await begun(harness, newAction('a'));
      equal(await actions.advance(held, { state: 'sent', leaseMs: LEASE_MS }, at(100)), true);
      same(await stateOf(harness), { state: 'sent', looks: 0, sentAt: at(100) });
      const result = await actions.begin(newAction('a'), claimAt(LEASE_MS + 99));
      same(withoutAction(result), { begun: 'waiting', dueAt: at(LEASE_MS + 100) });
    },
  },
  {
    title: 'actions.advance: keeps the time of the call and counts look-ups, until it is sent again',
    run: async (harness) => {
      const actions = actionsOf(harness);
      const held = await begun(harness, newAction('a'));
      await actions.advance(held, { state: 'sent', leaseMs: LEASE_MS }, at(1));
      await actions.advance(held, { state: 'sent', dueAt: at(20), looks: 2 }, at(10));
      same(await stateOf(harness), { state: 'sent', looks: 2, sentAt: at(1) });
      const again = await begun(harness, newAction('a'), claimAt(20));
      await actions.advance(again, { state: 'sent', leaseMs: LEASE_MS }, at(30));
      same(await stateOf(harness), { state: 'sent', looks: 0, sentAt: at(30) });
    },
  },
  {
    title: 'actions.advance: has no time of a call in an action that is set back to its intent',
    run: async (harness) => {
      const held = await begun(harness, newAction('a'));
      await actionsOf(harness).advance(held, { state: 'sent', leaseMs: LEASE_MS }, at(1));
      equal(await actionsOf(harness).advance(held, { state: 'intended' }, at(2)), true);
      same(await stateOf(harness), { state: 'intended', looks: 0 });
    },
  },
  {
    title: 'actions.advance: keeps a refusal',
    run: async (harness) => {
      const held = await begun(harness, newAction('a'));
      const refusal = { reason: 'not-latest', message: 'run 7 is not the latest \u0000 of its job' } as const;
      await actionsOf(harness).advance(held, { state: 'refused', refusal }, at(1));
      same(await stateOf(harness), { state: 'refused', looks: 0, refusal });
    },
  },
  {
    title: 'actions.advance: ends the lease in every state but that of a call',
    run: async (harness) => {
      for (const [index, change] of CHANGES.entries()) {
        const held = await begun(harness, newAction(`${index}`));
        equal(await actionsOf(harness).advance(held, change, at(1)), true);
        const isHeld = 'leaseMs' in change;
        equal(await actionsOf(harness).advance(held, { state: 'unknown' }, at(2)), isHeld);
      }
    },
  },
  {
    title: 'actions.advance: writes nothing without the claim',
    run: async (harness) => {
      const actions = actionsOf(harness);
      const held = await begun(harness, newAction('a'));
      await begun(harness, newAction('a'), claimAt(LEASE_MS));
      for (const change of CHANGES) equal(await actions.advance(held, change, at(1)), false);
      equal(await actions.advance({ ...held, key: 'none' }, { state: 'unknown' }, at(1)), false);
      same(await stateOf(harness), { state: 'intended', looks: 0 });
      same(await actions.answer(held, [{ runId: '8' }], at(1)), false);
      same(await stateOf(harness), { state: 'intended', looks: 0 });
    },
  },
  {
    title: 'actions: are counted by state',
    run: async (harness) => {
      const none = { intended: 0, sent: 0, answered: 0, refused: 0, unknown: 0 };
      same((await harness.store.counts()).actions, none);
      for (const [index, change] of CHANGES.entries()) {
        await actionsOf(harness).advance(await begun(harness, newAction(`${index}`)), change, at(1));
      }
      for (const runId of ['8', '9', '10']) await answered(harness, newAction(runId), { runId });
      same((await harness.store.counts()).actions, { intended: 1, sent: 2, answered: 3, refused: 1, unknown: 1 });
    },
  },
];

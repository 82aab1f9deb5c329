import { equal } from 'node:assert/strict';
import type { ActionOutcome } from 'nestjs-runhooks/core';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { at, LEASE_MS } from '../store-harness.js';
import { actionsOf, answered, begun, claimAt, ended, newAction, recordRun, runOf } from './actions-harness.js';

const KEY = { source: 'source', key: 'a' };

/** Cases for a store with actions. */
export const decideActionCases: readonly ContractCase[] = [
  {
    title: 'actions.decide: ends an unknown action as answered, with the run that the operator names',
    run: async (harness) => {
      const actions = actionsOf(harness);
      await recordRun(harness, '7');
      await ended(harness, newAction('a'), 'unknown');
      equal(await actions.decide(KEY, { outcome: 'done', runId: '8' }, harness.decision(), at(1)), true);
      const action = await actions.find(KEY);
      same([action?.state, action?.answer], ['answered', { runId: '8' }]);
      const { retryOf, rootRun } = (await harness.store.run(runOf('8'))) ?? {};
      same([retryOf, rootRun], ['7', '7']);
      equal((await harness.store.counts()).actions.answered, 1);
    },
  },
  {
    title: 'actions.decide: sets an unknown or refused action back to its intent',
    run: async (harness) => {
      const actions = actionsOf(harness);
      for (const state of ['unknown', 'refused'] as const) {
        await ended(harness, newAction(state), state);
        const key = { ...KEY, key: state };
        equal(await actions.decide(key, { outcome: 'not-done' }, harness.decision(), at(1)), true);
        const action = await actions.find(key);
        same([action?.state, action?.refusal, action?.sentAt, action?.looks], ['intended', undefined, undefined, 0]);
        await begun(harness, newAction(state), claimAt(1));
      }
      const counts = { intended: 2, sent: 0, answered: 0, refused: 0, unknown: 0 };
      same((await harness.store.counts()).actions, counts);
    },
  },
  {
    title: 'actions.decide: decides about a sent action that no attempt goes on with, and about no other one',
    run: async (harness) => {
      const actions = actionsOf(harness);
      const done = { outcome: 'done', runId: '8' } as const;
      const sent = async (key: string) => {
        const held = await begun(harness, newAction(key));
        await actions.advance(held, { state: 'sent', leaseMs: LEASE_MS }, at(0));
        return held;
      };
      const decide = (key: string, outcome: ActionOutcome, ms: number) =>
        actions.decide({ ...KEY, key }, outcome, harness.decision(), at(ms));
      const held = await sent('a');
      await actions.advance(await sent('b'), { state: 'sent', dueAt: at(LEASE_MS), looks: 1 }, at(1));
      for (const key of ['a', 'b']) {
        same([await decide(key, done, LEASE_MS - 1), await decide(key, { outcome: 'not-done' }, 1)], [false, false]);
      }
      equal(await decide('a', done, LEASE_MS), true);
      equal(await decide('b', { outcome: 'not-done' }, LEASE_MS), true);
      equal(await actions.answer(held, [{ runId: '9' }], at(LEASE_MS)), false);
      same((await harness.store.counts()).actions, { intended: 1, sent: 0, answered: 1, refused: 0, unknown: 0 });
    },
  },
  {
    title: 'actions.decide: changes no action in another state',
    run: async (harness) => {
      const actions = actionsOf(harness);
      await begun(harness, newAction('intended'));
      await answered(harness, newAction('answered'), { runId: '8' });
      await ended(harness, newAction('refused'), 'refused');
      const done = { outcome: 'done', runId: '9' } as const;
      const decide = (key: string, outcome: ActionOutcome) =>
        actions.decide({ ...KEY, key }, outcome, harness.decision(), at(1));
      for (const key of ['intended', 'answered', 'none']) {
        same([await decide(key, done), await decide(key, { outcome: 'not-done' })], [false, false]);
      }
      equal(await decide('refused', done), false);
      equal((await actions.find({ ...KEY, key: 'answered' }))?.answer?.runId, '8');
    },
  },
  {
    title: 'actions.decide: adds the decision to the audit',
    run: async (harness) => {
      await ended(harness, newAction('a'), 'unknown');
      const decision = harness.decision();
      await actionsOf(harness).decide(KEY, { outcome: 'not-done' }, decision, at(1));
      const [entry] = (await harness.store.audit({})).items;
      same(entry, { ...decision, action: 'decide', decidedAt: at(1), affected: 1 });
    },
  },
];

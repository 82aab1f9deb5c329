import { equal } from 'node:assert/strict';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { at } from '../store-harness.js';
import { actionsOf, answered, begun, newAction } from './actions-harness.js';

const TRIGGER = { kind: 'trigger', target: 'job' } as const;

/** Cases for a store with actions. */
export const answerActionCases: readonly ContractCase[] = [
  {
    title: 'actions.answer: ends an action with the first run, and with its claim',
    run: async (harness) => {
      const actions = actionsOf(harness);
      const held = await begun(harness, newAction('a'));
      const answer = { runId: '8', accountId: '1', url: 'a page' };
      same(await actions.answer(held, [answer, { runId: '9' }], at(1)), answer);
      const action = await actions.find(held);
      same([action?.state, action?.answer], ['answered', answer]);
      equal(await actions.answer(held, [{ runId: '9' }], at(2)), false);
      same((await actions.find(held))?.answer, answer);
    },
  },
  {
    title: 'actions.answer: leaves out runs that other actions of the source have started',
    run: async (harness) => {
      const actions = actionsOf(harness);
      await answered(harness, newAction('a', TRIGGER), { runId: '8' });
      await answered(harness, newAction('b', { ...TRIGGER, source: 'another' }), { runId: '9' });
      const held = await begun(harness, newAction('c', TRIGGER));
      equal(await actions.answer(held, [], at(1)), undefined);
      equal(await actions.answer(held, [{ runId: '8' }], at(1)), undefined);
      equal((await actions.find(held))?.state, 'intended');
      const runs = ['8', '9', '10'].map((runId) => ({ runId }));
      same(await actions.answer(held, runs, at(1)), { runId: '9' });
    },
  },
  {
    title: 'actions.answer: gives one run to one of several actions that find it at once',
    run: async (harness) => {
      const keys = ['a', 'b', 'c', 'd'];
      const all = await Promise.all(keys.map((key) => begun(harness, newAction(key, TRIGGER))));
      const runs = ['8', '9', '10'].map((runId) => ({ runId }));
      const answers = await Promise.all(all.map((held) => actionsOf(harness).answer(held, runs, at(1))));
      const ids = answers.map((answer) => (answer ? answer.runId : 'none'));
      same(ids.sort(), ['10', '8', '9', 'none']);
    },
  },
  {
    title: 'actions.answer: ends cancellations of a run that an action has started, or that was canceled before',
    run: async (harness) => {
      await answered(harness, newAction('a', TRIGGER), { runId: '8' });
      await answered(harness, newAction('b', { kind: 'cancel', target: '8' }), { runId: '8' });
      await answered(harness, newAction('c', { kind: 'cancel', target: '8' }), { runId: '8' });
      const held = await begun(harness, newAction('d', TRIGGER));
      equal(await actionsOf(harness).answer(held, [{ runId: '8' }], at(1)), undefined);
    },
  },
];

import { equal } from 'node:assert/strict';
import type { RunState } from 'nestjs-runhooks/core';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { at, SOURCE, type StoreHarness } from '../store-harness.js';
import { answered, newAction, recordRun, runOf } from './actions-harness.js';

async function stateOf(harness: StoreHarness, runId: string, accountId = '1'): Promise<Partial<RunState> | undefined> {
  const run = await harness.store.run({ ...runOf(runId), accountId });
  if (!run) return undefined;
  const { jobKey, outcome, types, retryOf, rootRun } = run;
  return {
    jobKey,
    types,
    ...(outcome && { outcome }),
    ...(retryOf !== undefined && { retryOf }),
    ...(rootRun !== undefined && { rootRun }),
  };
}

const UNREPORTED = { jobKey: 'job', types: [], retryOf: '7', rootRun: '7' };

/** Cases for a store with actions. */
export const retriedRunCases: readonly ContractCase[] = [
  {
    title: 'actions.answer: writes the retried run and the root run into a run that no message has reported',
    run: async (harness) => {
      await recordRun(harness, '7', { run: { outcome: 'failed', types: ['run.failed'] } });
      await answered(harness, newAction('a'), { runId: '8' });
      same(await stateOf(harness, '8'), UNREPORTED);
      await answered(harness, newAction('b', { target: '8' }), { runId: '9', accountId: '1' });
      same(await stateOf(harness, '9'), { ...UNREPORTED, retryOf: '8' });
    },
  },
  {
    title: 'actions.answer: writes the retried run and the root run into a run that a message has reported',
    run: async (harness) => {
      await recordRun(harness, '7');
      await recordRun(harness, '8', { run: { jobKey: 'other', outcome: 'failed', types: ['run.failed'] } });
      await answered(harness, newAction('a', { accountId: undefined }), { runId: '8', accountId: '1' });
      const retry = { retryOf: '7', rootRun: '7' };
      same(await stateOf(harness, '8'), { jobKey: 'other', outcome: 'failed', types: ['run.failed'], ...retry });
    },
  },
  {
    title: 'actions.answer: writes no run without its account, or without the retried run',
    run: async (harness) => {
      await answered(harness, newAction('a'), { runId: '8' });
      equal(await stateOf(harness, '8'), undefined);
      await recordRun(harness, '7');
      await answered(harness, newAction('b', { accountId: undefined }), { runId: '9' });
      equal((await harness.store.runs({}, {})).items.length, 1);
    },
  },
  {
    title: 'actions.answer: writes no run for a trigger or a cancellation',
    run: async (harness) => {
      await recordRun(harness, '7');
      await answered(harness, newAction('a', { kind: 'trigger' }), { runId: '8' });
      await answered(harness, newAction('b', { kind: 'cancel' }), { runId: '7' });
      equal(await stateOf(harness, '8'), undefined);
      same(await stateOf(harness, '7'), { jobKey: 'job', types: [] });
    },
  },
  {
    title: 'record: passes the run that an action has written, and keeps what it knows of the retry',
    run: async (harness) => {
      await recordRun(harness, '7');
      await answered(harness, newAction('a'), { runId: '8' });
      await recordRun(harness, '8', { run: { types: ['run.started'] } });
      same(await stateOf(harness, '8'), { ...UNREPORTED, types: ['run.started'] });
    },
  },
  {
    title: 'runs: list a run that an action has written with its job, and purge removes it when it is old',
    run: async (harness) => {
      await recordRun(harness, '7');
      await answered(harness, newAction('a'), { runId: '8' }, 5);
      const { items } = await harness.store.runs({ source: SOURCE, jobKey: 'job' }, {});
      same(
        items.map(({ runId, updatedAt }) => [runId, updatedAt]),
        [
          ['8', at(5)],
          ['7', at(0)],
        ],
      );
      same((await harness.store.runs({ outcome: 'failed' }, {})).items, []);
      const never = new Date(0);
      const times = { finishedBefore: never, deadBefore: never, goodBefore: never, nodesBefore: never };
      const purge = { ...times, tasksBefore: never, limit: 10 };
      equal((await harness.store.purge({ ...purge, deduplicationBefore: at(5) })).runs, 1);
      equal((await harness.store.purge({ ...purge, deduplicationBefore: at(6) })).runs, 1);
    },
  },
];

import { equal } from 'node:assert/strict';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { at, LEASE_MS, type StoreHarness } from '../store-harness.js';
import { actionsOf, begun, claimAt, ended, newAction, recordRun } from './actions-harness.js';

const TRIGGER = { kind: 'trigger', target: 'job' } as const;

async function answerOf(harness: StoreHarness, key: string, source = 'source'): Promise<unknown> {
  const action = await actionsOf(harness).find({ source, key });
  return action?.answer ?? action?.state;
}

/** Cases for a store with actions. */
export const markedRunCases: readonly ContractCase[] = [
  {
    title: 'record: ends an intended, a sent and an unknown action whose mark a run has',
    run: async (harness) => {
      await begun(harness, newAction('intended', TRIGGER));
      const sent = await begun(harness, newAction('sent', TRIGGER));
      await actionsOf(harness).advance(sent, { state: 'sent', leaseMs: LEASE_MS }, at(0));
      await ended(harness, newAction('unknown', TRIGGER), 'unknown');
      for (const key of ['intended', 'sent', 'unknown']) {
        await recordRun(harness, `of ${key}`, { actionMark: `runhooks:${key}` });
        same(await answerOf(harness, key), { runId: `of ${key}`, accountId: '1' });
      }
      const counts = { intended: 0, sent: 0, answered: 3, refused: 0, unknown: 0 };
      same((await harness.store.counts()).actions, counts);
      equal(await actionsOf(harness).advance(sent, { state: 'unknown' }, at(0)), false);
      equal(await actionsOf(harness).answer(sent, [{ runId: '9' }], at(0)), false);
      const again = await actionsOf(harness).begin(newAction('sent', TRIGGER), claimAt(1_000_000));
      equal(again.begun, 'ended');
    },
  },
  {
    title: 'record: leaves an action alone that is over, and marks of none',
    run: async (harness) => {
      await ended(harness, newAction('refused', TRIGGER), 'refused');
      await begun(harness, newAction('a', TRIGGER));
      const actionMark = 'runhooks:a';
      await recordRun(harness, '8', { actionMark });
      await recordRun(harness, '8', { actionMark });
      await recordRun(harness, '9', { actionMark });
      await recordRun(harness, '9', { actionMark: 'runhooks:refused' });
      await recordRun(harness, '9', { actionMark: 'runhooks:of another inbox' });
      same(await answerOf(harness, 'a'), { runId: '8', accountId: '1' });
      equal(await answerOf(harness, 'refused'), 'refused');
      same((await harness.store.counts()).actions.answered, 1);
    },
  },
  {
    title: 'record: leaves an action of another source alone',
    run: async (harness) => {
      await begun(harness, newAction('a', { ...TRIGGER, source: 'another' }));
      await recordRun(harness, '8', { actionMark: 'runhooks:a' });
      equal(await answerOf(harness, 'a', 'another'), 'intended');
    },
  },
  {
    title: 'record: leaves a retry and a cancellation alone, because their runs have no mark',
    run: async (harness) => {
      await begun(harness, newAction('a'));
      await begun(harness, newAction('b', { kind: 'cancel' }));
      await recordRun(harness, '8', { actionMark: 'runhooks:a' });
      await recordRun(harness, '9', { actionMark: 'runhooks:b' });
      same([await answerOf(harness, 'a'), await answerOf(harness, 'b')], ['intended', 'intended']);
    },
  },
  {
    title:
      'record: ends an action by a run of its source, also if one of another source with its mark is in the same batch',
    run: async (harness) => {
      const sources = ['another', 'source'];
      await begun(harness, newAction('a', TRIGGER));
      for (const source of sources) await harness.append({ source });
      const { lease, items } = await harness.takeMessages({ sources });
      const recordings = items.map(({ id, source }) => ({
        messageId: id,
        lease,
        state: 'parsed' as const,
        run: { source, accountId: '1', runId: `of ${source}` },
        decide: () => ({ events: [], actionMark: 'runhooks:a' }),
      }));
      await harness.store.record(
        recordings.sort((one) => (one.run.source === 'another' ? -1 : 1)),
        at(0),
      );
      same(await answerOf(harness, 'a'), { runId: 'of source', accountId: '1' });
    },
  },
  {
    title: 'record: ends the actions of several messages, each by its own run',
    run: async (harness) => {
      const keys = ['a', 'b', 'c'];
      for (const key of keys) {
        await begun(harness, newAction(key, TRIGGER));
        await harness.append();
      }
      const { lease, items } = await harness.takeMessages();
      const recordings = items.map(({ id }, index) => ({
        messageId: id,
        lease,
        state: 'parsed' as const,
        run: { source: 'source', accountId: '1', runId: `${index}` },
        decide: () => ({ events: [], actionMark: `runhooks:${keys[index]}` }),
      }));
      await harness.store.record(recordings, at(0));
      for (const [index, key] of keys.entries()) {
        same(await answerOf(harness, key), { runId: `${index}`, accountId: '1' });
      }
    },
  },
  {
    title: 'record: does not answer an action if its claim has been lost',
    run: async (harness) => {
      await begun(harness, newAction('a', TRIGGER));
      await harness.append();
      const taken = await harness.takeMessages();
      const run = { source: 'source', accountId: '1', runId: '8' };
      const decide = () => ({ events: [], actionMark: 'runhooks:a' });
      await harness.record({ ...taken, lease: 'another' }, { run, decide });
      equal(await answerOf(harness, 'a'), 'intended');
    },
  },
];

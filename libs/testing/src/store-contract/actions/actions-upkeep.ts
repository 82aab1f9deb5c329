import { equal } from 'node:assert/strict';
import type { Purge } from 'nestjs-runhooks/core';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { at, LEASE_MS, onlyOne, type StoreHarness } from '../store-harness.js';
import {
  actionsOf,
  answered,
  begun,
  claimAt,
  deliveryFor,
  ended,
  newAction,
  recordRun,
  runOf,
} from './actions-harness.js';

const NEVER = new Date(0);
const EMPTY = { intended: 0, sent: 0, answered: 0, refused: 0, unknown: 0 };
const TEXT = 'ada@example.com';
const REQUEST = JSON.stringify({ cause: `for ${TEXT}` });

/** Purges actions that last changed before a time, in steps of two, and returns how many there were. */
async function purge({ store }: StoreHarness, deduplicationBefore: Date): Promise<number> {
  const times = { finishedBefore: NEVER, deadBefore: NEVER, goodBefore: NEVER, nodesBefore: NEVER, tasksBefore: NEVER };
  const step: Purge = { ...times, deduplicationBefore, limit: 2 };
  let removed = 0;
  for (let steps = 0; steps < 10; steps += 1) {
    const { actions } = await store.purge(step);
    equal(actions <= 2, true);
    removed += actions;
  }
  return removed;
}

/** Returns what an action quotes. */
async function quotesOf(harness: StoreHarness, key: string): Promise<unknown[]> {
  const { items } = await actionsOf(harness).list({}, {});
  const action = items.find((one) => one.key === key);
  return [action?.request, action?.answer ?? action?.refusal];
}

/** Cases for a store with actions. */
export const actionsUpkeepCases: readonly ContractCase[] = [
  {
    title: 'purge: removes actions that last changed before a time, and counts them no more',
    run: async (harness) => {
      for (const runId of ['8', '9', '10']) await answered(harness, newAction(runId), { runId });
      await ended(harness, newAction('refused'), 'refused');
      await ended(harness, newAction('unknown'), 'unknown');
      await answered(harness, newAction('new'), { runId: '11' }, 100);
      equal(await purge(harness, at(0)), 0);
      equal(await purge(harness, at(100)), 5);
      same((await harness.store.counts()).actions, { ...EMPTY, answered: 1 });
      same(
        (await actionsOf(harness).list({}, {})).items.map(({ key }) => key),
        ['new'],
      );
    },
  },
  {
    title: 'purge: keeps actions with a lease that has not ended',
    run: async (harness) => {
      await begun(harness, newAction('intended'));
      const sent = await begun(harness, newAction('sent'));
      await actionsOf(harness).advance(sent, { state: 'sent', leaseMs: LEASE_MS }, at(0));
      equal(await purge(harness, at(LEASE_MS)), 0);
      equal(await purge(harness, at(LEASE_MS + 1)), 2);
      same((await harness.store.counts()).actions, EMPTY);
    },
  },
  {
    title: 'purge: keeps actions whose event is kept, because a redriven delivery would make their calls again',
    run: async (harness) => {
      const delivery = await deliveryFor(harness, '7');
      await answered(harness, newAction(delivery.id), { runId: '8' });
      await harness.settle(delivery);
      equal(await purge(harness, at(100)), 0);
      const times = { finishedBefore: at(100), deadBefore: at(100), goodBefore: NEVER, nodesBefore: NEVER };
      await harness.store.purge({ ...times, tasksBefore: NEVER, deduplicationBefore: NEVER, limit: 10 });
      equal(await purge(harness, at(100)), 1);
    },
  },
  {
    title: 'erase: removes what actions quote that handlers of a message asked for, or that are about its run',
    run: async (harness) => {
      const delivery = await deliveryFor(harness, '7');
      const asked = newAction(delivery.id, { kind: 'trigger', target: 'job', source: 'another', request: REQUEST });
      await answered(harness, asked, { runId: '20', accountId: '1', url: `a page of ${TEXT}` });
      const refusal = { reason: 'other', message: `no, ${TEXT}` } as const;
      const held = await begun(harness, newAction('about it', { request: REQUEST }));
      await actionsOf(harness).advance(held, { state: 'refused', refusal }, at(0));
      await answered(harness, newAction('other', { target: '8', request: REQUEST }), { runId: '9', url: 'a page' });
      const messageId = delivery.event.messageId ?? '';
      same((await harness.store.messagesHolding([TEXT], {})).items, [messageId]);
      await harness.settle(delivery);
      const erasure = { messageIds: [messageId], eventIds: [], runs: [], texts: [] };
      equal((await harness.store.erase(erasure, harness.decision(), at(1))).messages, 1);
      same(await quotesOf(harness, delivery.id), ['{}', { runId: '20', accountId: '1' }]);
      same(await quotesOf(harness, 'about it'), ['{}', { reason: 'other', message: '' }]);
      same(await quotesOf(harness, 'other'), [REQUEST, { runId: '9', url: 'a page' }]);
      same((await harness.store.messagesHolding([TEXT], {})).items, []);
    },
  },
  {
    title: 'erase: removes what actions quote of given runs, and of events without a message',
    run: async (harness) => {
      await answered(harness, newAction('started it', { request: REQUEST }), { runId: '8', url: 'a page' });
      await harness.store.erase(
        { messageIds: [], eventIds: [], runs: [runOf('8')], texts: [] },
        harness.decision(),
        at(1),
      );
      same(await quotesOf(harness, 'started it'), ['{}', { runId: '8' }]);
      const delivery = await deliveryFor(harness, '9');
      await ended(harness, newAction(delivery.id, { target: '10', request: REQUEST }), 'unknown');
      await harness.settle(delivery);
      const quoting = { messageIds: [], eventIds: [delivery.event.id], runs: [], texts: [] };
      await harness.store.erase(quoting, harness.decision(), at(1));
      same(await quotesOf(harness, delivery.id), ['{}', undefined]);
    },
  },
  {
    title: 'erase: removes what actions quote that handlers of a message without a run asked for',
    run: async (harness) => {
      await harness.append();
      await harness.record(await harness.takeMessages(), {
        decide: () => ({ events: [harness.event({ id: 'message:1', type: 'message' })] }),
      });
      const delivery = onlyOne(await harness.takeDeliveries());
      await answered(harness, newAction(delivery.id, { request: REQUEST }), { runId: '8', url: 'a page' });
      await harness.settle(delivery);
      const erasure = { messageIds: [delivery.event.messageId ?? ''], eventIds: [], runs: [], texts: [] };
      await harness.store.erase(erasure, harness.decision(), at(1));
      same(await quotesOf(harness, delivery.id), ['{}', { runId: '8' }]);
    },
  },
  {
    title: 'erase: removes what actions quote that contain one of the texts, whatever they follow from',
    run: async (harness) => {
      await answered(harness, newAction('request', { request: REQUEST }), { runId: '8', url: 'a page' });
      await answered(harness, newAction('answer'), { runId: '9', url: `a page of ${TEXT}` });
      const held = await begun(harness, newAction('refusal'));
      const refusal = { reason: 'other', message: `no, ${TEXT}` } as const;
      await actionsOf(harness).advance(held, { state: 'refused', refusal }, at(0));
      await answered(harness, newAction('none of them'), { runId: '10', url: 'a page' });
      const erasure = { messageIds: [], eventIds: [], runs: [], texts: ['nobody', TEXT] };
      await harness.store.erase(erasure, harness.decision(), at(1));
      same(await quotesOf(harness, 'request'), ['{}', { runId: '8' }]);
      same(await quotesOf(harness, 'answer'), ['{}', { runId: '9' }]);
      same(await quotesOf(harness, 'refusal'), ['{}', { reason: 'other', message: '' }]);
      same(await quotesOf(harness, 'none of them'), ['{"steps":1}', { runId: '10', url: 'a page' }]);
    },
  },
  {
    title: 'actions: do not lose their run to a message that is recorded at the same time',
    run: async (harness) => {
      await recordRun(harness, '7');
      for (let round = 0; round < 10; round += 1) {
        const runId = `new ${round}`;
        const held = await begun(harness, newAction(runId), claimAt(0));
        await harness.append();
        const taken = await harness.takeMessages();
        await Promise.all([
          actionsOf(harness).answer(held, [{ runId }], at(1)),
          harness.record(taken, {
            run: runOf(runId),
            decide: ({ run }) => ({
              events: [],
              run: { jobKey: 'job', contradicted: false, ...run, types: ['run.started'] },
            }),
          }),
        ]);
        const { retryOf, rootRun, types } = (await harness.store.run(runOf(runId))) ?? {};
        same([retryOf, rootRun, types], ['7', '7', ['run.started']]);
      }
    },
  },
];

import { equal, ok, rejects } from 'node:assert/strict';
import { StoreUnavailableError } from 'nestjs-runhooks/core';
import { at, LEASE_MS, recordingOf } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';

export const closeCases: readonly ContractCase[] = [
  {
    title: 'description: names the place of the inbox in a few words',
    run: async (harness) => {
      ok(harness.store.description.length > 0);
    },
  },
  {
    title: 'close: may be called twice',
    run: async (harness) => {
      await harness.store.close();
      await harness.store.close();
    },
  },
  {
    title: 'close: finishes calls in flight',
    run: async (harness) => {
      const begun = Promise.all(Array.from({ length: 20 }, () => harness.append()));
      await harness.store.close();
      equal((await begun).filter(({ status }) => status === 'accepted').length, 20);
    },
  },
  {
    title: 'close: makes every later call reject with StoreUnavailableError',
    run: async (harness) => {
      const { store } = harness;
      await store.close();
      const verbs: Readonly<Record<string, () => Promise<unknown>>> = {
        append: () => harness.append(),
        claimMessages: () => harness.takeMessages(),
        record: () => store.record([recordingOf('msg_1', 'lease')], at(0)),
        claimDeliveries: () => harness.takeDeliveries(),
        renew: () => store.renew([{ id: 'dlv_1', lease: 'lease' }], { now: at(0), leaseMs: LEASE_MS }),
        settle: () => harness.settle({ id: 'dlv_1', lease: 'lease' }),
        nextDueAt: () => store.nextDueAt({ sources: [], handlerIds: [], taskHandlerIds: [] }),
        redrive: () => store.redrive({}, harness.decision(), at(0)),
        replay: () =>
          store.replay(
            'replay',
            [{ eventId: 'event', deliveries: harness.event().deliveries }],
            harness.decision(),
            at(0),
          ),
        reparse: () => store.reparse({ states: ['quarantined'], withoutHandlers: false }, harness.decision(), at(0)),
        erase: () => store.erase({ messageIds: [], eventIds: [], runs: [], texts: [] }, harness.decision(), at(0)),
        audit: () => store.audit({}),
        messagesHolding: () => store.messagesHolding(['text'], {}),
        purge: () =>
          store.purge({
            finishedBefore: at(0),
            deadBefore: at(0),
            deduplicationBefore: at(0),
            goodBefore: at(0),
            nodesBefore: at(0),
            tasksBefore: at(0),
            limit: 1,
          }),
        claimTasks: () => store.claimTasks({ now: at(0), leaseMs: LEASE_MS, limit: 1, lease: 'lease', handlerIds: [] }),
        evaluate: () =>
          store.evaluate({ taskId: 'task', lease: 'lease', question: {}, decide: () => ({ events: [] }) }, at(0)),
        runs: () => store.runs({}, {}),
        run: () => store.run({ source: 'source', accountId: '1', runId: '1' }),
        job: () => store.job({ source: 'source', jobKey: '1' }),
        messages: () => store.messages({}, {}),
        message: () => store.message('msg_1'),
        events: () => store.events({}, {}),
        deliveries: () => store.deliveries({}, {}),
        attempts: () => store.attempts('dlv_1'),
        counts: () => store.counts(),
      };
      for (const [verb, call] of Object.entries(verbs)) await rejects(call, StoreUnavailableError, verb);
    },
  },
];

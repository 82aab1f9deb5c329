import { equal, ok, rejects } from 'node:assert/strict';
import { StoreUnavailableError } from 'nestjs-runhooks/core';
import { at, LEASE_MS, recordingOf } from './bench.js';
import type { ContractCase } from './contract-case.js';

export const closeCases: readonly ContractCase[] = [
  {
    title: 'description: says in a few words where the inbox is',
    run: async (bench) => {
      ok(bench.store.description.length > 0);
    },
  },
  {
    title: 'close: may be called again',
    run: async (bench) => {
      await bench.store.close();
      await bench.store.close();
    },
  },
  {
    title: 'close: finishes what was begun',
    run: async (bench) => {
      const begun = Promise.all(Array.from({ length: 20 }, () => bench.append()));
      await bench.store.close();
      equal((await begun).filter(({ status }) => status === 'accepted').length, 20);
    },
  },
  {
    title: 'close: afterwards every verb rejects with StoreUnavailableError',
    run: async (bench) => {
      const { store } = bench;
      await store.close();
      const verbs: Readonly<Record<string, () => Promise<unknown>>> = {
        append: () => bench.append(),
        claimMessages: () => bench.takeMessages(),
        record: () => store.record([recordingOf('msg_1', 'lease')], at(0)),
        claimDeliveries: () => bench.takeDeliveries(),
        renew: () => store.renew([{ id: 'dlv_1', lease: 'lease' }], { now: at(0), leaseMs: LEASE_MS }),
        settle: () => bench.settle({ id: 'dlv_1', lease: 'lease' }),
        nextDueAt: () => store.nextDueAt({ sources: [], handlerIds: [], taskHandlerIds: [] }),
        redrive: () => store.redrive({}, bench.decision(), at(0)),
        replay: () =>
          store.replay('replay', [{ eventId: 'event', deliveries: bench.event().deliveries }], bench.decision(), at(0)),
        reread: () => store.reread({ states: ['quarantined'], quiet: false }, bench.decision(), at(0)),
        erase: () => store.erase({ messageIds: [], eventIds: [], runs: [], texts: [] }, bench.decision(), at(0)),
        audit: () => store.audit({}),
        messagesHolding: () => store.messagesHolding(['text'], {}),
        purge: () =>
          store.purge({ settledBefore: at(0), deadBefore: at(0), keysBefore: at(0), tasksBefore: at(0), limit: 1 }),
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

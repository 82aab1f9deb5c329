import { equal } from 'node:assert/strict';
import type { Known, RunState, Store, TaskKnowledge } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, onlyOne, SOURCE, type StoreHarness } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { register } from './register.js';
import { same } from '../same.js';

const RUN = { source: SOURCE, accountId: '1', runId: '42' };
const STATE: RunState = {
  jobKey: '1/7',
  outcome: 'failed',
  contradicted: false,
  types: ['run.failed'],
  startedAt: at(1),
};

/** Cases for durability: a store keeps all acknowledged effects after a restart. */
export function reopenCases(reopen: (store: Store) => Promise<Store>): readonly ContractCase[] {
  const restart = async (harness: StoreHarness): Promise<void> => {
    harness.store = await reopen(harness.store);
  };
  return [
    {
      title: 'reopen: keeps a message byte for byte and its deduplication key',
      run: async (harness) => {
        const fields = { messageKey: 'same', body: Buffer.from([0, 255, 10]), headers: { 'webhook-id': 'same' } };
        const { id } = await harness.append(fields);
        await restart(harness);
        const again = await harness.append(fields);
        same([again.status, again.id], ['duplicate', id]);
        const claimed = onlyOne(await harness.takeMessages());
        equal(Buffer.compare(claimed.body, fields.body), 0);
        same(claimed.headers, fields.headers);
      },
    },
    {
      title: 'reopen: keeps the effects of calls that close() waited for',
      run: async (harness) => {
        const begun = Promise.all(Array.from({ length: 20 }, () => harness.append()));
        await restart(harness);
        await begun;
        equal((await harness.store.counts()).messages.stored, 20);
      },
    },
    {
      title: 'reopen: keeps claims until their leases expire, so that their holders can record and settle',
      run: async (harness) => {
        await harness.append();
        const messages = await harness.takeMessages();
        await restart(harness);
        equal((await harness.takeMessages({ at: LEASE_MS - 1 })).items.length, 0);
        const [recorded] = await harness.record(messages, { decide: () => ({ events: [harness.event()] }) });
        equal(recorded?.recorded, true);
        const delivery = onlyOne(await harness.takeDeliveries());
        await restart(harness);
        equal((await harness.takeDeliveries({ at: LEASE_MS - 1 })).items.length, 0);
        equal(await harness.settle(delivery), true);
      },
    },
    {
      title: 'reopen: continues the counts of claims and attempts',
      run: async (harness) => {
        await harness.append();
        await harness.takeMessages();
        await restart(harness);
        const messages = await harness.takeMessages({ at: 2 * LEASE_MS });
        equal(onlyOne(messages).claims, 2);
        await harness.record(messages, { decide: () => ({ events: [harness.event()] }) });
        await harness.settle(onlyOne(await harness.takeDeliveries()), { state: 'pending', dueAt: at(10) });
        await restart(harness);
        equal(onlyOne(await harness.takeDeliveries({ at: 10 })).attempt, 2);
      },
    },
    {
      title: 'reopen: keeps runs and events, so that no event is created twice',
      run: async (harness) => {
        const event = harness.event();
        await harness.append();
        await harness.record(await harness.takeMessages(), {
          run: RUN,
          decide: () => ({ run: STATE, events: [event] }),
        });
        await restart(harness);
        let known: RunState | undefined;
        await harness.append();
        const [again] = await harness.record(await harness.takeMessages(), {
          run: RUN,
          decide: (found) => {
            known = found.run;
            return { events: [event] };
          },
        });
        same(known, STATE);
        same([again?.recorded, again?.events], [true, []]);
      },
    },
    {
      title: 'reopen: keeps jobs, tasks and the states of barriers',
      run: async (harness) => {
        const job = { source: SOURCE, jobKey: '1/7' };
        const tasks = ['one', 'two'].map((id) => ({
          id,
          kind: 'stuck-run' as const,
          handlerId: 'watch',
          dueAt: at(0),
          data: '{}',
        }));
        await harness.append();
        const decide = () => ({ events: [], tasks, jobs: new Map([[job.jobKey, { latestSuccessAt: at(3) }]]) });
        await harness.record(await harness.takeMessages(), { run: RUN, job, decide });
        const states: (string | undefined)[] = [];
        for (const lease of ['first', 'second']) {
          const claim = { now: at(0), leaseMs: LEASE_MS, limit: 1, lease, handlerIds: ['watch'] };
          const [task] = await harness.store.claimTasks(claim);
          const evaluation = { taskId: task?.id ?? '', lease, question: { barrier: 'watch' } };
          const save = ({ barrier }: TaskKnowledge) => {
            states.push(barrier);
            return { events: [], barrier: lease };
          };
          same(await harness.store.evaluate({ ...evaluation, decide: save }, at(0)), []);
          await restart(harness);
        }
        same(states, [undefined, 'first']);
        same(await harness.store.job(job), { latestSuccessAt: at(3) });
      },
    },
    {
      title: 'reopen: keeps processes, their handlers and dismissals',
      run: async (harness) => {
        await register(harness, 'process', ['a@1']);
        await harness.recordEvent(harness.event());
        const dismissal = { handlerId: HANDLER };
        await harness.store.dismiss(dismissal, harness.decision(), at(3));
        const look = async () => [await harness.store.processes(at(0)), await harness.store.deliveries({}, {})];
        const before = await look();
        await restart(harness);
        same(await look(), before);
        let others: readonly string[] | undefined;
        await harness.append();
        const decide = ({ otherHandlers }: Known) => {
          others = otherHandlers;
          return { events: [] };
        };
        await harness.record(await harness.takeMessages(), { handlers: [], decide });
        same(others, ['a@1']);
      },
    },
    {
      title: 'reopen: keeps settled deliveries settled',
      run: async (harness) => {
        const handlerIds = ['succeeded', 'skipped', 'dead'] as const;
        await harness.recordEvent(harness.event({ handlerIds }));
        for (const state of handlerIds) {
          await harness.settle(onlyOne(await harness.takeDeliveries({ handlerIds: [state] })), { state });
        }
        const before = await harness.store.counts();
        await restart(harness);
        same(await harness.store.counts(), before);
        equal((await harness.takeDeliveries({ at: 10 * LEASE_MS, handlerIds })).items.length, 0);
      },
    },
  ];
}

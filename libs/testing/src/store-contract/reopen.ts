import { equal } from 'node:assert/strict';
import type { Known, RunState, Store, TaskKnowledge } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, onlyOne, SOURCE, type StoreBench } from './bench.js';
import type { ContractCase } from './contract-case.js';
import { register } from './register.js';
import { same } from './same.js';

const RUN = { source: SOURCE, accountId: '1', runId: '42' };
const STATE: RunState = {
  jobKey: '1/7',
  outcome: 'failed',
  contradicted: false,
  types: ['run.failed'],
  startedAt: at(1),
};

/** What must still be there after a restart. */
export function reopenCases(reopen: (store: Store) => Promise<Store>): readonly ContractCase[] {
  const restart = async (bench: StoreBench): Promise<void> => {
    bench.store = await reopen(bench.store);
  };
  return [
    {
      title: 'reopen: a message is there, byte for byte, and a copy of it is a duplicate',
      run: async (bench) => {
        const fields = { messageKey: 'same', body: Buffer.from([0, 255, 10]), headers: { 'webhook-id': 'same' } };
        const { id } = await bench.append(fields);
        await restart(bench);
        const again = await bench.append(fields);
        same([again.status, again.id], ['duplicate', id]);
        const claimed = onlyOne(await bench.takeMessages());
        equal(Buffer.compare(claimed.body, fields.body), 0);
        same(claimed.headers, fields.headers);
      },
    },
    {
      title: 'reopen: what was begun when the store was closed and then acknowledged is there',
      run: async (bench) => {
        const begun = Promise.all(Array.from({ length: 20 }, () => bench.append()));
        await restart(bench);
        await begun;
        equal((await bench.store.counts()).messages.stored, 20);
      },
    },
    {
      title: 'reopen: a claim holds until its lease is over, and the holder can still record and settle',
      run: async (bench) => {
        await bench.append();
        const messages = await bench.takeMessages();
        await restart(bench);
        equal((await bench.takeMessages({ at: LEASE_MS - 1 })).items.length, 0);
        const [recorded] = await bench.record(messages, { decide: () => ({ events: [bench.event()] }) });
        equal(recorded?.recorded, true);
        const delivery = onlyOne(await bench.takeDeliveries());
        await restart(bench);
        equal((await bench.takeDeliveries({ at: LEASE_MS - 1 })).items.length, 0);
        equal(await bench.settle(delivery), true);
      },
    },
    {
      title: 'reopen: reads and attempts are counted on',
      run: async (bench) => {
        await bench.append();
        await bench.takeMessages();
        await restart(bench);
        const messages = await bench.takeMessages({ at: 2 * LEASE_MS });
        equal(onlyOne(messages).reads, 2);
        await bench.record(messages, { decide: () => ({ events: [bench.event()] }) });
        await bench.settle(onlyOne(await bench.takeDeliveries()), { state: 'pending', dueAt: at(10) });
        await restart(bench);
        equal(onlyOne(await bench.takeDeliveries({ at: 10 })).attempt, 2);
      },
    },
    {
      title: 'reopen: runs and events are known, so that nothing happens twice',
      run: async (bench) => {
        const event = bench.event();
        await bench.append();
        await bench.record(await bench.takeMessages(), { run: RUN, decide: () => ({ run: STATE, events: [event] }) });
        await restart(bench);
        let known: RunState | undefined;
        await bench.append();
        const [again] = await bench.record(await bench.takeMessages(), {
          run: RUN,
          decide: (found) => {
            known = found.run;
            return { events: [event] };
          },
        });
        same(known, STATE);
        same([again?.recorded, again?.eventIds], [true, []]);
      },
    },
    {
      title: 'reopen: jobs, tasks and what waits at a barrier are there',
      run: async (bench) => {
        const job = { source: SOURCE, jobKey: '1/7' };
        const tasks = ['one', 'two'].map((id) => ({ id, handlerId: 'watch', dueAt: at(0), data: '{}' }));
        await bench.append();
        const decide = () => ({ events: [], tasks, job: { latestSuccessAt: at(3) } });
        await bench.record(await bench.takeMessages(), { run: RUN, job, decide });
        const states: (string | undefined)[] = [];
        for (const lease of ['first', 'second']) {
          const claim = { now: at(0), leaseMs: LEASE_MS, limit: 1, lease, handlerIds: ['watch'] };
          const [task] = await bench.store.claimTasks(claim);
          const evaluation = { taskId: task?.id ?? '', lease, question: { barrier: 'watch' } };
          const save = ({ barrier }: TaskKnowledge) => {
            states.push(barrier);
            return { events: [], barrier: lease };
          };
          equal(await bench.store.evaluate({ ...evaluation, decide: save }, at(0)), true);
          await restart(bench);
        }
        same(states, [undefined, 'first']);
        same(await bench.store.job(job), { latestSuccessAt: at(3) });
      },
    },
    {
      title: 'reopen: processes, their handlers and dismissals are there',
      run: async (bench) => {
        await register(bench, 'process', ['a@1']);
        await bench.readInto(bench.event());
        const dismissal = { handlerId: HANDLER };
        await bench.store.dismiss(dismissal, bench.decision(), at(3));
        const look = async () => [await bench.store.processes(at(0)), await bench.store.deliveries({}, {})];
        const before = await look();
        await restart(bench);
        same(await look(), before);
        let others: readonly string[] | undefined;
        await bench.append();
        const decide = ({ otherHandlers }: Known) => {
          others = otherHandlers;
          return { events: [] };
        };
        await bench.record(await bench.takeMessages(), { handlers: [], decide });
        same(others, ['a@1']);
      },
    },
    {
      title: 'reopen: what is settled stays settled',
      run: async (bench) => {
        const handlerIds = ['succeeded', 'skipped', 'dead'] as const;
        await bench.readInto(bench.event({ handlerIds }));
        for (const state of handlerIds) {
          await bench.settle(onlyOne(await bench.takeDeliveries({ handlerIds: [state] })), { state });
        }
        const before = await bench.store.counts();
        await restart(bench);
        same(await bench.store.counts(), before);
        equal((await bench.takeDeliveries({ at: 10 * LEASE_MS, handlerIds })).items.length, 0);
      },
    },
  ];
}

import { equal } from 'node:assert/strict';
import { rowsOf } from 'nestjs-runhooks/core';
import { at, HANDLER, LEASE_MS, MUCH_LATER, onlyOne, SOURCE } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { addTasks, evaluate, takeTasks, taskOf } from './task-steps.js';

export const taskCases: readonly ContractCase[] = [
  {
    title: 'claimTasks: returns a task with all its fields and its message',
    run: async (harness) => {
      const messageId = await addTasks(harness, taskOf('task'));
      const { lease, items } = await takeTasks(harness);
      same(items, [
        {
          id: 'task',
          kind: 'stuck-run',
          handlerId: HANDLER,
          data: '{"task":"task"}',
          claims: 1,
          lease,
          parsedFrom: { source: SOURCE, provider: 'provider', messageId },
        },
      ]);
    },
  },
  {
    title: 'record: never adds an existing task twice',
    run: async (harness) => {
      const first = await addTasks(harness, taskOf('task'));
      await addTasks(harness, taskOf('task', { data: '{}' }));
      equal(onlyOne(await takeTasks(harness)).parsedFrom.messageId, first);
      equal((await harness.store.counts()).checks, 1);
    },
  },
  {
    title: 'claimTasks: takes due tasks of the given handlers, longest due first',
    run: async (harness) => {
      await addTasks(harness, taskOf('later', { dueAt: at(100) }), taskOf('other', { handlerId: 'other' }));
      await addTasks(harness, taskOf('second', { dueAt: at(20) }));
      await addTasks(harness, taskOf('first', { dueAt: at(10) }));
      equal(onlyOne(await takeTasks(harness, { at: 50, limit: 1 })).id, 'first');
      equal(onlyOne(await takeTasks(harness, { at: 50 })).id, 'second');
      equal((await takeTasks(harness, { at: 99 })).items.length, 0);
      equal((await takeTasks(harness, { at: MUCH_LATER, handlerIds: [] })).items.length, 0);
      equal(onlyOne(await takeTasks(harness, { at: 0, handlerIds: ['other'] })).id, 'other');
    },
  },
  {
    title: 'claimTasks: returns tasks of the same due time in the order of their messages',
    run: async (harness) => {
      const names = ['f', 'b', 'e', 'a', 'd', 'c'];
      for (const name of names) await addTasks(harness, taskOf(name));
      same(
        (await takeTasks(harness)).items.map(({ id }) => id),
        names,
      );
    },
  },
  {
    title: 'claimTasks: holds a task until its lease expires and counts the claim',
    run: async (harness) => {
      await addTasks(harness, taskOf('task'));
      const lost = onlyOne(await takeTasks(harness));
      equal((await takeTasks(harness, { at: LEASE_MS - 1 })).items.length, 0);
      const taken = onlyOne(await takeTasks(harness, { at: LEASE_MS }));
      equal(taken.claims, 2);
      const decide = () => ({ events: [harness.event()], barrier: 'lost' });
      equal(await evaluate(harness, lost, { question: { barrier: 'b' }, decide }), false);
      equal((await harness.store.counts()).events, 0);
      same(await evaluate(harness, taken), []);
      equal(await evaluate(harness, taken), false);
      equal((await harness.store.counts()).checks, 0);
    },
  },
  {
    title: 'claimTasks: lets one of several concurrent claims take a task',
    run: async (harness) => {
      await addTasks(harness, taskOf('task'));
      const taken = await Promise.all(Array.from({ length: 10 }, () => takeTasks(harness)));
      equal(taken.flatMap(({ items }) => items).length, 1);
    },
  },
  {
    title: 'nextDueAt: includes tasks of the given handlers and expiring leases of tasks',
    run: async (harness) => {
      await addTasks(harness, taskOf('task', { dueAt: at(70) }));
      const nextDueAt = (taskHandlerIds: string[]) =>
        harness.store.nextDueAt({ sources: [SOURCE], handlerIds: [HANDLER], taskHandlerIds });
      same(await nextDueAt([HANDLER]), at(70));
      equal(await nextDueAt([]), undefined);
      equal(await nextDueAt(['other']), undefined);
      await takeTasks(harness, { at: 70 });
      same(await nextDueAt([HANDLER]), at(70 + LEASE_MS));
    },
  },
  {
    title: 'purge: keeps the message of a task until the overdue task is deleted, too',
    run: async (harness) => {
      const id = await addTasks(harness, taskOf('task', { dueAt: at(500) }));
      const finished = { finishedBefore: at(1_000), deadBefore: at(1_000) };
      const never = { deduplicationBefore: at(-1), goodBefore: at(-1), nodesBefore: at(-1) };
      const old = { ...finished, ...never, limit: 10 };
      const purge = async (tasksBefore: Date): Promise<number> => {
        let removed = 0;
        for (let step = 1; step > 0; removed += step) step = rowsOf(await harness.store.purge({ ...old, tasksBefore }));
        return removed;
      };
      equal(await purge(at(500)), 0);
      equal((await harness.store.message(id))?.id, id);
      equal(await purge(at(501)), 2);
      equal(await harness.store.message(id), undefined);
      equal((await harness.store.counts()).checks, 0);
    },
  },
];

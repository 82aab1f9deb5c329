import { equal, ok } from 'node:assert/strict';
import { isStoreUnavailableError, type JobRecord, type TaskEvaluation } from 'nestjs-runhooks/core';
import { at, LEASE_MS, onlyOne, SOURCE } from '../store-harness.js';
import type { ContractCase } from '../contract-case.js';
import { same } from '../same.js';
import { addTasks, evaluate, takeTasks, taskOf } from './task-steps.js';

const RUN = { source: SOURCE, accountId: '1', runId: '42' };
const JOB = { source: SOURCE, jobKey: '1/7' };

export const evaluateCases: readonly ContractCase[] = [
  {
    title: 'evaluate: writes events with their deliveries once, for the message of the task',
    run: async (harness) => {
      const messageId = await addTasks(harness, taskOf('one'), taskOf('two'));
      const event = harness.event({ type: 'run.stuck' });
      for (const task of (await takeTasks(harness)).items)
        await evaluate(harness, task, { decide: () => ({ events: [event] }) });
      const { items } = await harness.store.events({ messageId }, {});
      same([items.length, items[0]?.id, items[0]?.type], [1, event.id, 'run.stuck']);
      const delivery = onlyOne(await harness.takeDeliveries());
      same([delivery.event.messageId, delivery.message?.id], [messageId, messageId]);
    },
  },
  {
    title: 'evaluate: releases a task until its next time, with no claims counted',
    run: async (harness) => {
      await addTasks(harness, taskOf('task'));
      const task = onlyOne(await takeTasks(harness));
      same(await evaluate(harness, task, { decide: () => ({ events: [], dueAt: at(50) }) }), []);
      equal(await evaluate(harness, task), false);
      equal((await takeTasks(harness, { at: 49 })).items.length, 0);
      const again = onlyOne(await takeTasks(harness, { at: 50 }));
      same([again.claims, again.data], [1, '{"task":"task"}']);
    },
  },
  {
    title: 'evaluate: passes the run and the durations of the job’s last succeeded runs to `decide`',
    run: async (harness) => {
      const runs = [
        { runId: '1', outcome: 'succeeded', startedAt: at(0), finishedAt: at(10) },
        { runId: '2', outcome: 'succeeded', startedAt: at(0), finishedAt: at(20) },
        { runId: '3', outcome: 'failed', startedAt: at(0), finishedAt: at(30) },
        { runId: '4', outcome: 'succeeded', finishedAt: at(40) },
        { runId: '5', outcome: 'succeeded', startedAt: at(0), finishedAt: at(50), jobKey: 'other' },
        { runId: '6', startedAt: at(0) },
        { runId: '7', outcome: 'succeeded', startedAt: at(0), finishedAt: at(60) },
      ] as const;
      for (const [index, { runId, ...state }] of runs.entries()) {
        await harness.append();
        const run = { jobKey: JOB.jobKey, contradicted: false, types: [], ...state };
        const recording = { run: { ...RUN, runId }, decide: () => ({ events: [], run }) };
        await harness.record(await harness.takeMessages(), recording, at(index));
      }
      await addTasks(harness, taskOf('task'));
      const task = onlyOne(await takeTasks(harness));
      const passed: unknown[] = [];
      for (const question of [
        {},
        { run: { ...RUN, runId: 'nowhere' } },
        { run: { ...RUN, runId: '6' }, durationsOf: { ...JOB, runsMax: 2 } },
        { durationsOf: { ...JOB, runsMax: 100 } },
      ]) {
        const decide: TaskEvaluation['decide'] = (known) => {
          passed.push({ ...known, durationsMs: [...known.durationsMs].sort((a, b) => a - b) });
          return { events: [], dueAt: at(0) };
        };
        await evaluate(harness, task, { question, decide });
        Object.assign(task, onlyOne(await takeTasks(harness)));
      }
      const state = { jobKey: JOB.jobKey, contradicted: false, types: [], startedAt: at(0) };
      same(passed, [
        { durationsMs: [] },
        { durationsMs: [] },
        { durationsMs: [20, 60], run: state },
        { durationsMs: [10, 20, 60] },
      ]);
    },
  },
  {
    title: 'evaluate: passes the durations of all runs of a job to `decide`, by any key of the job',
    run: async (harness) => {
      const jobs = new Map<string, JobRecord>([
        [JOB.jobKey, { aliases: ['alias'] }],
        ['alias', { aliasOf: JOB.jobKey }],
      ]);
      for (const [index, jobKey] of ['alias', 'other', JOB.jobKey, 'alias'].entries()) {
        await harness.append();
        const times = { startedAt: at(0), finishedAt: at(10 * index + 10) };
        const run = { jobKey, contradicted: false, types: [], outcome: 'succeeded', ...times } as const;
        const recording = { run: { ...RUN, runId: `${index}` }, job: JOB, decide: () => ({ events: [], run, jobs }) };
        await harness.record(await harness.takeMessages(), recording, at(index));
      }
      await addTasks(harness, taskOf('task'));
      const task = onlyOne(await takeTasks(harness));
      const passed: (readonly number[])[] = [];
      for (const [jobKey, runsMax] of [
        [JOB.jobKey, 100],
        ['alias', 100],
        ['alias', 2],
        ['other', 100],
      ] as const) {
        const decide: TaskEvaluation['decide'] = ({ durationsMs }) => {
          passed.push([...durationsMs].sort((a, b) => a - b));
          return { events: [], dueAt: at(0) };
        };
        await evaluate(harness, task, { question: { durationsOf: { ...JOB, jobKey, runsMax } }, decide });
        Object.assign(task, onlyOne(await takeTasks(harness)));
      }
      same(passed, [[10, 30, 40], [10, 30, 40], [30, 40], [20]]);
    },
  },
  {
    title: 'evaluate: passes the latest state of a barrier to `decide`, and loses no concurrent task',
    run: async (harness) => {
      const names = Array.from({ length: 20 }, (_, index) => `task-${index}`);
      await addTasks(harness, ...names.map((name) => taskOf(name)));
      const { items } = await takeTasks(harness);
      const decide: TaskEvaluation['decide'] = ({ barrier = '0' }) => ({
        events: [],
        barrier: `${Number(barrier) + 1}`,
      });
      await Promise.all(items.map((task) => evaluate(harness, task, { question: { barrier: 'b' }, decide })));
      await addTasks(harness, taskOf('look'));
      let last: string | undefined;
      const look: TaskEvaluation['decide'] = ({ barrier }) => {
        last = barrier;
        return { events: [] };
      };
      await evaluate(harness, onlyOne(await takeTasks(harness)), { question: { barrier: 'b' }, decide: look });
      equal(last, '20');
    },
  },
  {
    title: 'evaluate: adds deliveries to stored and new events, once per handler, and tasks to the message',
    run: async (harness) => {
      const stored = harness.event({ handlerIds: ['there'] });
      await harness.recordEvent(stored);
      const messageId = await addTasks(harness, taskOf('task'));
      const created = harness.event({ handlerIds: [] });
      const { deliveries } = harness.event({ handlerIds: ['there', 'added'] });
      const added = await evaluate(harness, onlyOne(await takeTasks(harness)), {
        decide: () => ({
          events: [created, { ...stored, data: '{"other":1}' }],
          deliveries: [
            { eventId: stored.id, deliveries },
            { eventId: created.id, deliveries: harness.event({ handlerIds: ['added'] }).deliveries },
            { eventId: 'nowhere', deliveries: harness.event({ handlerIds: ['added'] }).deliveries },
          ],
          tasks: [taskOf('next')],
        }),
      });
      same(added, [created]);
      const { items } = await harness.takeDeliveries({ handlerIds: ['there', 'added'] });
      const found = items.map(({ handlerId, event, replayId }) =>
        [handlerId, event.id, event.data, replayId].join(' '),
      );
      equal(found.length, 3);
      for (const one of [`added ${created.id} {} `, `added ${stored.id} {} `, `there ${stored.id} {} `]) {
        ok(found.includes(one), `${one} is not among ${found.join(', ')}`);
      }
      const { id, parsedFrom } = onlyOne(await takeTasks(harness));
      same([id, parsedFrom.messageId], ['next', messageId]);
    },
  },
  {
    title: 'evaluate: rejects and writes nothing if `decide` throws, and keeps the task',
    run: async (harness) => {
      await addTasks(harness, taskOf('bad'), taskOf('good'));
      const { items } = await takeTasks(harness);
      const outcomes = await Promise.allSettled(
        items.map((task) =>
          evaluate(harness, task, {
            decide: () => {
              if (task.id === 'bad') throw new TypeError('cannot decide');
              return { events: [harness.event()] };
            },
          }),
        ),
      );
      same(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      for (const outcome of outcomes) ok(outcome.status === 'fulfilled' || !isStoreUnavailableError(outcome.reason));
      const { events, checks } = await harness.store.counts();
      same([events, checks], [1, 1]);
      equal(onlyOne(await takeTasks(harness, { at: LEASE_MS })).id, 'bad');
    },
  },
];

import { describe, expect, it } from '@jest/globals';
import { eventFacts } from '../events/event-data.js';
import type { Subscription } from '../handlers/subscription.js';
import { resolveHandlerOptions } from '../handlers/handler.js';
import { HandlerSet } from '../handlers/handler-set.js';
import { IdSequence } from '../ids.js';
import { Router } from '../handlers/router.js';
import type { Run } from '../runs/run.js';
import type { RunState } from '../runs/run-state.js';
import type { ClaimedTask, TaskKnowledge } from '../store/task.js';
import { TaskEvaluator } from './task-evaluator.js';
import { TaskPlanner, type RunNewsForTasks } from './task-planner.js';

const START = 1_000_000;
const at = (ms: number): Date => new Date(START + ms);
const ORIGIN = { source: 'dbt', provider: 'dbt-cloud', messageId: 'msg_1' };

const STUCK: Subscription = { on: { stuck: { afterMs: 60 } }, filter: {} };
const USUAL: Subscription = { on: { stuck: { p95Times: 2, runsMin: 2 } }, filter: {} };
const BARRIER: Subscription = { on: { barrier: { jobs: ['a', 'b'], withinMs: 100 } }, filter: {} };
const COMPLETED: Subscription = {
  on: { barrier: { jobs: ['a', 'b'], withinMs: 100, outcome: 'completed' } },
  filter: {},
};
const PLAIN: Subscription = { on: { types: ['run.started', 'run.succeeded'] }, filter: {} };

function handlersOf(subscriptions: Readonly<Record<string, readonly Subscription[]>>): HandlerSet {
  const handlers = new HandlerSet();
  for (const [id, list] of Object.entries(subscriptions)) {
    const invoke = () => Promise.resolve();
    handlers.add({ ...resolveHandlerOptions(id, { id }), label: id, subscriptions: list, invoke });
  }
  return handlers;
}

function runOf(job = 'a', id = '7'): Run {
  return {
    id,
    status: 'running',
    job: { key: `1/${job}`, name: job },
    account: { id: '1' },
    trigger: { kind: 'schedule' },
  };
}

function news(types: RunNewsForTasks['types'], run = runOf()): RunNewsForTasks {
  return { source: 'dbt', provider: 'dbt-cloud', run, types, happenedAt: at(0), receivedAt: at(5) };
}

const plan = (one: Subscription, told: RunNewsForTasks) =>
  new TaskPlanner(handlersOf({ watch: [one] })).tasksFor(told, at(5));

describe('a planner of tasks', () => {
  it.each<[string, Subscription, RunNewsForTasks, number | undefined]>([
    ['a start that is watched, when its time is up', STUCK, news(['run.started']), 60],
    ['a start that is watched by what is usual, at once', USUAL, news(['run.started']), 5],
    ['a success that a barrier waits for, at once', BARRIER, news(['run.succeeded', 'run.completed']), 5],
    ['an end that a barrier waits for', COMPLETED, news(['run.completed']), 5],
    ['a failure, for a barrier of runs that are over', COMPLETED, news(['run.failed', 'run.completed']), 5],
    ['no end, for a watchdog', STUCK, news(['run.succeeded', 'run.completed']), undefined],
    ['no start that is not new', STUCK, news([]), undefined],
    ['no failure, for a barrier of successes', BARRIER, news(['run.failed', 'run.completed']), undefined],
    ['no early failure, for a barrier of runs that are over', COMPLETED, news(['run.failed']), undefined],
    ['no other job', BARRIER, news(['run.succeeded'], runOf('c')), undefined],
    ['no other source', { ...STUCK, filter: { source: 'other' } }, news(['run.started']), undefined],
    ['no other project', { ...BARRIER, filter: { project: 'x' } }, news(['run.succeeded']), undefined],
    ['nothing for handlers of other kinds', PLAIN, news(['run.started', 'run.succeeded']), undefined],
  ])('plans for %s', (_, subscription, told, dueMs) => {
    const dueTimes = plan(subscription, told).map(({ dueAt }) => dueAt.getTime() - START);
    expect(dueTimes).toEqual(dueMs === undefined ? [] : [dueMs]);
  });

  it('names a task by its run and its handler, so that it is added once', () => {
    const run = runOf('a', 'a/b c');
    const handlers = handlersOf({ one: [STUCK, BARRIER], two: [STUCK] });
    const tasks = new TaskPlanner(handlers).tasksFor(news(['run.started', 'run.succeeded'], run), at(5));
    expect(tasks.map(({ id, handlerId }) => [id, handlerId])).toEqual([
      ['run.stuck:dbt/1/a%2Fb%20c/one', 'one'],
      ['runs.joined:dbt/1/a%2Fb%20c/one', 'one'],
      ['run.stuck:dbt/1/a%2Fb%20c/two', 'two'],
    ]);
  });
});

/** A store's part in evaluating tasks: gives out a task as it was planned, and keeps the barrier's state. */
class TaskHarness {
  readonly #handlers: HandlerSet;
  readonly #evaluator: TaskEvaluator;
  barrier: string | undefined;

  constructor(...subscriptions: Subscription[]) {
    this.#handlers = handlersOf({ watch: subscriptions, other: [STUCK, BARRIER] });
    const router = new Router(this.#handlers, new IdSequence());
    this.#evaluator = new TaskEvaluator(this.#handlers, router, new TaskPlanner(this.#handlers));
  }

  evaluate(told: RunNewsForTasks, knowledge: Partial<TaskKnowledge>, nowMs: number) {
    const planned = new TaskPlanner(handlersOf({ watch: [told.types.includes('run.started') ? STUCK : BARRIER] }));
    const [task] = planned.tasksFor(told, at(5));
    if (!task) throw new Error('no task');
    const claimed: ClaimedTask = { ...task, claims: 1, lease: 'lease', parsedFrom: ORIGIN };
    const evaluation = this.#evaluator.evaluationOf(claimed, at(nowMs));
    const known = { durationsMs: [], ...knowledge, ...(this.barrier !== undefined && { barrier: this.barrier }) };
    const decision = evaluation.decide(known);
    this.barrier = decision.barrier ?? this.barrier;
    return { ...decision, question: evaluation.question };
  }
}

const RUNNING: RunState = { jobKey: '1/a', contradicted: false, types: ['run.started'] };
const started = news(['run.started']);

describe('a watchdog', () => {
  it('fires once the time since the start is up, for its own handler alone, and is done', () => {
    const { events, dueAt, question } = new TaskHarness(STUCK).evaluate(started, { run: RUNNING }, 60);
    expect([question, dueAt]).toEqual([{ run: { source: 'dbt', accountId: '1', runId: '7' } }, undefined]);
    expect(events).toMatchObject([
      { id: 'run.stuck:dbt/1/7/watch', type: 'run.stuck', occurredAt: at(60), deliveries: [{ handlerId: 'watch' }] },
    ]);
    expect(eventFacts(events[0]?.data ?? '')).toEqual({
      occurredAt: at(60),
      receivedAt: at(5),
      run: runOf(),
      stuckAfterMs: 60,
      handlerId: 'watch',
    });
  });

  it('looks again when the time is not up, by a clock that stepped back or an option that changed', () => {
    expect(new TaskHarness(STUCK).evaluate(started, { run: RUNNING }, 59)).toMatchObject({
      events: [],
      dueAt: at(60),
    });
  });

  it.each<[string, RunState | undefined]>([
    ['succeeded', { ...RUNNING, types: ['run.started', 'run.succeeded'], outcome: 'succeeded' }],
    ['failed, as told early', { ...RUNNING, types: ['run.started', 'run.failed'], outcome: 'failed' }],
    ['is over in no outcome', { ...RUNNING, types: ['run.started', 'run.completed'] }],
    ['was forgotten by the inbox', undefined],
  ])('is done without an event if the run %s', (_, run) => {
    const decision = new TaskHarness(STUCK).evaluate(started, run ? { run } : {}, 1_000);
    expect(decision).toMatchObject({ events: [] });
    expect(decision.dueAt).toBeUndefined();
  });

  it('by what is usual: asks for the last durations of the job, and waits a multiple of them', () => {
    const harness = new TaskHarness(USUAL);
    const first = harness.evaluate(started, { run: RUNNING, durationsMs: [40, 50] }, 5);
    expect(first).toMatchObject({
      events: [],
      dueAt: at(100),
      question: { durationsOf: { source: 'dbt', jobKey: '1/a' } },
    });
    expect(harness.evaluate(started, { run: RUNNING, durationsMs: [40, 50] }, 100).events).toHaveLength(1);
    // Another run has taken longer meanwhile.
    expect(harness.evaluate(started, { run: RUNNING, durationsMs: [40, 70] }, 100)).toMatchObject({ dueAt: at(140) });
  });

  it('by what is usual: watches nothing with too little history', () => {
    const decision = new TaskHarness(USUAL).evaluate(started, { run: RUNNING, durationsMs: [40] }, 5);
    expect([decision.events, decision.dueAt]).toEqual([[], undefined]);
  });

  it('is done where its handler watches nothing any more', () => {
    expect(new TaskHarness(PLAIN).evaluate(started, { run: RUNNING }, 1_000)).toMatchObject({ events: [] });
  });
});

describe('a barrier', () => {
  const ended = (job: string, id: string) => news(['run.succeeded'], runOf(job, id));

  it('keeps the runs that wait under the id of its handler, and joins them in one event for it', () => {
    const harness = new TaskHarness(BARRIER);
    const first = harness.evaluate(ended('a', '1'), {}, 5);
    expect([first.events, first.question]).toEqual([[], { barrier: 'watch' }]);
    const { events } = harness.evaluate(ended('b', '2'), {}, 6);
    expect(events).toMatchObject([{ type: 'runs.joined', occurredAt: at(0), deliveries: [{ handlerId: 'watch' }] }]);
    expect(events[0]?.id).toMatch(/^runs\.joined:watch\/[0-9a-f]{32}$/);
    const facts = eventFacts(events[0]?.data ?? '');
    expect(facts).toMatchObject({ handlerId: 'watch', runs: [{ job: 'a', finishedAt: at(0) }, { job: 'b' }] });
    expect(facts).not.toHaveProperty('run');
    expect(harness.evaluate(ended('a', '3'), {}, 7).events).toEqual([]);
  });

  it('names the event by its runs: other ones are another event', () => {
    const idOf = (...ids: string[]) => {
      const harness = new TaskHarness(BARRIER);
      return ids.flatMap((id, index) => harness.evaluate(ended(index === 0 ? 'a' : 'b', id), {}, 5).events)[0]?.id;
    };
    expect(idOf('1', '2')).toBe(idOf('1', '2'));
    expect(idOf('1', '2')).not.toBe(idOf('1', '3'));
  });

  it('is done where its handler waits for nothing any more', () => {
    const decision = new TaskHarness(PLAIN).evaluate(ended('a', '1'), {}, 5);
    expect([decision.events, decision.barrier]).toEqual([[], undefined]);
  });
});

describe('an event that is for one handler', () => {
  it('goes to no other one, also when it is replayed', () => {
    const handlers = handlersOf({ one: [STUCK, BARRIER], two: [STUCK, BARRIER] });
    for (const type of ['run.stuck', 'runs.joined']) {
      const event = { type, source: 'dbt', provider: 'dbt-cloud', handlerId: 'two' };
      expect(handlers.wanting(event).map(({ id }) => id)).toEqual(['two']);
    }
  });
});

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
import { TaskPlanner, type RunChange } from './task-planner.js';

const START = 1_000_000;
const at = (ms: number): Date => new Date(START + ms);
const ORIGIN = { source: 'dbt', provider: 'dbt-cloud', messageId: 'msg_1' };

const STUCK: Subscription = { on: { stuck: { afterMs: 60 } }, filter: {} };
const BY_P95: Subscription = { on: { stuck: { p95Times: 2, runsMin: 2 } }, filter: {} };
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

function changeOf(types: RunChange['types'], run = runOf()): RunChange {
  return { source: 'dbt', provider: 'dbt-cloud', run, types, happenedAt: at(0), receivedAt: at(5) };
}

const plan = (one: Subscription, change: RunChange) =>
  new TaskPlanner(handlersOf({ watch: [one] })).tasksFor(change, at(5));

describe('TaskPlanner', () => {
  it.each<[string, Subscription, RunChange, number | undefined]>([
    ['plans a check after the fixed time when a watched run starts', STUCK, changeOf(['run.started']), 60],
    [
      'plans a check at once when a run starts that is compared with earlier runs',
      BY_P95,
      changeOf(['run.started']),
      5,
    ],
    [
      'plans a check at once when a run succeeds that a fan-in waits for',
      BARRIER,
      changeOf(['run.succeeded', 'run.completed']),
      5,
    ],
    ['plans a check when a run ends that a fan-in waits for', COMPLETED, changeOf(['run.completed']), 5],
    [
      'plans a check when a run fails and the fan-in waits for any outcome',
      COMPLETED,
      changeOf(['run.failed', 'run.completed']),
      5,
    ],
    ['plans nothing for a watch when a run ends', STUCK, changeOf(['run.succeeded', 'run.completed']), undefined],
    ['plans nothing when the start is not new', STUCK, changeOf([]), undefined],
    [
      'plans nothing when a run fails and the fan-in waits for success',
      BARRIER,
      changeOf(['run.failed', 'run.completed']),
      undefined,
    ],
    ['plans nothing when a run has failed but not ended', COMPLETED, changeOf(['run.failed']), undefined],
    ['plans nothing for another job', BARRIER, changeOf(['run.succeeded'], runOf('c')), undefined],
    [
      'plans nothing for another source',
      { ...STUCK, filter: { source: 'other' } },
      changeOf(['run.started']),
      undefined,
    ],
    [
      'plans nothing for another project',
      { ...BARRIER, filter: { project: 'x' } },
      changeOf(['run.succeeded']),
      undefined,
    ],
    ['plans nothing for handlers of other kinds', PLAIN, changeOf(['run.started', 'run.succeeded']), undefined],
  ])('%s', (_, subscription, change, dueMs) => {
    const dueTimes = plan(subscription, change).map(({ dueAt }) => dueAt.getTime() - START);
    expect(dueTimes).toEqual(dueMs === undefined ? [] : [dueMs]);
  });

  it('names a task after its run and its handler, so that it is added once', () => {
    const run = runOf('a', 'a/b c');
    const handlers = handlersOf({ one: [STUCK, BARRIER], two: [STUCK] });
    const tasks = new TaskPlanner(handlers).tasksFor(changeOf(['run.started', 'run.succeeded'], run), at(5));
    expect(tasks.map(({ id, handlerId }) => [id, handlerId])).toEqual([
      ['run.stuck:dbt/1/a%2Fb%20c/one', 'one'],
      ['runs.joined:dbt/1/a%2Fb%20c/one', 'one'],
      ['run.stuck:dbt/1/a%2Fb%20c/two', 'two'],
    ]);
  });
});

/** Part of a store that evaluates tasks: it claims a task as planned, and keeps the state of the fan-in. */
class TaskHarness {
  readonly #handlers: HandlerSet;
  readonly #evaluator: TaskEvaluator;
  barrier: string | undefined;

  constructor(...subscriptions: Subscription[]) {
    this.#handlers = handlersOf({ watch: subscriptions, other: [STUCK, BARRIER] });
    const router = new Router(this.#handlers, new IdSequence());
    this.#evaluator = new TaskEvaluator(this.#handlers, router, new TaskPlanner(this.#handlers));
  }

  evaluate(change: RunChange, knowledge: Partial<TaskKnowledge>, nowMs: number) {
    const planned = new TaskPlanner(handlersOf({ watch: [change.types.includes('run.started') ? STUCK : BARRIER] }));
    const [task] = planned.tasksFor(change, at(5));
    if (!task) throw new Error('no task was planned');
    const claimed: ClaimedTask = { ...task, claims: 1, lease: 'lease', parsedFrom: ORIGIN };
    const evaluation = this.#evaluator.evaluationOf(claimed, at(nowMs));
    const known = { durationsMs: [], ...knowledge, ...(this.barrier !== undefined && { barrier: this.barrier }) };
    const decision = evaluation.decide(known);
    this.barrier = decision.barrier ?? this.barrier;
    return { ...decision, question: evaluation.question };
  }
}

const RUNNING: RunState = { jobKey: '1/a', contradicted: false, types: ['run.started'] };
const started = changeOf(['run.started']);

describe('the stuck-run watch', () => {
  it('emits run.stuck for its handler only when the time has passed, and finishes', () => {
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

  it('names the retried run and the root run, also if the start of the run was parsed before they were known', () => {
    const run = { ...RUNNING, retryOf: '6', rootRun: '5' };
    const [event] = new TaskHarness(STUCK).evaluate(started, { run }, 60).events;
    expect(eventFacts(event?.data ?? '').run).toEqual({ ...runOf(), retryOf: '6', rootRun: '5' });
  });

  it('checks again later when the time has not passed, because the clock or the option changed', () => {
    expect(new TaskHarness(STUCK).evaluate(started, { run: RUNNING }, 59)).toMatchObject({
      events: [],
      dueAt: at(60),
    });
  });

  it.each<[string, RunState | undefined]>([
    ['succeeded', { ...RUNNING, types: ['run.started', 'run.succeeded'], outcome: 'succeeded' }],
    ['failed but has not ended', { ...RUNNING, types: ['run.started', 'run.failed'], outcome: 'failed' }],
    ['ended without an outcome', { ...RUNNING, types: ['run.started', 'run.completed'] }],
    ['was purged', undefined],
  ])('finishes without an event when the run %s', (_, run) => {
    const decision = new TaskHarness(STUCK).evaluate(started, run ? { run } : {}, 1_000);
    expect(decision).toMatchObject({ events: [] });
    expect(decision.dueAt).toBeUndefined();
  });

  it('waits a multiple of the last durations of the job', () => {
    const harness = new TaskHarness(BY_P95);
    const first = harness.evaluate(started, { run: RUNNING, durationsMs: [40, 50] }, 5);
    expect(first).toMatchObject({
      events: [],
      dueAt: at(100),
      question: { durationsOf: { source: 'dbt', jobKey: '1/a' } },
    });
    expect(harness.evaluate(started, { run: RUNNING, durationsMs: [40, 50] }, 100).events).toHaveLength(1);
    // Another run has taken longer since then.
    expect(harness.evaluate(started, { run: RUNNING, durationsMs: [40, 70] }, 100)).toMatchObject({ dueAt: at(140) });
  });

  it('finishes without an event when too few durations are known', () => {
    const decision = new TaskHarness(BY_P95).evaluate(started, { run: RUNNING, durationsMs: [40] }, 5);
    expect([decision.events, decision.dueAt]).toEqual([[], undefined]);
  });

  it('finishes without an event when its handler no longer watches runs', () => {
    expect(new TaskHarness(PLAIN).evaluate(started, { run: RUNNING }, 1_000)).toMatchObject({ events: [] });
  });
});

describe('the fan-in', () => {
  const ended = (job: string, id: string) => changeOf(['run.succeeded'], runOf(job, id));

  it('keeps waiting runs under the id of its handler, and joins them in one event', () => {
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

  it('names the event after its runs', () => {
    const idOf = (...ids: string[]) => {
      const harness = new TaskHarness(BARRIER);
      return ids.flatMap((id, index) => harness.evaluate(ended(index === 0 ? 'a' : 'b', id), {}, 5).events)[0]?.id;
    };
    expect(idOf('1', '2')).toBe(idOf('1', '2'));
    expect(idOf('1', '2')).not.toBe(idOf('1', '3'));
  });

  it('finishes without an event when its handler no longer waits for runs', () => {
    const decision = new TaskHarness(PLAIN).evaluate(ended('a', '1'), {}, 5);
    expect([decision.events, decision.barrier]).toEqual([[], undefined]);
  });
});

describe('an event for one handler', () => {
  it('matches no other handler, so that a replay delivers it to the same one', () => {
    const handlers = handlersOf({ one: [STUCK, BARRIER], two: [STUCK, BARRIER] });
    for (const type of ['run.stuck', 'runs.joined']) {
      const event = { type, source: 'dbt', provider: 'dbt-cloud', handlerId: 'two' };
      expect(handlers.wanting(event).map(({ id }) => id)).toEqual(['two']);
    }
  });
});

import { createHash } from 'node:crypto';
import { eventData, type EventFacts } from '../events/event-data.js';
import { RUN_STUCK_EVENT_TYPE, RUNS_JOINED_EVENT_TYPE } from '../events/event.js';
import type { HandlerSet } from '../handlers/handler-set.js';
import type { Router } from '../handlers/router.js';
import { routableOf } from '../handlers/router.js';
import type { OnAllRunsOptions, SubscribedTo } from '../handlers/subscription.js';
import type { StuckAfter } from '../handlers/subscription.js';
import { LIMITS } from '../limits.js';
import { parseDated } from '../payloads/dated-json.js';
import { withRetryOf } from '../runs/retried-run.js';
import type { JoinedRun } from '../runs/run.js';
import { isRunOver } from '../runs/run-state.js';
import type { NewEvent } from '../store/recording.js';
import type { ClaimedTask, TaskDecision, TaskEvaluation, TaskKnowledge, TaskQuestion } from '../store/task.js';
import { arrive } from './barrier.js';
import { isHandOff, routeHandedOff } from './hand-off.js';
import type { TaskFacts, TaskPlanner } from './task-planner.js';
import { allowedMs } from './watchdog.js';

const DONE: TaskDecision = { events: [] };

/** Creates evaluations of tasks. A check is finished if its handler no longer asks for it. */
export class TaskEvaluator {
  readonly #handlers: HandlerSet;
  readonly #router: Router;
  readonly #planner: TaskPlanner;

  constructor(handlers: HandlerSet, router: Router, planner: TaskPlanner) {
    this.#handlers = handlers;
    this.#router = router;
    this.#planner = planner;
  }

  /** Returns the evaluation of a task. */
  evaluationOf(task: ClaimedTask, now: Date): TaskEvaluation {
    if (isHandOff(task)) {
      const { id: taskId, lease } = task;
      return { taskId, lease, question: {}, decide: () => routeHandedOff(task, this.#router, this.#planner, now) };
    }
    const facts = parseDated<TaskFacts>(task.data);
    return task.kind === 'stuck-run'
      ? this.#evaluationOfStart(task, facts, now)
      : this.#evaluationOfEnd(task, facts, now);
  }

  /** Returns the evaluation that ends a task without an event. */
  giveUp({ id: taskId, lease }: ClaimedTask): TaskEvaluation {
    return { taskId, lease, question: {}, decide: () => DONE };
  }

  #evaluationOfStart(task: ClaimedTask, facts: TaskFacts, now: Date): TaskEvaluation {
    const { id: taskId, lease, handlerId, parsedFrom } = task;
    const { source } = parsedFrom;
    const { account, id: runId, job } = facts.run;
    const [stuck] = this.#subscribedTo(handlerId).flatMap((on) => ('stuck' in on ? [on.stuck] : []));
    const durationsOf = { source, jobKey: job.key, runsMax: LIMITS.stuckRunsMax };
    const question: TaskQuestion = {
      run: { source, accountId: account.id, runId },
      ...(stuck && !('afterMs' in stuck) && { durationsOf }),
    };
    return { taskId, lease, question, decide: (known) => this.#decideStuck(task, facts, stuck, known, now) };
  }

  #decideStuck(
    task: ClaimedTask,
    { run, happenedAt, receivedAt }: TaskFacts,
    stuck: StuckAfter | undefined,
    known: TaskKnowledge,
    now: Date,
  ): TaskDecision {
    // A run that was purged may be over, so no event is created.
    if (!known.run || isRunOver(known.run)) return DONE;
    const stuckAfterMs = stuck && allowedMs(stuck, known.durationsMs);
    if (stuckAfterMs === undefined) return DONE;
    const stuckAt = new Date(happenedAt.getTime() + stuckAfterMs);
    if (now < stuckAt) return { events: [], dueAt: stuckAt };
    // The run may have become the retry of another one after its start was parsed.
    const facts: EventFacts = { occurredAt: stuckAt, receivedAt, run: withRetryOf(run, known.run), stuckAfterMs };
    return { events: [this.#event(task, RUN_STUCK_EVENT_TYPE, task.id, facts, now)] };
  }

  #evaluationOfEnd(task: ClaimedTask, facts: TaskFacts, now: Date): TaskEvaluation {
    const { id: taskId, lease, handlerId } = task;
    const [barrier] = this.#subscribedTo(handlerId).flatMap((on) => ('barrier' in on ? [on.barrier] : []));
    if (!barrier) return this.giveUp(task);
    const decide = (known: TaskKnowledge): TaskDecision => this.#decideJoined(task, facts, barrier, known, now);
    return { taskId, lease, question: { barrier: handlerId }, decide };
  }

  #decideJoined(
    task: ClaimedTask,
    { run, happenedAt: finishedAt, receivedAt }: TaskFacts,
    barrier: OnAllRunsOptions,
    known: TaskKnowledge,
    now: Date,
  ): TaskDecision {
    const { source, provider } = task.parsedFrom;
    const { waiting, joined } = arrive(barrier, known.barrier, { source, provider, run, finishedAt });
    if (!joined) return { events: [], barrier: waiting };
    const last = Math.max(...joined.map((one) => one.finishedAt.getTime()));
    const facts: EventFacts = { occurredAt: new Date(last), receivedAt, runs: joined };
    const id = `${RUNS_JOINED_EVENT_TYPE}:${task.handlerId}/${nameOf(joined)}`;
    return { events: [this.#event(task, RUNS_JOINED_EVENT_TYPE, id, facts, now)], barrier: waiting };
  }

  #subscribedTo(handlerId: string): readonly SubscribedTo[] {
    return this.#handlers.get(handlerId)?.subscriptions.map(({ on }) => on) ?? [];
  }

  /** Returns an event for the handler of the task only. */
  #event({ handlerId, parsedFrom }: ClaimedTask, type: string, id: string, facts: EventFacts, now: Date): NewEvent {
    const { source, provider } = parsedFrom;
    const own: EventFacts = { ...facts, handlerId };
    return {
      id,
      type,
      occurredAt: facts.occurredAt,
      data: eventData(own),
      deliveries: this.#router.deliveriesTo(handlerId, routableOf({ type, source, provider }, own), now),
    };
  }
}

/** Returns a digest that identifies joined runs. */
function nameOf(joined: readonly JoinedRun[]): string {
  const runs = joined.map(({ source, run }) => [source, run.account.id, run.id]);
  return createHash('sha256').update(JSON.stringify(runs)).digest('hex').slice(0, 32);
}

import { createHash } from 'node:crypto';
import { arrive, barrierJobsOf } from './barrier.js';
import type { BarrierOptions } from './barrier-options.js';
import { parseDated } from './dated-json.js';
import { RUN_STUCK_EVENT_TYPE, RUNS_JOINED_EVENT_TYPE } from './event.js';
import { eventData, type EventFacts } from './event-data.js';
import type { HandlerSet } from './handler-set.js';
import { LIMITS } from './limits.js';
import type { Router } from './routing.js';
import type { NewEvent } from './run-state.js';
import type { JoinedRun } from './run.js';
import type { ClaimedTask, TaskDecision, TaskEvaluation, TaskKnowledge } from './task.js';
import type { TaskFacts } from './task-planner.js';
import { allowedMs, type StuckAfter } from './watchdog.js';

const DONE: TaskDecision = { events: [] };

/** Says how a task is decided. A task whose handler no longer asks for it is done. */
export class TaskEvaluator {
  readonly #handlers: HandlerSet;
  readonly #router: Router;

  constructor(handlers: HandlerSet, router: Router) {
    this.#handlers = handlers;
    this.#router = router;
  }

  evaluationOf(task: ClaimedTask, now: Date): TaskEvaluation {
    const { id: taskId, lease, handlerId } = task;
    const facts = parseDated<TaskFacts>(task.data);
    const subscriptions = this.#handlers.get(handlerId)?.subscriptions ?? [];
    const { source } = task.origin;
    if (taskId.startsWith(RUN_STUCK_EVENT_TYPE)) {
      const stuck = subscriptions.flatMap(({ on }) => ('stuck' in on ? [on.stuck] : [])).at(0);
      const { run } = facts;
      const question = {
        run: { source, accountId: run.account.id, runId: run.id },
        ...(stuck &&
          !('afterMs' in stuck) && {
            durationsOf: { source, jobKey: run.job.key, runsMax: LIMITS.stuckRunsMax },
          }),
      };
      return { taskId, lease, question, decide: (known) => this.#decideStuck(task, facts, stuck, known, now) };
    }
    const barrier = subscriptions.flatMap(({ on }) => ('barrier' in on ? [on.barrier] : [])).at(0);
    const decide = (known: TaskKnowledge): TaskDecision => this.#decideJoined(task, facts, barrier, known, now);
    return { taskId, lease, question: { barrier: handlerId }, decide };
  }

  #decideStuck(
    task: ClaimedTask,
    { run, happenedAt, receivedAt }: TaskFacts,
    stuck: StuckAfter | undefined,
    known: TaskKnowledge,
    now: Date,
  ): TaskDecision {
    const isOver = known.run?.outcome !== undefined || known.run?.types.includes('run.completed');
    const stuckAfterMs = stuck && allowedMs(stuck, known.durationsMs);
    if (isOver || stuckAfterMs === undefined) return DONE;
    const stuckAt = new Date(happenedAt.getTime() + stuckAfterMs);
    if (now < stuckAt) return { events: [], dueAt: stuckAt };
    const facts: EventFacts = { occurredAt: now, receivedAt, run, stuckAfterMs };
    return { events: [this.#event(task, RUN_STUCK_EVENT_TYPE, task.id, facts, now)] };
  }

  #decideJoined(
    task: ClaimedTask,
    { run, happenedAt: finishedAt, receivedAt }: TaskFacts,
    barrier: BarrierOptions | undefined,
    known: TaskKnowledge,
    now: Date,
  ): TaskDecision {
    if (!barrier) return DONE;
    const { source, provider } = task.origin;
    const arrived = barrierJobsOf(barrier, run).map((job): JoinedRun => ({ job, source, provider, run, finishedAt }));
    const { waiting, joined } = arrive(barrier, known.barrier, arrived);
    if (!joined) return { events: [], barrier: waiting };
    const facts: EventFacts = { occurredAt: now, receivedAt, runs: joined };
    const id = `${RUNS_JOINED_EVENT_TYPE}:${task.handlerId}/${nameOf(joined)}`;
    return { events: [this.#event(task, RUNS_JOINED_EVENT_TYPE, id, facts, now)], barrier: waiting };
  }

  /** For the handler of the task alone. */
  #event({ handlerId, origin }: ClaimedTask, type: string, id: string, facts: EventFacts, now: Date): NewEvent {
    const { source, provider } = origin;
    const { run, occurredAt } = facts;
    const routable = { type, source, provider, ...(run && { run }) };
    return {
      id,
      type,
      occurredAt,
      data: eventData(facts),
      deliveries: this.#router.deliveriesTo(handlerId, routable, now),
    };
  }
}

/** The same for the same runs. */
function nameOf(joined: readonly JoinedRun[]): string {
  const runs = joined.map(({ source, run }) => [source, run.account.id, run.id]);
  return createHash('sha256').update(JSON.stringify(runs)).digest('hex').slice(0, 32);
}

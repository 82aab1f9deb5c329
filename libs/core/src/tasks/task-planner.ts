import { runEventId } from '../events/event-data.js';
import { RUN_STUCK_EVENT_TYPE, RUNS_JOINED_EVENT_TYPE } from '../events/event.js';
import { matchesFilter, type Filterable } from '../handlers/filter.js';
import type { HandlerSet } from '../handlers/handler-set.js';
import type { StuckAfter } from '../handlers/subscription.js';
import type { Subscription } from '../handlers/subscription.js';
import type { RunEventType } from '../runs/run-signal.js';
import type { Run } from '../runs/run.js';
import type { NewTask, TaskKind } from '../store/recording.js';
import { barrierJobsOf } from './barrier.js';

/** Input of a check, as the `data` of its task. */
export interface TaskFacts {
  readonly run: Run;
  /** Start or end of the run. */
  readonly happenedAt: Date;
  readonly receivedAt: Date;
}

/** New events of a run, from which tasks may follow. */
export interface RunChange extends Filterable, TaskFacts {
  readonly run: Run;
  /** Types of the new events, without late ones. */
  readonly types: readonly RunEventType[];
}

/** Decides which handlers watch a run that has started, or wait for a run that has finished. */
export class TaskPlanner {
  readonly #handlers: HandlerSet;

  constructor(handlers: HandlerSet) {
    this.#handlers = handlers;
  }

  /** Returns a task for each handler that watches or waits for the run; if `handlerId` is set, only for that handler. */
  tasksFor(change: RunChange, now: Date, handlerId?: string): NewTask[] {
    const { source, run, happenedAt, receivedAt } = change;
    const key = { source, accountId: run.account.id, runId: run.id };
    const tasks: NewTask[] = [];
    const add = (kind: TaskKind, type: string, handlerId: string, dueAt: Date): void => {
      const data = JSON.stringify({ run, happenedAt, receivedAt } satisfies TaskFacts);
      tasks.push({ id: `${runEventId(type, key)}/${handlerId}`, kind, handlerId, dueAt, data });
    };
    for (const { id, subscriptions } of this.#handlers.watching()) {
      if (handlerId !== undefined && handlerId !== id) continue;
      const stuck = stuckAfter(subscriptions, change);
      if (stuck) add('stuck-run', RUN_STUCK_EVENT_TYPE, id, firstCheck(stuck, happenedAt, now));
      if (waitsFor(subscriptions, change)) add('all-runs', RUNS_JOINED_EVENT_TYPE, id, now);
    }
    return tasks;
  }
}

/** Returns when to check a run first: at once if the time depends on earlier runs, which only the store knows. */
function firstCheck(stuck: StuckAfter, startedAt: Date, now: Date): Date {
  return 'afterMs' in stuck ? new Date(startedAt.getTime() + stuck.afterMs) : now;
}

/** Returns when a run is stuck for a handler, or `undefined` if it has not just started or the handler does not watch it. */
function stuckAfter(subscriptions: readonly Subscription[], change: RunChange): StuckAfter | undefined {
  if (!change.types.includes('run.started')) return undefined;
  for (const { on, filter } of subscriptions) {
    if ('stuck' in on && matchesFilter(filter, change)) return on.stuck;
  }
  return undefined;
}

function waitsFor(subscriptions: readonly Subscription[], change: RunChange): boolean {
  return subscriptions.some(({ on, filter }) => {
    if (!('barrier' in on) || !matchesFilter(filter, change)) return false;
    const finished = on.barrier.outcome === 'completed' ? 'run.completed' : 'run.succeeded';
    return change.types.includes(finished) && barrierJobsOf(on.barrier, change.run).length > 0;
  });
}

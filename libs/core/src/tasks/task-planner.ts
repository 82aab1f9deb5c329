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

/** What a task is about, as its `data`. */
export interface TaskFacts {
  readonly run: Run;
  /** When the run started, or finished. */
  readonly happenedAt: Date;
  readonly receivedAt: Date;
}

/** Something new about a run that tasks may follow from. */
export interface RunNewsForTasks extends Filterable, TaskFacts {
  readonly run: Run;
  /** New events, without those that came late. */
  readonly types: readonly RunEventType[];
}

/** Decides which handlers watch a run that has started, or wait for one that has finished. */
export class TaskPlanner {
  readonly #handlers: HandlerSet;

  constructor(handlers: HandlerSet) {
    this.#handlers = handlers;
  }

  /** For each handler that watches or waits; only for the one named, if one is. */
  tasksFor(news: RunNewsForTasks, now: Date, handlerId?: string): NewTask[] {
    const { source, run, happenedAt, receivedAt } = news;
    const key = { source, accountId: run.account.id, runId: run.id };
    const tasks: NewTask[] = [];
    const add = (kind: TaskKind, type: string, handlerId: string, dueAt: Date): void => {
      const data = JSON.stringify({ run, happenedAt, receivedAt } satisfies TaskFacts);
      tasks.push({ id: `${runEventId(type, key)}/${handlerId}`, kind, handlerId, dueAt, data });
    };
    for (const { id, subscriptions } of this.#handlers.watching()) {
      if (handlerId !== undefined && handlerId !== id) continue;
      const stuck = stuckAfter(subscriptions, news);
      if (stuck) add('stuck-run', RUN_STUCK_EVENT_TYPE, id, firstLook(stuck, happenedAt, now));
      if (waitsFor(subscriptions, news)) add('all-runs', RUNS_JOINED_EVENT_TYPE, id, now);
    }
    return tasks;
  }
}

/** What is usual is only known by looking. */
function firstLook(stuck: StuckAfter, startedAt: Date, now: Date): Date {
  return 'afterMs' in stuck ? new Date(startedAt.getTime() + stuck.afterMs) : now;
}

/** When this run counts as stuck for a handler, if it has just started and the handler watches it. */
function stuckAfter(subscriptions: readonly Subscription[], news: RunNewsForTasks): StuckAfter | undefined {
  if (!news.types.includes('run.started')) return undefined;
  for (const { on, filter } of subscriptions) {
    if ('stuck' in on && matchesFilter(filter, news)) return on.stuck;
  }
  return undefined;
}

function waitsFor(subscriptions: readonly Subscription[], news: RunNewsForTasks): boolean {
  return subscriptions.some(({ on, filter }) => {
    if (!('barrier' in on) || !matchesFilter(filter, news)) return false;
    const finished = on.barrier.outcome === 'completed' ? 'run.completed' : 'run.succeeded';
    return news.types.includes(finished) && barrierJobsOf(on.barrier, news.run).length > 0;
  });
}

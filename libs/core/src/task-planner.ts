import { barrierJobsOf } from './barrier.js';
import type { RunSignalType } from './event.js';
import { matchesFilter, type Filterable, type Subscription } from './filter.js';
import type { HandlerSet } from './handler-set.js';
import type { NewTask } from './new-task.js';
import type { Run } from './run.js';
import type { StuckAfter } from './watchdog.js';

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
  readonly types: readonly RunSignalType[];
}

/** Decides which handlers watch a run that has started, or wait for one that has finished. */
export class TaskPlanner {
  readonly #handlers: HandlerSet;

  constructor(handlers: HandlerSet) {
    this.#handlers = handlers;
  }

  tasksFor(news: RunNewsForTasks, now: Date): NewTask[] {
    const { source, run } = news;
    const key = `${source}/${encodeURIComponent(run.account.id)}/${encodeURIComponent(run.id)}`;
    const { happenedAt, receivedAt } = news;
    const data = JSON.stringify({ run, happenedAt, receivedAt } satisfies TaskFacts);
    const tasks: NewTask[] = [];
    for (const { id: handlerId, subscriptions } of this.#handlers.all()) {
      const stuck = stuckAfter(subscriptions, news);
      if (stuck) {
        const dueAt = 'afterMs' in stuck ? new Date(happenedAt.getTime() + stuck.afterMs) : now;
        tasks.push({ id: `run.stuck:${key}/${handlerId}`, handlerId, dueAt, data });
      }
      if (waitingFor(subscriptions, news)) {
        tasks.push({ id: `runs.joined:${key}/${handlerId}`, handlerId, dueAt: now, data });
      }
    }
    return tasks;
  }
}

/** When this run counts as stuck for a handler, if it has just started and the handler watches it. */
function stuckAfter(subscriptions: readonly Subscription[], news: RunNewsForTasks): StuckAfter | undefined {
  if (!news.types.includes('run.started')) return undefined;
  for (const { on, filter } of subscriptions) {
    if ('stuck' in on && matchesFilter(filter, news)) return on.stuck;
  }
  return undefined;
}

function waitingFor(subscriptions: readonly Subscription[], news: RunNewsForTasks): boolean {
  return subscriptions.some(({ on, filter }) => {
    if (!('barrier' in on) || !matchesFilter(filter, news)) return false;
    const finished = on.barrier.outcome === 'completed' ? 'run.completed' : 'run.succeeded';
    return news.types.includes(finished) && barrierJobsOf(on.barrier, news.run).length > 0;
  });
}

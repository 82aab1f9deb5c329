import { eventData, messageEventId, runEventId, type EventFacts } from '../events/event-data.js';
import { MESSAGE_EVENT_TYPE } from '../events/event.js';
import type { Routable } from '../handlers/filter.js';
import { handlerIdOf } from '../handlers/registration.js';
import type { Router } from '../handlers/router.js';
import { parseDated } from '../payloads/dated-json.js';
import type { NewRunEvent } from '../runs/run-update.js';
import type { Run } from '../runs/run.js';
import type { NewEvent, NewTask } from '../store/recording.js';
import type { ClaimedTask, TaskDecision } from '../store/task.js';
import type { TaskPlanner } from './task-planner.js';

const HAND_OFF = 'hand-off';

/** What a reading led to, as the `data` of a task. */
export interface HandedOff {
  readonly occurredAt: Date;
  readonly receivedAt: Date;
  readonly run?: Run;
  /** When the run started, or finished. */
  readonly happenedAt?: Date;
  /** New events of the run. */
  readonly events: readonly (Pick<NewRunEvent, 'type'> & { readonly late: boolean })[];
  readonly messageType?: string;
}

/**
 * Tasks for handlers that are registered in the inbox and unknown to the process that reads the message, as in a
 * rolling deploy: their filters are code, so a process that has just this version says what they want of it.
 */
export function handOff(messageId: string, news: HandedOff, versions: readonly string[], now: Date): NewTask[] {
  if (versions.length === 0 || (news.events.length === 0 && news.messageType === undefined)) return [];
  const data = JSON.stringify(news);
  return versions.map((version) => ({
    id: `${HAND_OFF}:${messageId}/${version}`,
    kind: 'hand-off',
    handlerId: version,
    dueAt: now,
    data,
  }));
}

export function isHandOff({ kind }: Pick<ClaimedTask, 'kind'>): boolean {
  return kind === HAND_OFF;
}

/** What the reading process would have written, had it known the handler. */
export function routeHandedOff(task: ClaimedTask, router: Router, planner: TaskPlanner, now: Date): TaskDecision {
  const news = parseDated<HandedOff>(task.data);
  const handlerId = handlerIdOf(task.handlerId);
  const message = messageEventOf(task, news);
  const routed = routablesOf(task, news).flatMap(({ eventId, event }) => {
    const deliveries = router.deliveriesFor(event, now, [handlerId]);
    return deliveries.length === 0 ? [] : [{ eventId, deliveries }];
  });
  const isWanted = routed.some(({ eventId }) => eventId === message?.id);
  return {
    events: message && isWanted ? [message] : [],
    deliveries: routed,
    tasks: tasksOf(task, news, planner, now, handlerId),
  };
}

function routablesOf({ parsedFrom }: ClaimedTask, news: HandedOff): { eventId: string; event: Routable }[] {
  const { source, provider, messageId } = parsedFrom;
  const { run, messageType, events } = news;
  const base = { source, provider, ...(run && { run }) };
  const key = run && { source, accountId: run.account.id, runId: run.id };
  const ofRun = key
    ? events.map(({ type, late }) => ({ eventId: runEventId(type, key), event: { ...base, type, late } }))
    : [];
  if (messageType === undefined) return ofRun;
  const event = { ...base, type: MESSAGE_EVENT_TYPE, messageType };
  return [...ofRun, { eventId: messageEventId(source, messageId), event }];
}

function tasksOf(
  { parsedFrom: { source, provider } }: ClaimedTask,
  { run, happenedAt, receivedAt, events }: HandedOff,
  planner: TaskPlanner,
  now: Date,
  handlerId: string,
): NewTask[] {
  if (!run || !happenedAt) return [];
  const types = events.flatMap(({ type, late }) => (late ? [] : [type]));
  return planner.tasksFor({ source, provider, run, happenedAt, receivedAt, types }, now, handlerId);
}

/** Without deliveries: no other handler asked for it when it was read, or it is there already. */
function messageEventOf({ parsedFrom }: ClaimedTask, news: HandedOff): NewEvent | undefined {
  const { occurredAt, receivedAt, run, messageType } = news;
  if (messageType === undefined) return undefined;
  const facts: EventFacts = { occurredAt, receivedAt, messageType, ...(run && { run }) };
  const id = messageEventId(parsedFrom.source, parsedFrom.messageId);
  return { id, type: MESSAGE_EVENT_TYPE, occurredAt, data: eventData(facts), deliveries: [] };
}

import { eventData, messageEventId, type EventFacts } from '../events/event-data.js';
import { MESSAGE_EVENT_TYPE, type ResultsEventType } from '../events/event.js';
import type { Routable } from '../handlers/filter.js';
import { handlerIdOf } from '../handlers/registration.js';
import type { Router } from '../handlers/router.js';
import { parseDated } from '../payloads/dated-json.js';
import type { NodeName } from '../nodes/node-result.js';
import { isRunEventType, type RunEventType } from '../runs/run-signal.js';
import type { Run } from '../runs/run.js';
import type { NewEvent, NewTask } from '../store/recording.js';
import type { ClaimedTask, TaskDecision } from '../store/task.js';
import type { TaskPlanner } from './task-planner.js';

const HAND_OFF = 'hand-off';

/** New events and the message type that were found, as the `data` of a task. */
export interface HandedOff {
  readonly occurredAt: Date;
  readonly receivedAt: Date;
  readonly run?: Run;
  /** Start or end of the run. */
  readonly happenedAt?: Date;
  /** New events, with the ids under which they are stored. */
  readonly events: readonly HandedOffEvent[];
  /** The provider's own type of the message, if the events were parsed from one. */
  readonly messageType?: string;
}

interface HandedOffEvent {
  readonly id: string;
  readonly type: RunEventType | ResultsEventType;
  readonly late: boolean;
  /** Node that the event is about. */
  readonly node?: NodeName;
  /** Whether the event is of an isolated run. */
  readonly isolated?: boolean;
}

/**
 * Returns tasks for handlers that are registered in the inbox but missing in the parsing process, as in a rolling deploy.
 * Only a process with the same version of a handler can apply its filters.
 *
 * @param originId what the events follow from: the id of their message, or the step that recorded some nodes of a run
 */
export function handOff(originId: string, parsed: HandedOff, versions: readonly string[], now: Date): NewTask[] {
  if (versions.length === 0 || (parsed.events.length === 0 && parsed.messageType === undefined)) return [];
  const data = JSON.stringify(parsed);
  return versions.map((version) => ({
    id: `${HAND_OFF}:${originId}/${version}`,
    kind: 'hand-off',
    handlerId: version,
    dueAt: now,
    data,
  }));
}

/** Returns whether a task is a hand-off. */
export function isHandOff({ kind }: Pick<ClaimedTask, 'kind'>): boolean {
  return kind === HAND_OFF;
}

/** Returns what the parsing process would have written if it had the handler. */
export function routeHandedOff(task: ClaimedTask, router: Router, planner: TaskPlanner, now: Date): TaskDecision {
  const parsed = parseDated<HandedOff>(task.data);
  const handlerId = handlerIdOf(task.handlerId);
  const message = messageEventOf(task, parsed);
  const routed = routablesOf(task, parsed).flatMap(({ eventId, event }) => {
    const deliveries = router.deliveriesFor(event, now, [handlerId]);
    return deliveries.length === 0 ? [] : [{ eventId, deliveries }];
  });
  const isWanted = routed.some(({ eventId }) => eventId === message?.id);
  return {
    events: message && isWanted ? [message] : [],
    deliveries: routed,
    tasks: tasksOf(task, parsed, planner, now, handlerId),
  };
}

function routablesOf({ parsedFrom }: ClaimedTask, parsed: HandedOff): { eventId: string; event: Routable }[] {
  const { source, provider, messageId } = parsedFrom;
  const { run, messageType, events } = parsed;
  const base = { source, provider, ...(run && { run }) };
  const routables = events.map(({ id, ...event }) => ({ eventId: id, event: { ...base, ...event } }));
  if (messageType === undefined || messageId === undefined) return routables;
  const event = { ...base, type: MESSAGE_EVENT_TYPE, messageType };
  return [...routables, { eventId: messageEventId(source, messageId), event }];
}

function tasksOf(
  { parsedFrom: { source, provider } }: ClaimedTask,
  { run, happenedAt, receivedAt, events }: HandedOff,
  planner: TaskPlanner,
  now: Date,
  handlerId: string,
): NewTask[] {
  if (!run || !happenedAt) return [];
  const types = events.flatMap(({ type, late }) => (late || !isRunEventType(type) ? [] : [type]));
  return planner.tasksFor({ source, provider, run, happenedAt, receivedAt, types }, now, handlerId);
}

/** Returns the message's own event, without deliveries. It exists already if another handler wanted it when it was parsed. */
function messageEventOf({ parsedFrom }: ClaimedTask, parsed: HandedOff): NewEvent | undefined {
  const { occurredAt, receivedAt, run, messageType } = parsed;
  const { source, messageId } = parsedFrom;
  if (messageType === undefined || messageId === undefined) return undefined;
  const facts: EventFacts = { occurredAt, receivedAt, messageType, ...(run && { run }) };
  const id = messageEventId(source, messageId);
  return { id, type: MESSAGE_EVENT_TYPE, occurredAt, data: eventData(facts), deliveries: [] };
}

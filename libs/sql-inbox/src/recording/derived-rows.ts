import type { NewEvent, NewTask } from 'nestjs-runhooks/core';
import { deliveryRow, eventRow, type EventOrigin } from '../rows/insert-event.js';
import { taskRow } from '../tasks/insert-task.js';
import type { EntryRows } from './entry-access.js';

/** Returns the rows of events with their deliveries, and of tasks, that follow from one origin. */
export function derivedRows(
  { events, tasks = [] }: { readonly events: readonly NewEvent[]; readonly tasks?: readonly NewTask[] },
  origin: EventOrigin,
  now: Date,
): Pick<EntryRows, 'events' | 'deliveries' | 'tasks'> {
  const { source } = origin;
  return {
    events: events.map((event) => eventRow(event, origin, now)),
    deliveries: events.flatMap(({ id: eventId, deliveries }) =>
      deliveries.map((delivery) => deliveryRow(delivery, { eventId, source }, '', now)),
    ),
    tasks: tasks.map((task) => taskRow(task, origin)),
  };
}

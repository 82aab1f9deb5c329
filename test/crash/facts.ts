import type { RunEventType } from 'nestjs-runhooks/internal';
import type { Evidence } from './evidence.js';
import type { PlannedMessage, PlannedRun } from './run-plan.js';

/** Returns for each handler whether it must receive events of a type. */
export type Wanted = Readonly<Record<string, (type: RunEventType) => boolean>>;

export function keyOf({ source, key }: PlannedMessage): string {
  return `${source} ${key}`;
}

/**
 * Returns the fact stated by each event: a fact about its run, or, for a message's own event, about that message. Two
 * events with different ids can state the same fact.
 */
export function factsOf({ events, messages }: Evidence): Map<string, string> {
  const messageOf = new Map(messages.map((message) => [message.id, message]));
  return new Map(
    events.map(({ id, type, messageId }) => {
      const message = messageOf.get(messageId);
      if (!message) return [id, `${type} of no message`];
      return [id, type.startsWith('run.') ? `${type} ${message.run}` : `${type} ${message.source} ${message.key}`];
    }),
  );
}

/** Returns every fact that must exist, with the handlers that must have received it. */
export function expectedFacts(runs: readonly PlannedRun[], wanted: Wanted): Map<string, string[]> {
  const facts = new Map<string, string[]>();
  for (const { run, messages, types } of runs) {
    for (const type of types) {
      const handlers = Object.entries(wanted).flatMap(([id, wants]) => (wants(type) ? [id] : []));
      facts.set(`${type} ${run}`, handlers);
    }
    for (const message of messages) {
      if (message.messageType === 'job.run.completed') facts.set(`message.received ${keyOf(message)}`, ['message']);
    }
  }
  return facts;
}

export function groupBy<T>(items: readonly T[], keyOfItem: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOfItem(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

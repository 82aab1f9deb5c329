import type { Page, PageRequest, Store } from 'nestjs-runhooks/core';
import type { InboxModel } from './inbox-model.js';
import { same } from './same.js';
import { HANDLERS, SOURCES } from './script.js';

const MESSAGE_STATES = ['stored', 'parsed', 'test', 'unrecognized', 'quarantined', 'erased'] as const;
const DELIVERY_STATES = ['pending', 'succeeded', 'skipped', 'dead', 'dismissed'] as const;

/** Compares all lists, with every filter and in pages of every small size. */
export async function compareLists(store: Store, model: InboxModel): Promise<void> {
  const lists = [...messageLists(store, model), ...eventLists(store, model), ...deliveryLists(store, model)];
  for (const [index, { of, list, expected }] of lists.entries()) {
    const found = await allPages(list, 1 + (index % 3));
    same(found, expected, `the list of ${of}`);
  }
  const decisions = await allPages((page) => store.audit(page), 2);
  same([...decisions].sort(byIdDown), [...model.audit.values()].sort(byIdDown), 'the audit');
  for (const [id, { message }] of model.messages) {
    const found = await store.message(id);
    same([found?.headers, found?.body], [message.headers, message.body], `message ${id}`);
  }
  for (const id of model.deliveries.keys()) {
    const expected = (model.attempts.get(id) ?? []).map((attempt) => ({ deliveryId: id, durationMs: 5, ...attempt }));
    same(await store.attempts(id), expected, `the attempts of ${id}`);
  }
}

interface Listing {
  readonly of: string;
  list(page: PageRequest): Promise<Page<unknown>>;
  readonly expected: readonly unknown[];
}

/** Fields of every message that is not from an API. */
const RECEIVED = { origin: 'webhook', history: false } as const;

function messageLists(store: Store, model: InboxModel): Listing[] {
  const all = [...model.messages.values()]
    .map(({ message, state, reason, notes, messageType, idReused }) => {
      const { id, source, provider, messageKey, receivedAt } = message;
      return { id, source, provider, messageKey, receivedAt, state, reason, notes, messageType, idReused, ...RECEIVED };
    })
    .sort(byIdDown);
  const filters = [
    {},
    ...SOURCES.map((source) => ({ source })),
    ...MESSAGE_STATES.map((state) => ({ state })),
    { source: SOURCES[0], state: MESSAGE_STATES[1] },
  ];
  return filters.map((filter) => ({
    of: `messages ${JSON.stringify(filter)}`,
    list: (page) => store.messages(filter, page),
    expected: all.filter(fits(filter)),
  }));
}

function eventLists(store: Store, model: InboxModel): Listing[] {
  const all = [...model.events.values()]
    .map(({ event: { id, type, occurredAt, data }, messageId, recordedAt }) => {
      const { source, provider } = model.messages.get(messageId)!.message;
      return { id, type, source, provider, messageId, occurredAt, recordedAt: new Date(recordedAt), data };
    })
    .sort((a, b) => b.recordedAt.getTime() - a.recordedAt.getTime() || byIdDown(a, b));
  const filters = [
    {},
    ...SOURCES.map((source) => ({ source })),
    ...['run.failed', 'delivery.dead'].map((type) => ({ type })),
    ...[...model.messages.keys()].slice(0, 2).map((messageId) => ({ messageId })),
  ];
  const times = all.map(({ recordedAt }) => recordedAt);
  const [from, before] = [times.at(-2), times[0]];
  return [
    ...filters.map((filter) => ({
      of: `events ${JSON.stringify(filter)}`,
      list: (page: PageRequest) => store.events(filter, page),
      expected: all.filter(fits(filter)),
    })),
    {
      of: 'events by id',
      list: (page) => store.events({ ids: [...all.slice(1, 3).map(({ id }) => id), 'elsewhere'] }, page),
      expected: all.slice(1, 3),
    },
    {
      of: 'events by time',
      list: (page) =>
        store.events({ ...(from && { recordedFrom: from }), ...(before && { recordedBefore: before }) }, page),
      expected: all.filter(({ recordedAt }) => (!from || recordedAt >= from) && (!before || recordedAt < before)),
    },
  ];
}

function deliveryLists(store: Store, model: InboxModel): Listing[] {
  const all = [...model.deliveries.values()]
    .map(({ delivery: { id, handlerId }, eventId, state, attempts, replayId, dueAt, dismissal }) => {
      return {
        id,
        eventId,
        handlerId,
        state,
        attempts,
        replayId,
        dueAt: dueAt === undefined ? dueAt : new Date(dueAt),
        dismissal,
      };
    })
    .sort(byIdDown);
  const filters = [
    {},
    ...HANDLERS.map((handlerId) => ({ handlerId })),
    ...DELIVERY_STATES.map((state) => ({ state })),
    ...[...model.events.keys()].slice(0, 2).map((eventId) => ({ eventId })),
    { handlerId: HANDLERS[0], state: DELIVERY_STATES[0] },
  ];
  return filters.map((filter) => ({
    of: `deliveries ${JSON.stringify(filter)}`,
    list: (page) => store.deliveries(filter, page),
    expected: all.filter(fits(filter)),
  }));
}

async function allPages<T>(list: (page: PageRequest) => Promise<Page<T>>, limit: number): Promise<T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const page = await list({ limit, ...(after !== undefined && { after }) });
    if (page.items.length > limit) throw new Error(`a page of at most ${limit} has ${page.items.length} items`);
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}

function fits(filter: object): (item: object) => boolean {
  return (item) => Object.entries(filter).every(([name, value]) => (item as Record<string, unknown>)[name] === value);
}

function byIdDown(a: { readonly id: string }, b: { readonly id: string }): number {
  if (a.id === b.id) return 0;
  return a.id < b.id ? 1 : -1;
}

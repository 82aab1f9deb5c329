import { createHash } from 'node:crypto';
import type { NewEvent, Recording, Settlement, Store } from 'nestjs-runhooks/core';
import { decided } from '../decided.js';

/** A piece of an inbox's life: one transaction, in which all that is said at once shares the commit. */
export interface Chapter {
  readonly title: string;
  tell(store: Store): Promise<unknown>;
}

const START = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
const LEASE_MS = 1_000;
const HANDLERS = ['a', 'b', 'told'];

const at = (ms: number): Date => new Date(START + ms);
const idAt = (prefix: string, ms: number): string => `${prefix}_${(START + ms).toString(16).padStart(12, '0')}0000`;

function append(store: Store, number: number, copyOf = number): Promise<unknown> {
  const body = Buffer.from(`body ${copyOf}`);
  return store.append({
    id: idAt('msg', number),
    source: 'source',
    provider: 'provider',
    messageKey: `key ${copyOf % 2}`,
    digest: createHash('sha256').update(body).digest(),
    headers: { 'x-number': `${number}` },
    body,
    receivedAt: at(number),
  });
}

function event(type: string, number: number, handlers: readonly string[] = ['a', 'b']): NewEvent {
  const deliveries = handlers.map((handlerId, index) => ({
    id: idAt('dlv', 10 * number + index),
    handlerId,
    lane: `${handlerId} lane`,
  }));
  return { id: `${type}:source/1/1`, type, occurredAt: at(0), data: '{}', deliveries };
}

function read(number: number, lease: string, events: readonly NewEvent[]): Recording {
  return {
    messageId: idAt('msg', number),
    lease,
    state: 'parsed',
    messageType: 'type',
    handlers: ['a@1'],
    run: { source: 'source', accountId: '1', runId: '1' },
    decide: (known) => ({
      run: { jobKey: 'job', contradicted: false, types: [...(known.run?.types ?? []), 'run.started'] },
      events,
    }),
  };
}

function settle(store: Store, delivery: number, lease: string, next: Settlement['next'], ms = 0): Promise<unknown> {
  const times = { startedAt: at(ms), finishedAt: at(ms + 5) };
  const error = { name: 'Error', message: 'no', stack: '' };
  const { state } = next;
  const attempt =
    state === 'succeeded' || state === 'skipped'
      ? { ...times, outcome: state }
      : { ...times, outcome: 'failed' as const, error };
  return store.settle({ deliveryId: idAt('dlv', delivery), lease, attempt, next }, at(ms));
}

const claim = (ms: number, lease: string, limit = 10) => ({ now: at(ms), leaseMs: LEASE_MS, limit, lease });

/** From the first message to the last trace of it: every verb of a store, with ids and times that are always the same. */
export const LIFE: readonly Chapter[] = [
  {
    title: 'a process registers',
    tell: (store) =>
      store.register(
        {
          processId: 'process',
          role: 'both',
          label: 'host 1',
          startedAt: at(0),
          handlers: ['a', 'b'].map((id) => ({ id, version: `${id}@1`, subscriptions: '[]' })),
          lapsedBefore: at(-1),
          abandoned: [],
          missingBefore: at(-1),
          scope: { sources: ['source'], handlerIds: HANDLERS, taskHandlerIds: HANDLERS },
        },
        at(0),
      ),
  },
  {
    title: 'two messages and a copy are appended at once',
    tell: (store) => together([append(store, 1), append(store, 2, 1), append(store, 3)]),
  },
  { title: 'one more is appended', tell: (store) => append(store, 4) },
  {
    title: 'messages are claimed',
    tell: (store) => store.claimMessages({ ...claim(10, 'read-1'), sources: ['source'] }),
  },
  {
    title: 'two are read and one is quarantined',
    tell: (store) =>
      store.record(
        [
          read(1, 'read-1', [event('run.started', 1)]),
          read(3, 'read-1', [event('run.started', 2), event('run.failed', 3)]),
          {
            messageId: idAt('msg', 4),
            lease: 'read-1',
            state: 'quarantined',
            reason: 'no',
            decide: () => ({ events: [] }),
          },
        ],
        at(11),
      ),
  },
  {
    title: 'deliveries are claimed',
    tell: (store) => store.claimDeliveries({ ...claim(20, 'run-1'), handlerIds: HANDLERS }),
  },
  {
    title: 'their leases are renewed',
    tell: (store) =>
      store.renew(
        [10, 11].map((number) => ({ id: idAt('dlv', number), lease: 'run-1' })),
        { now: at(500), leaseMs: LEASE_MS },
      ),
  },
  {
    title: 'one succeeds, and one fails and is to be tried again',
    tell: (store) =>
      together([
        settle(store, 10, 'run-1', { state: 'succeeded' }, 600),
        settle(store, 11, 'run-1', { state: 'pending', dueAt: at(700) }, 600),
      ]),
  },
  {
    title: 'what is due is claimed',
    tell: (store) => store.claimDeliveries({ ...claim(800, 'run-2'), handlerIds: HANDLERS }),
  },
  {
    title: 'one is skipped, and one gives up and tells of it',
    tell: (store) =>
      together([
        settle(store, 30, 'run-2', { state: 'skipped' }, 900),
        settle(store, 11, 'run-2', { state: 'dead', event: event('delivery.dead', 5, ['told']) }, 900),
      ]),
  },
  { title: 'the dead letter is redriven', tell: (store) => store.redrive({}, decided({ id: 'redrive' }), at(1_000)) },
  {
    title: 'an event is replayed',
    tell: (store) =>
      store.replay(
        'again',
        [{ eventId: 'run.failed:source/1/1', deliveries: event('run.failed', 6).deliveries }],
        decided({ id: 'replay' }),
        at(1_100),
      ),
  },
  {
    title: 'the quarantined message is to be read again',
    tell: (store) =>
      store.reparse({ states: ['quarantined'], withoutHandlers: false }, decided({ id: 'reparse' }), at(1_200)),
  },
  {
    title: 'it is claimed',
    tell: (store) => store.claimMessages({ ...claim(1_300, 'read-2'), sources: ['source'] }),
  },
  {
    title: 'it is read',
    tell: (store) => store.record([read(4, 'read-2', [event('run.completed', 7)])], at(1_310)),
  },
  {
    title: 'one of the replayed is dismissed',
    tell: (store) => store.dismiss({ deliveryIds: [idAt('dlv', 61)] }, decided({ id: 'dismiss one' }), at(1_350)),
  },
  {
    title: 'all of a handler that nobody has is dismissed',
    tell: (store) => store.dismiss({ handlerId: 'told' }, decided({ id: 'dismiss all' }), at(1_360)),
  },
  ...[1_400, 2_400, 3_400].flatMap((ms, index): Chapter[] => [
    {
      title: `what is first in its lane is claimed, round ${index + 1}`,
      tell: (store) => store.claimDeliveries({ ...claim(ms, `run-${index + 3}`), handlerIds: HANDLERS }),
    },
    {
      title: `all of that succeeds, round ${index + 1}`,
      tell: (store) =>
        together(
          [10, 11, 30, 31, 50, 60, 61, 70, 71].map((number) =>
            settle(store, number, `run-${index + 3}`, { state: 'succeeded' }, ms + 1),
          ),
        ),
    },
  ]),
  {
    title: 'a message is erased',
    tell: (store) =>
      store.erase(
        { messageIds: [idAt('msg', 1)], eventIds: [], runs: [], texts: ['nowhere'] },
        decided({ id: 'erase' }),
        at(3_500),
      ),
  },
  { title: 'the process leaves', tell: (store) => store.deregister('process') },
  {
    title: 'all of it is purged',
    tell: (store) =>
      store.purge({
        settledBefore: at(DAY),
        deadBefore: at(DAY),
        keysBefore: at(DAY),
        tasksBefore: at(DAY),
        limit: 10,
      }),
  },
];

/** People look at it now and then. */
export const LOOKS: readonly Chapter[] = [
  { title: 'counts', tell: (store) => store.counts() },
  {
    title: 'next due',
    tell: (store) => store.nextDueAt({ sources: ['source'], handlerIds: HANDLERS, taskHandlerIds: HANDLERS }),
  },
  { title: 'messages', tell: (store) => store.messages({}, {}) },
  { title: 'a message', tell: (store) => store.message(idAt('msg', 1)) },
  { title: 'what operators decided', tell: (store) => store.audit({}) },
  { title: 'messages that hold a text', tell: (store) => store.messagesHolding(['body'], {}) },
  { title: 'events', tell: (store) => store.events({ source: 'source' }, {}) },
  { title: 'deliveries', tell: (store) => store.deliveries({ state: 'dead' }, {}) },
  { title: 'processes', tell: (store) => store.processes(at(0)) },
  { title: 'what is missingHandlers', tell: (store) => store.missingHandlers(at(0)) },
  { title: 'attempts', tell: (store) => store.attempts(idAt('dlv', 10)) },
];

/** Answers when all have answered, as a failure if any failed. */
async function together(words: readonly Promise<unknown>[]): Promise<unknown> {
  await Promise.allSettled(words);
  return Promise.all(words);
}

import { describe, expect, it } from '@jest/globals';
import type { Subscription } from '../handlers/subscription.js';
import { resolveHandlerOptions, type Handler } from '../handlers/handler.js';
import { HandlerSet } from '../handlers/handler-set.js';
import { IdSequence } from '../ids.js';
import { LIMITS } from '../limits.js';
import { restoreMessage } from '../sources/message.js';
import { MessageParser } from './message-parser.js';
import type { Provider, ParseResult } from '../sources/provider.js';
import { Router } from '../handlers/router.js';
import type { Run } from '../runs/run.js';
import type { OpenSource } from '../sources/source.js';
import { TaskPlanner } from '../tasks/task-planner.js';
import type { ClaimedMessage } from '../store/claim.js';

const NOW = new Date('2026-11-23T12:00:00.000Z');
const OCCURRED = new Date('2026-11-23T11:59:00.000Z');
const RUN: Run = {
  id: '7',
  status: 'failed',
  job: { key: 'job' },
  account: { id: '1' },
  trigger: { kind: 'schedule' },
};
const FAILED: ParseResult = {
  state: 'parsed',
  messageType: 'job.run.completed',
  payload: {},
  signal: { types: ['run.failed', 'run.completed'], occurredAt: OCCURRED, run: RUN },
};
const UNRECOGNIZED: ParseResult = {
  state: 'unrecognized',
  reason: 'no such type',
  messageType: 'job.run.paused',
  payload: {},
};

const ON_FAILED: Subscription = { on: { types: ['run.failed'] }, filter: {} };
const ON_MESSAGE: Subscription = { on: { provider: 'dbt-cloud' }, filter: {} };

function claimed(changes: Partial<ClaimedMessage> = {}): ClaimedMessage {
  const stored = restoreMessage({
    id: 'msg_1',
    source: 'dbt',
    provider: 'dbt-cloud',
    messageKey: 'wev_1',
    state: 'stored',
    body: Buffer.from('{"password":"hunter2"}'),
    headers: {},
    receivedAt: NOW,
  });
  return { ...stored, claims: 1, withoutHandlers: false, ...changes };
}

function parserOf(parse: () => unknown, ...subscriptions: Subscription[]): MessageParser {
  const provider = { name: 'dbt-cloud', parse } as unknown as Provider;
  const source: OpenSource = { name: 'dbt', paths: ['/webhooks/dbt'], bodyBytesMax: 1, provider };
  const handlers = new HandlerSet();
  const invoke = () => Promise.resolve();
  for (const [index, one] of subscriptions.entries()) {
    const handler: Handler = { ...resolveHandlerOptions(`h${index}`, {}), label: 'h', subscriptions: [one], invoke };
    handlers.add(handler);
  }
  return new MessageParser(
    new Map([['dbt', source]]),
    new Router(handlers, new IdSequence()),
    new TaskPlanner(handlers),
  );
}

const parse = (parser: MessageParser, message = claimed()) => parser.parse(message, 'lease', NOW);
const eventsOf = (parser: MessageParser, message?: ClaimedMessage) => parse(parser, message).decide({}).events;

describe('a message that was read', () => {
  it('has runs watched, unless it is read again quietly', () => {
    const started: ParseResult = { ...FAILED, signal: { ...FAILED.signal, types: ['run.started'] } };
    const parser = parserOf(() => started, { on: { stuck: { afterMs: 1 } }, filter: {} });
    const tasksOf = (withoutHandlers: boolean) => parse(parser, claimed({ withoutHandlers })).decide({}).tasks ?? [];
    expect(tasksOf(false)).toHaveLength(1);
    expect(tasksOf(true)).toEqual([]);
  });

  it('becomes its run events, in the order they happened, each with a delivery for who wants it', () => {
    const recording = parse(parserOf(() => FAILED, ON_FAILED));
    expect(recording).toMatchObject({
      messageId: 'msg_1',
      lease: 'lease',
      state: 'parsed',
      messageType: 'job.run.completed',
      run: { source: 'dbt', accountId: '1', runId: '7' },
    });
    expect(recording).not.toHaveProperty('reason');
    const { events, run } = recording.decide({});
    expect(events.map(({ id, occurredAt, deliveries }) => [id, occurredAt, deliveries.length])).toEqual([
      ['run.failed:dbt/1/7', OCCURRED, 1],
      ['run.completed:dbt/1/7', OCCURRED, 0],
    ]);
    expect(run).toMatchObject({ outcome: 'failed', types: ['run.failed', 'run.completed'] });
  });

  it('leaves out the events that its run has had', () => {
    const recording = parse(parserOf(() => FAILED));
    const known = { jobKey: 'job', contradicted: false, outcome: 'failed', types: ['run.failed'] } as const;
    expect(recording.decide({ run: known }).events.map(({ type }) => type)).toEqual(['run.completed']);
  });

  it('decides the same again when the store has to ask twice', () => {
    const recording = parse(parserOf(() => FAILED));
    expect(recording.decide({})).toEqual(recording.decide({}));
  });

  it('names the outcome that contradicts the one its run has had', () => {
    const known = { jobKey: 'job', contradicted: false, outcome: 'succeeded', types: [] } as const;
    const { events, contradicts } = parse(parserOf(() => FAILED)).decide({ run: known });
    expect(contradicts).toBe('failed');
    expect(events.map(({ type }) => type)).toEqual(['run.completed']);
  });

  it('runs no handlers if it is read again quietly, and records what it says', () => {
    const events = eventsOf(
      parserOf(() => FAILED, ON_FAILED, ON_MESSAGE),
      claimed({ withoutHandlers: true }),
    );
    expect(events.map(({ type, deliveries }) => [type, deliveries])).toEqual([
      ['run.failed', []],
      ['run.completed', []],
      // So that a replay can deliver it.
      ['message.received', []],
    ]);
  });
});

describe('what did not fit', () => {
  const note = { path: 'data.runStartedAt', expected: 'a time', found: 'a whole number' };
  const notesOf = (reading: unknown) => parse(parserOf(() => reading)).notes;

  it.each([
    ['parsed', FAILED],
    ['unrecognized', UNRECOGNIZED],
    ['a test', { state: 'test', reason: 'test button' }],
  ])('is recorded with a message that is %s', (_, reading) => {
    expect(notesOf({ ...reading, notes: [note, note] })).toEqual([note, note]);
    expect(parse(parserOf(() => reading))).not.toHaveProperty('notes');
    expect(parse(parserOf(() => ({ ...reading, notes: [] })))).not.toHaveProperty('notes');
  });

  it('is recorded bounded in number and size, with nothing in it that a log or a terminal trips over', () => {
    const long = { path: 'x'.repeat(100_000), expected: 'a\u202eb\n', found: '\u001b[2J\ud800' };
    const notes = notesOf({ ...FAILED, notes: Array.from({ length: 10_000 }, () => long) });
    expect(notes).toHaveLength(LIMITS.notesMax);
    expect(notes?.[0]).toEqual({ path: 'x'.repeat(LIMITS.noteCharsMax), expected: 'a?b?', found: '?[2J?' });
  });

  it.each([null, 'hunter2', {}, [null], [{ path: 1 }], [{ ...note, found: undefined }]])(
    'costs no event either where a provider tells it as %j',
    (notes) => {
      const recording = parse(parserOf(() => ({ ...FAILED, notes })));
      expect(recording).toMatchObject({ state: 'parsed' });
      expect(recording).not.toHaveProperty('notes');
    },
  );
});

describe('a message as an event of its own', () => {
  it('is made where a handler asks for it, also for a type that is not known', () => {
    for (const reading of [FAILED, UNRECOGNIZED]) {
      const event = eventsOf(parserOf(() => reading, ON_MESSAGE)).at(-1);
      expect(event).toMatchObject({ id: 'message.received:dbt/msg_1', type: 'message.received' });
      expect(event?.deliveries).toHaveLength(1);
    }
  });

  it.each([
    ['no handler asks for it', FAILED, [ON_FAILED]],
    [
      'handlers ask for other types of messages',
      UNRECOGNIZED,
      [{ on: { provider: 'dbt-cloud', messageType: 'x' }, filter: {} }],
    ],
    ['it is a test', { state: 'test', reason: 'test button' }, [ON_MESSAGE]],
    ['it cannot be read', { state: 'quarantined', reason: 'no runId' }, [ON_MESSAGE]],
  ] as const)('is not made where %s', (_, reading, subscriptions) => {
    const types = eventsOf(parserOf(() => reading, ...subscriptions)).map(({ type }) => type);
    expect(types).not.toContain('message.received');
  });

  it('happened when it was received, where it does not say when', () => {
    expect(eventsOf(parserOf(() => UNRECOGNIZED, ON_MESSAGE))[0]?.occurredAt).toEqual(NOW);
    expect(eventsOf(parserOf(() => FAILED, ON_MESSAGE)).at(-1)?.occurredAt).toEqual(OCCURRED);
  });
});

describe('a message that cannot be read', () => {
  const signalling = (odd: object) => ({ ...FAILED, signal: { ...FAILED.signal, ...odd } });
  const hostile: [string, () => unknown][] = [
    ['throws an error', () => thrower(new SyntaxError('found hunter2'))],
    ['throws undefined', () => thrower(undefined)],
    ['throws a text', () => thrower('hunter2')],
    ['throws an object whose properties throw', () => thrower(trap())],
    [
      'throws an error whose name throws',
      () => thrower(Object.defineProperty(new Error('hunter2'), 'name', { get: trap })),
    ],
    ['throws a revoked proxy', () => thrower(revokedProxy())],
    ['answers nothing', () => undefined],
    ['answers null', () => null],
    ['answers a text', () => 'hunter2'],
    ['answers an empty object', () => ({})],
    ['answers a promise', () => Promise.resolve(FAILED)],
    ['answers a state that is none', () => ({ state: 'hunter2', reason: 'hunter2' })],
    ['answers the state before reading', () => ({ state: 'stored' })],
    ['answers no reason', () => ({ state: 'quarantined' })],
    ['answers no signal', () => ({ state: 'parsed', messageType: 'x', payload: {} })],
    [
      'answers a run without an account',
      () => ({ ...FAILED, signal: { types: [], occurredAt: NOW, run: { id: '1' } } }),
    ],
    ['answers what no message can tell', () => signalling({ types: ['run.recovered'] })],
    ['answers a run that nothing has triggered', () => signalling({ run: { ...RUN, trigger: undefined } })],
    ['answers no time', () => signalling({ occurredAt: new Date(NaN) })],
    ['answers a start that is no time', () => signalling({ run: { ...RUN, startedAt: '2026-11-23T12:00:00Z' } })],
    ['answers an end at no time', () => signalling({ run: { ...RUN, finishedAt: new Date(NaN) } })],
    [
      'answers a type that no message can say alone',
      () => ({ ...FAILED, signal: { ...FAILED.signal, types: ['run.recovered'] } }),
    ],
    [
      'answers an id that cannot be part of an event id',
      () => ({ ...FAILED, signal: { ...FAILED.signal, run: { ...RUN, id: '\ud800' } } }),
    ],
    [
      'answers an event that only Runhooks derives',
      () => ({ ...FAILED, signal: { ...FAILED.signal, types: ['run.recovered'] } }),
    ],
    [
      'answers a run without a trigger',
      () => ({ ...FAILED, signal: { ...FAILED.signal, run: { ...RUN, trigger: undefined } } }),
    ],
    [
      'answers a time as a text',
      () => ({ ...FAILED, signal: { ...FAILED.signal, run: { ...RUN, startedAt: '2026-01-01' } } }),
    ],
    [
      'answers a time that is none',
      () => ({ ...FAILED, signal: { ...FAILED.signal, run: { ...RUN, finishedAt: new Date(Number.NaN) } } }),
    ],
  ];

  it.each(hostile)('is quarantined, without a word of what is in it, when its provider %s', (_, act) => {
    const recording = parse(parserOf(act, ON_MESSAGE));
    expect(recording).toMatchObject({ messageId: 'msg_1', lease: 'lease', state: 'quarantined' });
    expect(recording.reason).toContain('dbt-cloud');
    expect(recording.reason).not.toContain('hunter2');
    expect(recording.decide({})).toEqual({ events: [] });
  });

  it('is quarantined where its source is not configured in this process', () => {
    const { state, reason } = parse(
      parserOf(() => FAILED),
      claimed({ source: 'gone' }),
    );
    expect([state, reason]).toEqual(['quarantined', 'source "gone" is not configured in this process']);
  });

  it('is quarantined unread once it is given up, with no events', () => {
    const parser = parserOf(() => thrower(new Error('not to be read')), ON_MESSAGE);
    const recording = parser.giveUp(claimed({ claims: 6 }), 'lease', NOW);
    expect(recording).toMatchObject({ state: 'quarantined', reason: 'parsing was started 5 times and never finished' });
    expect(recording.decide({})).toEqual({ events: [] });
  });

  it.each(['quarantined', 'test', 'unrecognized'])(
    'is kept as %s with its reason, of which no more than is useful',
    (state) => {
      const reading = { ...UNRECOGNIZED, state, reason: 'x'.repeat(100_000) };
      expect(parse(parserOf(() => reading))).toMatchObject({ state, reason: 'x'.repeat(LIMITS.reasonCharsMax) });
    },
  );
});

function thrower(thrown: unknown): never {
  throw thrown;
}

function trap(): object {
  return Object.defineProperty({}, 'name', {
    get: () => thrower(new Error('not to be looked at')),
  });
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

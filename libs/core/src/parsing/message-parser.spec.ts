import { describe, expect, it } from '@jest/globals';
import type { Subscription } from '../handlers/subscription.js';
import { resolveHandlerOptions, type Handler, type HandlerOptions } from '../handlers/handler.js';
import { HandlerSet } from '../handlers/handler-set.js';
import { IdSequence } from '../ids.js';
import { LIMITS } from '../limits.js';
import { restoreMessage } from '../sources/message.js';
import { ReadyDeliveries } from '../deliveries/ready-deliveries.js';
import { MessageParser } from './message-parser.js';
import type { Provider, ParseResult } from '../sources/provider.js';
import { Router } from '../handlers/router.js';
import type { RunSignalType } from '../runs/run-signal.js';
import type { Run } from '../runs/run.js';
import type { OpenSource } from '../sources/source.js';
import { TaskPlanner } from '../tasks/task-planner.js';
import type { ClaimedMessage } from '../store/claim.js';
import type { Known } from '../store/recording.js';
import { LostClaims } from '../store/lost-claims.js';

const NOW = new Date('2026-11-23T12:00:00.000Z');
const OCCURRED = new Date('2026-11-23T11:59:00.000Z');
const RUN: Run = {
  id: '7',
  status: 'failed',
  job: { key: 'job' },
  account: { id: '1' },
  trigger: { kind: 'schedule' },
};
const FAILED: ParseResult & { readonly state: 'parsed' } = {
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

function parserOf(
  parse: () => unknown,
  ...given: readonly (Subscription | Pick<HandlerOptions, 'serialize'>)[]
): MessageParser {
  const options = Object.assign({}, ...given.filter((one) => 'serialize' in one)) as HandlerOptions;
  const subscriptions = given.filter((one) => 'on' in one);
  const provider = { name: 'dbt-cloud', parse, parseReported: parse } as unknown as Provider;
  const source: OpenSource = { name: 'dbt', paths: ['/webhooks/dbt'], bodyBytesMax: 1, provider };
  const handlers = new HandlerSet();
  const invoke = () => Promise.resolve();
  for (const [index, one] of subscriptions.entries()) {
    const handler: Handler = {
      ...resolveHandlerOptions(`h${index}`, options),
      label: 'h',
      subscriptions: [one],
      invoke,
    };
    handlers.add(handler);
  }
  const lost = new LostClaims({ store: {}, clock: { now: () => NOW }, lease: 'own', kind: 'deliveryIds' });
  return new MessageParser({
    sources: new Map([['dbt', source]]),
    router: new Router(handlers, new IdSequence()),
    planner: new TaskPlanner(handlers),
    ready: new ReadyDeliveries({ handlers, lease: 'own', max: 0, waitMs: 0, isPaused: () => false, lost }),
  });
}

const parse = (parser: MessageParser, message = claimed()) => parser.parse(message, 'lease', NOW);
const eventsOf = (parser: MessageParser, message?: ClaimedMessage) => parse(parser, message).decide({}).events;

describe('a parsed message', () => {
  it('has its run watched, unless it is reparsed without running handlers', () => {
    const started: ParseResult = { ...FAILED, signal: { ...FAILED.signal, types: ['run.started'] } };
    const parser = parserOf(() => started, { on: { stuck: { afterMs: 1 } }, filter: {} });
    const tasksOf = (withoutHandlers: boolean) => parse(parser, claimed({ withoutHandlers })).decide({}).tasks ?? [];
    expect(tasksOf(false)).toHaveLength(1);
    expect(tasksOf(true)).toEqual([]);
  });

  it('leads to run events in the order they happened, with a delivery for each handler that wants one', () => {
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

  it('leads to no event that its run already has', () => {
    const recording = parse(parserOf(() => FAILED));
    const known = { jobKey: 'job', contradicted: false, outcome: 'failed', types: ['run.failed'] } as const;
    expect(recording.decide({ run: known }).events.map(({ type }) => type)).toEqual(['run.completed']);
  });

  it('names its job by the key that its run keeps, in events, tasks and lanes, whatever key it reports', () => {
    const signal = { ...FAILED.signal, types: ['run.started', 'run.failed'], otherJobKeys: ['name'] } as const;
    const stuck: Subscription = { on: { stuck: { afterMs: 1 } }, filter: {} };
    const parser = parserOf(() => ({ ...FAILED, signal }), { serialize: 'job' }, ON_FAILED, ON_MESSAGE, stuck);
    const recording = parse(parser);
    expect([recording.job, recording.otherJobKeys]).toEqual([{ source: 'dbt', jobKey: 'job' }, ['name']]);
    const known = { jobKey: 'first', contradicted: false, types: [], origin: 'api' } as const;
    const { run, events, tasks } = recording.decide({ run: known, jobs: new Map([['first', { nameOnly: true }]]) });
    const keysOf = (one: { data: string }) => (JSON.parse(one.data) as { run: Run }).run.job.key;
    expect([run?.jobKey, ...events.map(keysOf), ...(tasks ?? []).map(keysOf)]).toEqual(Array(5).fill('first'));
    expect(events[1]?.deliveries[0]?.lane).toContain('"first"');
  });

  it('decides the same when the store calls decide twice', () => {
    const recording = parse(parserOf(() => FAILED));
    expect(recording.decide({})).toEqual(recording.decide({}));
  });

  it('reports an outcome that contradicts the outcome of its run', () => {
    const known = { jobKey: 'job', contradicted: false, outcome: 'succeeded', types: [] } as const;
    const { events, contradicts } = parse(parserOf(() => FAILED)).decide({ run: known });
    expect(contradicts).toBe('failed');
    expect(events.map(({ type }) => type)).toEqual(['run.completed']);
  });

  it('leads to events without deliveries when it is reparsed without running handlers', () => {
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

describe('a message about a retry', () => {
  const RETRIED = { jobKey: 'job', contradicted: false, types: [], retryOf: '5', rootRun: '4' } as const;
  const stuck: Subscription = { on: { stuck: { afterMs: 1 } }, filter: {} };

  function runsOf(
    run: Run,
    known: Known,
    types: RunSignalType[] = ['run.started', 'run.failed', 'run.completed'],
  ): Run[] {
    const parser = parserOf(() => ({ ...FAILED, signal: { ...FAILED.signal, types, run } }), ON_MESSAGE, stuck);
    const { events, tasks = [] } = parse(parser).decide(known);
    expect([events.length, tasks.length]).toEqual([types.length + 1, types.includes('run.started') ? 1 : 0]);
    return [...events, ...tasks].map(({ data }) => (JSON.parse(data) as { run: Run }).run);
  }

  it('names the retried run and the root run in each event and task', () => {
    for (const run of runsOf(RUN, { run: RETRIED })) expect(run).toEqual({ ...RUN, retryOf: '5', rootRun: '4' });
    for (const run of runsOf(RUN, { run: RETRIED }, ['run.failed'])) expect(run).toMatchObject({ retryOf: '5' });
  });

  it('names only the retried run if no action of Runhooks has started it', () => {
    const { rootRun: _, ...known } = RETRIED;
    for (const run of runsOf(RUN, { run: known })) expect(run).toEqual({ ...RUN, retryOf: '5' });
  });

  it('keeps the retried run that the message itself reports', () => {
    for (const run of runsOf({ ...RUN, retryOf: '6' }, { run: RETRIED })) {
      expect(run).toEqual({ ...RUN, retryOf: '6', rootRun: '4' });
    }
  });

  it('changes no event of a run that is no retry', () => {
    const { retryOf, rootRun, ...known } = RETRIED;
    expect([retryOf, rootRun]).toEqual(['5', '4']);
    for (const run of runsOf(RUN, { run: known })) expect(run).toEqual(RUN);
    for (const run of runsOf(RUN, {})) expect(run).toEqual(RUN);
  });

  it('names its job by the key that its run keeps, too', () => {
    const known = {
      run: { ...RETRIED, jobKey: 'first', origin: 'api' as const },
      jobs: new Map([['first', { nameOnly: true as const }]]),
    };
    for (const run of runsOf(RUN, known))
      expect(run).toEqual({ ...RUN, job: { key: 'first' }, retryOf: '5', rootRun: '4' });
  });
});

describe('a message about a run whose reason begins with a mark', () => {
  const mark = 'runhooks:0123456789abcdef';
  const markOf = (reason: string | undefined, message = claimed()): string | undefined => {
    const trigger = { kind: 'api', ...(reason !== undefined && { reason }) } as const;
    const parser = parserOf(() => ({ ...FAILED, signal: { ...FAILED.signal, run: { ...RUN, trigger } } }));
    return parse(parser, message).decide({}).actionMark;
  };

  it('answers the action with this mark', () => {
    expect(markOf(`${mark} run.failed of job 7`)).toBe(mark);
    expect(markOf(mark, claimed({ origin: 'api' }))).toBe(mark);
  });

  it.each([undefined, '', 'scheduled', `by ${mark}`, 'runhooks:0123456789abcde', `${mark}0`, mark.toUpperCase()])(
    'answers none with the reason %j',
    (reason) => {
      expect(markOf(reason)).toBeUndefined();
    },
  );

  it('answers none if it is history', () => {
    expect(markOf(mark, claimed({ origin: 'api', history: true }))).toBeUndefined();
  });
});

describe('the notes of a message', () => {
  const note = { path: 'data.runStartedAt', expected: 'a time', found: 'a whole number' };
  const notesOf = (result: unknown) => parse(parserOf(() => result)).notes;

  it.each([
    ['parsed', FAILED],
    ['unrecognized', UNRECOGNIZED],
    ['test', { state: 'test', reason: 'test button' }],
  ])('are recorded in the state %s', (_, result) => {
    expect(notesOf({ ...result, notes: [note, note] })).toEqual([note, note]);
    expect(parse(parserOf(() => result))).not.toHaveProperty('notes');
    expect(parse(parserOf(() => ({ ...result, notes: [] })))).not.toHaveProperty('notes');
  });

  it('are limited in number and length, and contain no control characters', () => {
    const long = { path: 'x'.repeat(100_000), expected: 'a\u202eb\n', found: '\u001b[2J\ud800' };
    const notes = notesOf({ ...FAILED, notes: Array.from({ length: 10_000 }, () => long) });
    expect(notes).toHaveLength(LIMITS.notesMax);
    expect(notes?.[0]).toEqual({ path: 'x'.repeat(LIMITS.noteCharsMax), expected: 'a?b?', found: '?[2J?' });
  });

  it.each([null, 'hunter2', {}, [null], [{ path: 1 }], [{ ...note, found: undefined }]])(
    'are dropped when the provider returns %j',
    (notes) => {
      const recording = parse(parserOf(() => ({ ...FAILED, notes })));
      expect(recording).toMatchObject({ state: 'parsed' });
      expect(recording).not.toHaveProperty('notes');
    },
  );
});

describe('the event message.received', () => {
  it('is created when a handler wants it, even for an unrecognized type', () => {
    for (const result of [FAILED, UNRECOGNIZED]) {
      const event = eventsOf(parserOf(() => result, ON_MESSAGE)).at(-1);
      expect(event).toMatchObject({ id: 'message.received:dbt/msg_1', type: 'message.received' });
      expect(event?.deliveries).toHaveLength(1);
    }
  });

  it.each([
    ['no handler wants it', FAILED, [ON_FAILED]],
    [
      'handlers want other types of messages',
      UNRECOGNIZED,
      [{ on: { provider: 'dbt-cloud', messageType: 'x' }, filter: {} }],
    ],
    ['the message is a test', { state: 'test', reason: 'test button' }, [ON_MESSAGE]],
    ['the message cannot be parsed', { state: 'quarantined', reason: 'no runId' }, [ON_MESSAGE]],
  ] as const)('is not created when %s', (_, result, subscriptions) => {
    const types = eventsOf(parserOf(() => result, ...subscriptions)).map(({ type }) => type);
    expect(types).not.toContain('message.received');
  });

  it('occurred when the message was received, if the message contains no time', () => {
    expect(eventsOf(parserOf(() => UNRECOGNIZED, ON_MESSAGE))[0]?.occurredAt).toEqual(NOW);
    expect(eventsOf(parserOf(() => FAILED, ON_MESSAGE)).at(-1)?.occurredAt).toEqual(OCCURRED);
  });
});

describe('a message that cannot be parsed', () => {
  const signalling = (odd: object) => ({ ...FAILED, signal: { ...FAILED.signal, ...odd } });
  const hostile: [string, () => unknown][] = [
    ['throws an error', () => thrower(new SyntaxError('found hunter2'))],
    ['throws undefined', () => thrower(undefined)],
    ['throws a string', () => thrower('hunter2')],
    ['throws an object whose properties throw', () => thrower(trap())],
    [
      'throws an error whose name throws',
      () => thrower(Object.defineProperty(new Error('hunter2'), 'name', { get: trap })),
    ],
    ['throws a revoked proxy', () => thrower(revokedProxy())],
    ['returns undefined', () => undefined],
    ['returns null', () => null],
    ['returns a string', () => 'hunter2'],
    ['returns an empty object', () => ({})],
    ['returns a promise', () => Promise.resolve(FAILED)],
    ['returns an invalid state', () => ({ state: 'hunter2', reason: 'hunter2' })],
    ['returns the state stored', () => ({ state: 'stored' })],
    ['returns no reason', () => ({ state: 'quarantined' })],
    ['returns no signal', () => ({ state: 'parsed', messageType: 'x', payload: {} })],
    [
      'returns a run without an account',
      () => ({ ...FAILED, signal: { types: [], occurredAt: NOW, run: { id: '1' } } }),
    ],
    ['returns an event type that only Runhooks derives', () => signalling({ types: ['run.recovered'] })],
    ['returns a run without a trigger', () => signalling({ run: { ...RUN, trigger: undefined } })],
    ['returns other job keys that are no array', () => signalling({ otherJobKeys: 'name' })],
    ['returns another job key that is no string', () => signalling({ otherJobKeys: [7] })],
    ['returns an invalid time', () => signalling({ occurredAt: new Date(NaN) })],
    ['returns a start as a string', () => signalling({ run: { ...RUN, startedAt: '2026-11-23T12:00:00Z' } })],
    ['returns an invalid end', () => signalling({ run: { ...RUN, finishedAt: new Date(NaN) } })],
    [
      'returns an id that cannot be part of an event id',
      () => ({ ...FAILED, signal: { ...FAILED.signal, run: { ...RUN, id: '\ud800' } } }),
    ],
  ];

  it.each(hostile)('is quarantined without any of its content when its provider %s', (_, act) => {
    const recording = parse(parserOf(act, ON_MESSAGE));
    expect(recording).toMatchObject({ messageId: 'msg_1', lease: 'lease', state: 'quarantined' });
    expect(recording.reason).toContain('dbt-cloud');
    expect(recording.reason).not.toContain('hunter2');
    expect(recording.decide({})).toEqual({ events: [] });
  });

  it('is quarantined when its source is not configured in this process', () => {
    const { state, reason } = parse(
      parserOf(() => FAILED),
      claimed({ source: 'gone' }),
    );
    expect([state, reason]).toEqual(['quarantined', 'source "gone" is not configured in this process']);
  });

  it('is quarantined without parsing and without events when it is given up', () => {
    const parser = parserOf(() => thrower(new Error('must not be called')), ON_MESSAGE);
    const recording = parser.giveUp(claimed({ claims: 6 }), 'lease', NOW);
    expect(recording).toMatchObject({ state: 'quarantined', reason: 'parsing was started 5 times and never finished' });
    expect(recording.decide({})).toEqual({ events: [] });
  });

  it.each(['quarantined', 'test', 'unrecognized'])(
    'is kept in the state %s with a reason of limited length',
    (state) => {
      const result = { ...UNRECOGNIZED, state, reason: 'x'.repeat(100_000) };
      expect(parse(parserOf(() => result))).toMatchObject({ state, reason: 'x'.repeat(LIMITS.reasonCharsMax) });
    },
  );
});

function thrower(thrown: unknown): never {
  throw thrown;
}

function trap(): object {
  return Object.defineProperty({}, 'name', {
    get: () => thrower(new Error('must not be read')),
  });
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

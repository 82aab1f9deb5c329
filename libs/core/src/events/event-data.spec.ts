import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Run } from '../runs/run.js';
import { restoreMessage, type VerifiedMessage } from '../sources/message.js';
import type { ParseResult } from '../sources/provider.js';
import type { StoredEvent } from './event-data.js';
import {
  eventData,
  eventFacts,
  PayloadUnavailableError,
  restoreEvent,
  runEventId,
  type EventFacts,
} from './event-data.js';
import type { RunEvent } from './event.js';

const TIME = new Date('2026-11-23T12:00:00.123Z');
const RUN: Run = {
  id: '7',
  status: 'failed',
  job: { key: 'job' },
  account: { id: '1' },
  trigger: { kind: 'schedule' },
};

describe('runEventId', () => {
  it('consists of the type, the source, the account and the run', () => {
    expect(runEventId('run.failed', { source: 'dbt', accountId: '43786', runId: '218726483' })).toBe(
      'run.failed:dbt/43786/218726483',
    );
  });

  it('differs between runs with any ids', () => {
    const hostile = fc.oneof(
      fc.constantFrom('', '/', '%2F', '%', '..', 'a/b', 'a', 'b', ':', ' ', '\0', 'é', '😀', '__proto__'),
      fc.string({ unit: 'binary' }),
    );
    const key = fc.record({
      type: fc.constantFrom('run.failed', 'run.started'),
      source: fc.constantFrom('dbt', 'd'),
      accountId: hostile,
      runId: hostile,
    });
    fc.assert(
      fc.property(key, key, ({ type, ...one }, { type: otherType, ...other }) => {
        const same = type === otherType && JSON.stringify(one) === JSON.stringify(other);
        expect(runEventId(type, one) === runEventId(otherType, other)).toBe(same);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the data of an event', () => {
  // Every code unit, lone surrogates and NUL included; times that look like text, and texts that look like times.
  const text = fc.oneof(
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
    fc.constantFrom('\0', '\ud800', '\udc00x', '2026-11-23T12:00:00.000Z', '__proto__', '\u2028'),
  );
  const date = fc.date({ noInvalidDate: true });
  const status = fc.constantFrom('failed' as const, 'unknown' as const);
  const reference = fc.record({ id: text, name: text }, { requiredKeys: [] });
  const command = fc.record(
    {
      id: text,
      command: text,
      status,
      returnCode: fc.integer(),
      startedAt: date,
      finishedAt: date,
      resources: fc.array(fc.record({ id: text, path: text }), { maxLength: 2 }),
    },
    { requiredKeys: ['id', 'command', 'status', 'resources'] },
  );
  const run = fc.record(
    {
      id: text,
      url: text,
      status,
      providerStatus: text,
      statusMessage: text,
      job: fc.record({ id: text, name: text, key: text }),
      account: fc.record({ id: text, name: text }),
      project: reference,
      environment: reference,
      trigger: fc.record({ kind: fc.constant('api' as const), reason: text }),
      startedAt: date,
      finishedAt: date,
      durationMs: fc.nat(),
      commands: fc.array(command, { maxLength: 3 }),
    },
    { requiredKeys: ['id', 'status', 'job', 'account', 'trigger'] },
  );
  const facts = fc.record(
    {
      occurredAt: date,
      receivedAt: date,
      run,
      messageType: text,
      deadLetter: fc.record({
        deliveryId: text,
        handlerId: text,
        eventId: text,
        eventType: text,
        attempts: fc.nat(),
        error: fc.record({ name: text, message: text }),
      }),
    },
    { requiredKeys: ['occurredAt', 'receivedAt'] },
  ) as fc.Arbitrary<EventFacts>;

  it('is restored as it was stored, with times as dates', () => {
    fc.assert(
      fc.property(facts, (one) => expect(eventFacts(eventData(one))).toEqual(one)),
      { numRuns: 300 },
    );
  });

  it('is the same with the text of its run, which several events share', () => {
    fc.assert(
      fc.property(facts, (one) => {
        const runText = one.run && JSON.stringify(one.run);
        expect(eventFacts(eventData(one, runText))).toEqual(one);
      }),
      { numRuns: 300 },
    );
  });

  it('survives encoding as UTF-8', () => {
    fc.assert(
      fc.property(facts, (one) => {
        const data = eventData(one);
        expect(Buffer.from(data, 'utf8').toString('utf8')).toBe(data);
        expect(data).not.toContain('\0');
      }),
    );
  });
});

describe('restoreEvent', () => {
  const stored: StoredEvent = {
    id: 'run.failed:dbt/1/7',
    type: 'run.failed',
    provider: 'dbt-cloud',
    source: 'dbt',
    messageId: 'msg_1',
    data: eventData({ occurredAt: TIME, receivedAt: TIME, run: RUN }),
  };
  const message: VerifiedMessage = restoreMessage({
    id: 'msg_1',
    source: 'dbt',
    provider: 'dbt-cloud',
    messageKey: '',
    state: 'parsed',
    body: Buffer.from('{"secret":"s3cret"}'),
    headers: {},
    receivedAt: TIME,
  });
  const parsed = (payload: object): ParseResult => ({
    state: 'parsed',
    messageType: 'job.run.errored',
    payload,
    signal: { types: [], occurredAt: TIME, run: RUN },
  });

  it('has all stored fields', () => {
    expect(restoreEvent(stored, message, () => parsed({}))).toMatchObject({
      id: 'run.failed:dbt/1/7',
      type: 'run.failed',
      provider: 'dbt-cloud',
      source: 'dbt',
      messageId: 'msg_1',
      occurredAt: TIME,
      receivedAt: TIME,
      run: RUN,
    });
  });

  it('has neither a payload nor a message id if the event follows from no message', () => {
    const { messageId, ...alone } = stored;
    const event = restoreEvent(alone, undefined, undefined);
    expect(event).toMatchObject({ id: 'run.failed:dbt/1/7', type: 'run.failed', run: RUN });
    expect(messageId).toBe('msg_1');
    expect('messageId' in event || 'payload' in event).toBe(false);
  });

  it('parses the payload once, at its first use', () => {
    let calls = 0;
    const payload = { runStatus: 'Errored' };
    const event = restoreEvent(stored, message, () => {
      calls += 1;
      return parsed(payload);
    }) as RunEvent;
    expect(calls).toBe(0);
    expect(event.payload).toBe(payload);
    expect(event.payload).toBe(payload);
    expect(calls).toBe(1);
  });

  it('has the payload of a message of an unrecognized type', () => {
    const unknown: ParseResult = {
      state: 'unrecognized',
      reason: 'no such type',
      messageType: 'new',
      payload: { new: true },
    };
    expect(restoreEvent(stored, message, () => unknown).payload).toEqual({ new: true });
  });

  it.each([
    ['its source is no longer configured', undefined, 'source "dbt", which is not configured'],
    [
      'it is quarantined now',
      (): ParseResult => ({ state: 'quarantined', reason: 'no runId' }),
      'quarantined: no runId',
    ],
    ['it is a test now', (): ParseResult => ({ state: 'test', reason: 'in testRunIds' }), 'test: in testRunIds'],
  ])('throws a reason with event and message, but without the body, if %s', (_, parse, found) => {
    const event = restoreEvent(stored, message, parse);
    const payload = () => event.payload;
    expect(payload).toThrow(PayloadUnavailableError);
    expect(payload).toThrow(found);
    expect(payload).toThrow(/run\.failed:dbt\/1\/7.*msg_1/);
    expect(payload).not.toThrow('s3cret');
  });
});

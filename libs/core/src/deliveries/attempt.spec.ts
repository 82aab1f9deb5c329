import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { runInNewContext } from 'node:vm';
import { HandlerTimeoutError, LeaseLostError, PermanentError, ShutdownError } from '../errors.js';
import type { WebhookEvent } from '../events/event.js';
import type { DeliveryContext, Handler, HandlerOptions, InboxTransaction } from '../handlers/handler.js';
import { resolveHandlerOptions } from '../handlers/handler.js';
import type { Subscription } from '../handlers/subscription.js';
import { LIMITS } from '../limits.js';
import { restoreMessage } from '../sources/message.js';
import type { ClaimedDelivery } from '../store/claim.js';
import { attemptError } from '../thrown.js';
import { Attempt, attemptRecord, type AttemptOptions } from './attempt.js';

const START = new Date('2026-11-23T12:00:00.000Z');
/** Longer than any test may take. */
const FOR_EVER = 60_000;
const EVENT = { id: 'run.failed:dbt/1/7', type: 'run.failed', provider: 'dbt-cloud', source: 'dbt' } as WebhookEvent;
const ON_FAILED: Subscription = { on: { types: ['run.failed'] }, filter: {} };

interface Setup extends HandlerOptions {
  readonly delivery?: Partial<ClaimedDelivery>;
  readonly subscriptions?: readonly Subscription[];
  readonly restore?: () => WebhookEvent;
  readonly graceMs?: number;
  readonly complete?: AttemptOptions['complete'];
}

const NO_TRANSACTION: InboxTransaction = { query: () => Promise.reject(new Error('there is no database here')) };

function attempt(invoke: Handler['invoke'], setup: Setup = {}): Attempt {
  const { delivery, subscriptions = [ON_FAILED], restore = () => EVENT, ...rest } = setup;
  const { graceMs = FOR_EVER, complete = (_, work) => work(NO_TRANSACTION).then(() => undefined), ...options } = rest;
  const handler = { ...resolveHandlerOptions('OnCall.page', options), label: 'OnCall.page', subscriptions, invoke };
  return new Attempt({
    delivery: { ...claimed(), ...delivery },
    handler,
    restore,
    startedAt: START,
    graceMs,
    complete,
  });
}

function claimed(): ClaimedDelivery {
  return {
    id: 'dlv_1',
    handlerId: 'OnCall.page',
    attempt: 1,
    attemptsBefore: 0,
    replayId: '',
    lease: 'lease',
    event: { id: EVENT.id, type: EVENT.type, provider: 'dbt-cloud', source: 'dbt', messageId: 'msg_1', data: '{}' },
    message: restoreMessage({
      id: 'msg_1',
      source: 'dbt',
      provider: 'dbt-cloud',
      messageKey: '',
      state: 'parsed',
      body: Buffer.alloc(0),
      headers: {},
      receivedAt: START,
    }),
  };
}

/** Resolves when its signal is aborted. */
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** A promise to be settled by the test. */
function held() {
  let release = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { promise, release };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = {};
  return (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, pending))])) === pending;
}

afterEach(() => {
  jest.useRealTimers();
});

describe('an attempt', () => {
  it('gives the handler its event and what it may know of the delivery', async () => {
    const seen: [WebhookEvent, DeliveryContext][] = [];
    const one = attempt((...args) => Promise.resolve(void seen.push(args)), { delivery: { attempt: 3 } });
    expect(await one.ended).toEqual({ outcome: 'succeeded' });
    await one.settled;
    expect(seen).toHaveLength(1);
    const [event, { signal, completeWith, ...delivery }] = seen[0]!;
    expect(event).toBe(EVENT);
    expect(completeWith).toBeInstanceOf(Function);
    expect(delivery).toEqual({
      id: 'dlv_1',
      handlerId: 'OnCall.page',
      attempt: 3,
      eventId: EVENT.id,
      messageId: 'msg_1',
      isReplay: false,
    });
    expect(signal.aborted).toBe(false);
    expect(one.abortedBy).toBeUndefined();
  });

  it('tells the handler of a replay', async () => {
    let isReplay: boolean | undefined;
    const note = (_: WebhookEvent, delivery: DeliveryContext) => Promise.resolve(void (isReplay = delivery.isReplay));
    await attempt(note, { delivery: { replayId: 'again' } }).ended;
    expect(isReplay).toBe(true);
  });

  it.each([
    ['an error', new Error('no')],
    ['undefined', undefined],
    ['null', null],
    ['a text', 'no'],
    ['an object whose properties throw', trap],
  ])('fails with exactly what the handler throws, at once or later: %s', async (_, make) => {
    const thrown = typeof make === 'function' ? make() : make;
    const atOnce = attempt(() => {
      throw thrown;
    });
    const later = attempt(() => Promise.reject(thrown));
    for (const one of [atOnce, later]) {
      const result = await one.ended;
      expect(result.outcome).toBe('failed');
      expect(result.outcome === 'failed' && result.thrown === thrown).toBe(true);
      await one.settled;
    }
  });

  it('fails if its event cannot be restored, without running the handler', async () => {
    let ran = false;
    const broken = new SyntaxError('no JSON');
    const restore = () => {
      throw broken;
    };
    const one = attempt(() => Promise.resolve(void (ran = true)), { restore });
    expect(await one.ended).toEqual({ outcome: 'failed', thrown: broken });
    expect(ran).toBe(false);
  });

  it('leaves no timer behind', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    const one = attempt(() => Promise.resolve());
    await one.ended;
    expect(jest.getTimerCount()).toBe(0);
    one.abort(new LeaseLostError('dlv_1'), FOR_EVER);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('an attempt with `when`', () => {
  const when = (answer: () => unknown): Subscription => ({ ...ON_FAILED, when: answer as () => boolean });
  const elsewhere: Subscription = { on: { types: ['run.started'] }, filter: {}, when: () => true };

  it.each([
    ['one that says yes', [when(() => true)], 'succeeded'],
    ['one that says no', [when(() => false)], 'skipped'],
    ['one that says yes later', [when(() => Promise.resolve(true))], 'succeeded'],
    ['one that says no later', [when(() => Promise.resolve(false))], 'skipped'],
    ['one that says nothing', [when(() => undefined)], 'skipped'],
    ['a no and a yes', [when(() => false), when(() => true)], 'succeeded'],
    ['a no, beside a subscription without one', [when(() => false), ON_FAILED], 'succeeded'],
    ['a no, and a yes for other events', [when(() => false), elsewhere], 'skipped'],
    ['none any more that wants the event', [elsewhere], 'succeeded'],
  ] as const)('%s: %s', async (_, subscriptions, outcome) => {
    let ran = 0;
    const result = await attempt(() => Promise.resolve(void (ran += 1)), { subscriptions }).ended;
    expect(result).toEqual({ outcome });
    expect(ran).toBe(outcome === 'succeeded' ? 1 : 0);
  });

  it.each([
    ['throws', () => thrower('no')],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('fails, to be tried again, if it %s', async (_, answer) => {
    const result = await attempt(() => Promise.resolve(), { subscriptions: [when(answer)] }).ended;
    expect(result.outcome).toBe('failed');
  });

  it('is timed like the handler itself', async () => {
    const never = when(() => new Promise(() => undefined));
    const one = attempt(() => Promise.resolve(), { subscriptions: [never], timeoutMs: 1, graceMs: 1 });
    expect(await one.ended).toMatchObject({ outcome: 'failed', thrown: expect.any(HandlerTimeoutError) as unknown });
  });
});

describe('an attempt whose time is up', () => {
  it('aborts the signal with a HandlerTimeoutError, and succeeds if the handler still does within the grace', async () => {
    const one = attempt(async (_, { signal }) => aborted(signal), { timeoutMs: 1 });
    expect(await one.ended).toEqual({ outcome: 'succeeded' });
    expect(one.abortedBy).toBeInstanceOf(HandlerTimeoutError);
  });

  it('fails with what the handler throws within the grace', async () => {
    const stopped = new Error('fetch was aborted');
    const stop = async (_: WebhookEvent, { signal }: DeliveryContext) => {
      await aborted(signal);
      throw stopped;
    };
    expect(await attempt(stop, { timeoutMs: 1 }).ended).toEqual({ outcome: 'failed', thrown: stopped });
  });

  it('ends after the grace if the handler never returns, and is not settled before the handler is', async () => {
    const { promise, release } = held();
    const one = attempt(() => promise, { timeoutMs: 1, graceMs: 1 });
    expect(await one.ended).toMatchObject({ outcome: 'failed', thrown: expect.any(HandlerTimeoutError) as unknown });
    expect(await isPending(one.settled)).toBe(true);
    release();
    await one.settled;
  });

  it('does not end before its time and the whole grace are over', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    const one = attempt(() => new Promise(() => undefined), { timeoutMs: 1_000, graceMs: 500 });
    await jest.advanceTimersByTimeAsync(999);
    expect(one.abortedBy).toBeUndefined();
    await jest.advanceTimersByTimeAsync(500);
    expect(one.abortedBy).toBeInstanceOf(HandlerTimeoutError);
    expect(await isPending(one.ended)).toBe(true);
    await jest.advanceTimersByTimeAsync(1);
    expect(await isPending(one.ended)).toBe(false);
  });

  it('is over, whatever the handler that would not stop throws in the end', async () => {
    const { promise, release } = held();
    const one = attempt(() => promise.then(() => thrower(undefined)), { timeoutMs: 1, graceMs: 1 });
    const result = await one.ended;
    release();
    await one.settled;
    expect(await one.ended).toBe(result);
  });

  it('runs on before that', async () => {
    const { promise, release } = held();
    const one = attempt(() => promise, { timeoutMs: FOR_EVER });
    expect(await isPending(one.ended)).toBe(true);
    release();
    expect(await one.ended).toEqual({ outcome: 'succeeded' });
  });
});

describe('an attempt that is aborted', () => {
  const never = () => new Promise<void>(() => undefined);

  it('tells the handler why', async () => {
    let reason: unknown;
    const one = attempt((_, { signal }) => aborted(signal).then(() => void (reason = signal.reason)));
    const shutdown = new ShutdownError();
    await isPending(one.ended);
    one.abort(shutdown, FOR_EVER);
    await one.ended;
    expect(reason).toBe(shutdown);
    expect(one.abortedBy).toBe(shutdown);
  });

  it('ends with the first reason, though aborted again for another', async () => {
    const one = attempt(never);
    const first = new LeaseLostError('dlv_1');
    one.abort(first, FOR_EVER);
    one.abort(new ShutdownError(), 1);
    expect(await one.ended).toEqual({ outcome: 'failed', thrown: first });
  });

  it.each([
    ['the first abort left', [1, FOR_EVER]],
    ['a later abort left', [FOR_EVER, 1]],
    ['the shortest abort left', [FOR_EVER, 1, FOR_EVER]],
  ])('ends when the grace that %s is over: no later abort makes it longer', async (_, graces) => {
    const one = attempt(never);
    for (const graceMs of graces) one.abort(new ShutdownError(), graceMs);
    expect(await one.ended).toMatchObject({ outcome: 'failed' });
  });

  it('gets no longer grace because its time is up as well', async () => {
    const one = attempt(never, { timeoutMs: 1, graceMs: FOR_EVER });
    one.abort(new ShutdownError(), 20);
    expect(await one.ended).toMatchObject({ outcome: 'failed', thrown: expect.any(ShutdownError) as unknown });
  });
});

describe('attemptError', () => {
  const error = new PermanentError('no such ticket');

  it.each([
    ['an error', error, 'PermanentError', 'no such ticket'],
    ['an error with a name of its own', Object.assign(new Error('no'), { name: 'Odd' }), 'Odd', 'no'],
    ['an error of another realm', runInNewContext('new TypeError("no")'), 'TypeError', 'no'],
    ['an error without a stack', Object.assign(new Error('no'), { stack: undefined }), 'Error', 'no'],
    ['an error whose message is none', Object.assign(new Error('no'), { message: 5 }), 'Error', '5'],
    ['undefined', undefined, 'undefined', 'a value that is not an error was thrown: undefined'],
    ['null', null, 'object', 'a value that is not an error was thrown: null'],
    ['a text', 'no', 'string', 'a value that is not an error was thrown: no'],
    ['a number', Number.NaN, 'number', 'a value that is not an error was thrown: NaN'],
    ['a bigint', 5n, 'bigint', 'a value that is not an error was thrown: 5'],
    ['a symbol', Symbol('no'), 'symbol', 'a value that is not an error was thrown: Symbol(no)'],
    ['a promise', Promise.resolve(), 'object', 'a value that is not an error was thrown: [object Promise]'],
    ['an object without a prototype', Object.create(null), 'object', 'a value that cannot be shown was thrown'],
    [
      'an object that will not be a text',
      { toString: () => ({}) },
      'object',
      'a value that cannot be shown was thrown',
    ],
    ['an error whose properties throw', trap, 'object', 'a value that cannot be shown was thrown'],
    ['a revoked proxy', revokedProxy, 'object', 'a value that cannot be shown was thrown'],
  ])('describes %s', (_, thrown, name, message) => {
    expect(attemptError(typeof thrown === 'function' ? thrown() : thrown)).toMatchObject({
      name,
      message,
      stack: expect.any(String) as unknown,
    });
  });

  it('keeps the stack of an error', () => {
    expect(attemptError(error).stack).toBe(error.stack);
  });

  it('keeps no more of anything than is useful', () => {
    const huge = 'x'.repeat(1_000_000);
    const { name, message, stack } = attemptError(Object.assign(new Error(huge), { name: huge, stack: huge }));
    expect([name.length, message.length, stack.length]).toEqual([
      LIMITS.errorNameCharsMax,
      LIMITS.errorMessageCharsMax,
      LIMITS.errorStackCharsMax,
    ]);
  });
});

describe('delivery.completeWith', () => {
  const error = new TypeError('no');
  const nothing = () => Promise.resolve();

  it('completes the delivery, and what the handler does after that changes nothing', async () => {
    const one = attempt(async (_, delivery) => {
      await delivery.completeWith(nothing);
      throw error;
    });
    expect(await one.ended).toEqual({ outcome: 'failed', thrown: error });
    expect(one.isCompleted).toBe(true);
  });

  it('is waited for, though the handler did not', async () => {
    const { promise, release } = held();
    const one = attempt((_, delivery) => Promise.resolve(void delivery.completeWith(() => promise)));
    release();
    expect(await one.ended).toEqual({ outcome: 'succeeded' });
    expect(one.isCompleted).toBe(true);
  });

  it('fails the attempt if it fails, and may then be tried again in the same attempt', async () => {
    const failing = () => Promise.reject(error);
    const once = attempt((_, delivery) => delivery.completeWith(failing));
    expect(await once.ended).toEqual({ outcome: 'failed', thrown: error });
    expect(once.isCompleted).toBe(false);
    const twice = attempt((_, delivery) => delivery.completeWith(failing).catch(() => delivery.completeWith(nothing)));
    expect(await twice.ended).toEqual({ outcome: 'succeeded' });
    expect(twice.isCompleted).toBe(true);
  });

  it('is refused a second time, also while the first is under way', async () => {
    const one = attempt(async (_, delivery) => {
      await Promise.all([delivery.completeWith(nothing), delivery.completeWith(nothing)]);
    });
    expect(await one.ended).toMatchObject({ outcome: 'failed', thrown: { message: expect.stringContaining('once') } });
  });

  it('is refused once the handler was asked to stop', async () => {
    const { promise, release } = held();
    const reason = new ShutdownError();
    let works = 0;
    const one = attempt(async (_, delivery) => {
      await promise;
      await delivery.completeWith(() => Promise.resolve((works += 1)));
    });
    one.abort(reason, FOR_EVER);
    release();
    expect(await one.ended).toEqual({ outcome: 'failed', thrown: reason });
    expect(works).toBe(0);
  });
});

describe('attemptRecord', () => {
  it('has the error of a failed attempt, and of no other', () => {
    const end = new Date(START.getTime() + 5);
    const times = { startedAt: START, finishedAt: end };
    expect(attemptRecord(START, end, { outcome: 'skipped' })).toEqual({ ...times, outcome: 'skipped' });
    expect(attemptRecord(START, end, { outcome: 'failed', thrown: 'no' })).toMatchObject({
      ...times,
      outcome: 'failed',
      error: { name: 'string' },
    });
  });
});

function thrower(thrown: unknown): never {
  throw thrown;
}

/** An error that throws when it is looked at. */
function trap(): Error {
  const get = () => thrower(new Error('not to be looked at'));
  return Object.create(Error.prototype, { name: { get }, message: { get }, stack: { get } }) as Error;
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

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
/** Longer than any test takes. */
const FOREVER = 60_000;
const EVENT = { id: 'run.failed:dbt/1/7', type: 'run.failed', provider: 'dbt-cloud', source: 'dbt' } as WebhookEvent;
const ON_FAILED: Subscription = { on: { types: ['run.failed'] }, filter: {} };

interface Setup extends HandlerOptions {
  readonly delivery?: Partial<ClaimedDelivery>;
  readonly subscriptions?: readonly Subscription[];
  readonly restore?: () => WebhookEvent;
  readonly graceMs?: number;
  readonly complete?: AttemptOptions['complete'];
}

const NO_TRANSACTION: InboxTransaction = { query: () => Promise.reject(new Error('this test has no database')) };

function attempt(invoke: Handler['invoke'], setup: Setup = {}): Attempt {
  const { delivery, subscriptions = [ON_FAILED], restore = () => EVENT, ...rest } = setup;
  const { graceMs = FOREVER, complete = (_, work) => work(NO_TRANSACTION).then(() => undefined), ...options } = rest;
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

/** Returns a promise that the test resolves. */
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
  it('passes the event and the delivery to the handler', async () => {
    const seen: [WebhookEvent, DeliveryContext][] = [];
    const one = attempt((event, delivery) => Promise.resolve(void seen.push([event, delivery])), {
      delivery: { attempt: 3 },
    });
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

  it('sets isReplay for a replay', async () => {
    let isReplay: boolean | undefined;
    const note = (_: WebhookEvent, delivery: DeliveryContext) => Promise.resolve(void (isReplay = delivery.isReplay));
    await attempt(note, { delivery: { replayId: 'again' } }).ended;
    expect(isReplay).toBe(true);
  });

  it.each([
    ['an error', new Error('no')],
    ['undefined', undefined],
    ['null', null],
    ['a string', 'no'],
    ['an object whose properties throw', trap],
  ])('fails with the thrown value when the handler throws or rejects with %s', async (_, make) => {
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

  it('fails without running the handler when its event cannot be restored', async () => {
    let ran = false;
    const broken = new SyntaxError('no JSON');
    const restore = () => {
      throw broken;
    };
    const one = attempt(() => Promise.resolve(void (ran = true)), { restore });
    expect(await one.ended).toEqual({ outcome: 'failed', thrown: broken });
    expect(ran).toBe(false);
  });

  it('leaves no timer', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    const one = attempt(() => Promise.resolve());
    await one.ended;
    expect(jest.getTimerCount()).toBe(0);
    one.abort(new LeaseLostError('dlv_1'), FOREVER);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('an attempt with `when`', () => {
  const when = (result: () => unknown): Subscription => ({ ...ON_FAILED, when: result as () => boolean });
  const elsewhere: Subscription = { on: { types: ['run.started'] }, filter: {}, when: () => true };

  it.each([
    ['it returns true', [when(() => true)], 'succeeded'],
    ['it returns false', [when(() => false)], 'skipped'],
    ['it resolves to true', [when(() => Promise.resolve(true))], 'succeeded'],
    ['it resolves to false', [when(() => Promise.resolve(false))], 'skipped'],
    ['it returns undefined', [when(() => undefined)], 'skipped'],
    ['one of two returns true', [when(() => false), when(() => true)], 'succeeded'],
    ['it returns false and another subscription has none', [when(() => false), ON_FAILED], 'succeeded'],
    ['it returns false, and true for other events', [when(() => false), elsewhere], 'skipped'],
    ['no subscription wants the event any more', [elsewhere], 'succeeded'],
  ] as const)('runs only if one `when` returns true: %s', async (_, subscriptions, outcome) => {
    let ran = 0;
    const result = await attempt(() => Promise.resolve(void (ran += 1)), { subscriptions }).ended;
    expect(result).toEqual({ outcome });
    expect(ran).toBe(outcome === 'succeeded' ? 1 : 0);
  });

  it.each([
    ['throws', () => thrower('no')],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('fails when `when` %s', async (_, failing) => {
    const result = await attempt(() => Promise.resolve(), { subscriptions: [when(failing)] }).ended;
    expect(result.outcome).toBe('failed');
  });

  it('applies the timeout to `when`', async () => {
    const never = when(() => new Promise(() => undefined));
    const one = attempt(() => Promise.resolve(), { subscriptions: [never], timeoutMs: 1, graceMs: 1 });
    expect(await one.ended).toMatchObject({ outcome: 'failed', thrown: expect.any(HandlerTimeoutError) as unknown });
  });
});

describe('an attempt that times out', () => {
  it('aborts the signal with a HandlerTimeoutError, and succeeds when the handler returns within the grace period', async () => {
    const one = attempt(async (_, { signal }) => aborted(signal), { timeoutMs: 1 });
    expect(await one.ended).toEqual({ outcome: 'succeeded' });
    expect(one.abortedBy).toBeInstanceOf(HandlerTimeoutError);
  });

  it('fails with the error that the handler throws within the grace period', async () => {
    const stopped = new Error('fetch was aborted');
    const stop = async (_: WebhookEvent, { signal }: DeliveryContext) => {
      await aborted(signal);
      throw stopped;
    };
    expect(await attempt(stop, { timeoutMs: 1 }).ended).toEqual({ outcome: 'failed', thrown: stopped });
  });

  it('ends after the grace period when the handler does not return, and is settled when it does', async () => {
    const { promise, release } = held();
    const one = attempt(() => promise, { timeoutMs: 1, graceMs: 1 });
    expect(await one.ended).toMatchObject({ outcome: 'failed', thrown: expect.any(HandlerTimeoutError) as unknown });
    expect(await isPending(one.settled)).toBe(true);
    release();
    await one.settled;
  });

  it('does not end before the timeout and the whole grace period have passed', async () => {
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

  it('keeps its result when the handler throws after the end', async () => {
    const { promise, release } = held();
    const one = attempt(() => promise.then(() => thrower(undefined)), { timeoutMs: 1, graceMs: 1 });
    const result = await one.ended;
    release();
    await one.settled;
    expect(await one.ended).toBe(result);
  });

  it('keeps running before the timeout', async () => {
    const { promise, release } = held();
    const one = attempt(() => promise, { timeoutMs: FOREVER });
    expect(await isPending(one.ended)).toBe(true);
    release();
    expect(await one.ended).toEqual({ outcome: 'succeeded' });
  });
});

describe('an aborted attempt', () => {
  const never = () => new Promise<void>(() => undefined);

  it('passes the reason to the handler', async () => {
    let reason: unknown;
    const one = attempt((_, { signal }) => aborted(signal).then(() => void (reason = signal.reason)));
    const shutdown = new ShutdownError();
    await isPending(one.ended);
    one.abort(shutdown, FOREVER);
    await one.ended;
    expect(reason).toBe(shutdown);
    expect(one.abortedBy).toBe(shutdown);
  });

  it('passes an aborted signal to a handler that first reads it after the abort', async () => {
    const { promise, release } = held();
    const shutdown = new ShutdownError();
    const signals: AbortSignal[] = [];
    const one = attempt(async (_, delivery) => {
      await promise;
      signals.push(delivery.signal, delivery.signal);
    });
    one.abort(shutdown, FOREVER);
    release();
    await one.ended;
    expect(signals.map(({ aborted: isAborted, reason }) => [isAborted, reason])).toEqual([
      [true, shutdown],
      [true, shutdown],
    ]);
    expect(signals[0]).toBe(signals[1]);
    expect(one.signal).toBe(signals[0]);
  });

  it('ends with the first reason when it is aborted twice', async () => {
    const one = attempt(never);
    const first = new LeaseLostError('dlv_1');
    one.abort(first, FOREVER);
    one.abort(new ShutdownError(), 1);
    expect(await one.ended).toEqual({ outcome: 'failed', thrown: first });
  });

  it.each([
    ['of the first abort', [1, FOREVER]],
    ['of a later abort', [FOREVER, 1]],
    ['of the shortest abort', [FOREVER, 1, FOREVER]],
  ])('ends after the grace period %s', async (_, graces) => {
    const one = attempt(never);
    for (const graceMs of graces) one.abort(new ShutdownError(), graceMs);
    expect(await one.ended).toMatchObject({ outcome: 'failed' });
  });

  it('keeps a shorter grace period when it times out as well', async () => {
    const one = attempt(never, { timeoutMs: 1, graceMs: FOREVER });
    one.abort(new ShutdownError(), 20);
    expect(await one.ended).toMatchObject({ outcome: 'failed', thrown: expect.any(ShutdownError) as unknown });
  });
});

describe('attemptError', () => {
  const error = new PermanentError('no such ticket');

  it.each([
    ['an error', error, 'PermanentError', 'no such ticket'],
    ['an error with its own name', Object.assign(new Error('no'), { name: 'Odd' }), 'Odd', 'no'],
    ['an error of another realm', runInNewContext('new TypeError("no")'), 'TypeError', 'no'],
    ['an error without a stack', Object.assign(new Error('no'), { stack: undefined }), 'Error', 'no'],
    ['an error whose message is a number', Object.assign(new Error('no'), { message: 5 }), 'Error', '5'],
    ['undefined', undefined, 'undefined', 'a value that is not an error was thrown: undefined'],
    ['null', null, 'object', 'a value that is not an error was thrown: null'],
    ['a string', 'no', 'string', 'a value that is not an error was thrown: no'],
    ['a number', Number.NaN, 'number', 'a value that is not an error was thrown: NaN'],
    ['a bigint', 5n, 'bigint', 'a value that is not an error was thrown: 5'],
    ['a symbol', Symbol('no'), 'symbol', 'a value that is not an error was thrown: Symbol(no)'],
    ['a promise', Promise.resolve(), 'object', 'a value that is not an error was thrown: [object Promise]'],
    ['an object without a prototype', Object.create(null), 'object', 'a value that cannot be shown was thrown'],
    [
      'an object that cannot be converted to a string',
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

  it('limits the length of name, message and stack', () => {
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

  it('completes the delivery, even if the handler throws afterwards', async () => {
    const one = attempt(async (_, delivery) => {
      await delivery.completeWith(nothing);
      throw error;
    });
    expect(await one.ended).toEqual({ outcome: 'failed', thrown: error });
    expect(one.isCompleted).toBe(true);
  });

  it('is awaited when the handler does not await it', async () => {
    const { promise, release } = held();
    const one = attempt((_, delivery) => Promise.resolve(void delivery.completeWith(() => promise)));
    release();
    expect(await one.ended).toEqual({ outcome: 'succeeded' });
    expect(one.isCompleted).toBe(true);
  });

  it('fails the attempt when it fails, and can be called again in the same attempt', async () => {
    const failing = () => Promise.reject(error);
    const once = attempt((_, delivery) => delivery.completeWith(failing));
    expect(await once.ended).toEqual({ outcome: 'failed', thrown: error });
    expect(once.isCompleted).toBe(false);
    const twice = attempt((_, delivery) => delivery.completeWith(failing).catch(() => delivery.completeWith(nothing)));
    expect(await twice.ended).toEqual({ outcome: 'succeeded' });
    expect(twice.isCompleted).toBe(true);
  });

  it('rejects a second call, even while the first one is running', async () => {
    const one = attempt(async (_, delivery) => {
      await Promise.all([delivery.completeWith(nothing), delivery.completeWith(nothing)]);
    });
    expect(await one.ended).toMatchObject({ outcome: 'failed', thrown: { message: expect.stringContaining('once') } });
  });

  it('rejects after the signal was aborted', async () => {
    const { promise, release } = held();
    const reason = new ShutdownError();
    let works = 0;
    const one = attempt(async (_, delivery) => {
      await promise;
      await delivery.completeWith(() => Promise.resolve((works += 1)));
    });
    one.abort(reason, FOREVER);
    release();
    expect(await one.ended).toEqual({ outcome: 'failed', thrown: reason });
    expect(works).toBe(0);
  });
});

describe('attemptRecord', () => {
  it('contains an error only for a failed attempt', () => {
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

/** Returns an error whose properties throw. */
function trap(): Error {
  const get = () => thrower(new Error('must not be read'));
  return Object.create(Error.prototype, { name: { get }, message: { get }, stack: { get } }) as Error;
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

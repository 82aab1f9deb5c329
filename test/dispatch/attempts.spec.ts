import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PermanentError, RetryLater } from 'nestjs-runhooks/core';
import { LIMITS, type DeliveryContext, type WebhookEvent } from 'nestjs-runhooks/internal';
import { DispatchHarness, held, START, until } from './dispatch-harness.js';

let harness: DispatchHarness;

beforeEach(async () => {
  harness = await DispatchHarness.open();
});

afterEach(() => harness.close());

function thrower(thrown: unknown): never {
  throw thrown;
}

/** Returns an error whose properties throw when they are read. */
function trap(): Error {
  const get = () => thrower(new Error('not to be looked at'));
  return Object.create(Error.prototype, { name: { get }, message: { get }, stack: { get } }) as Error;
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('handler attempts', () => {
  it('run once per event, with the details of the delivery', async () => {
    const seen: [WebhookEvent, DeliveryContext][] = [];
    harness.on('handler', (...args) => void seen.push(args));
    const messageId = await harness.send({ run: '7' });
    await harness.send({ run: '7', id: 'again' });
    await harness.idle();
    expect(seen).toHaveLength(1);
    const [event, delivery] = seen[0]!;
    const { id } = (await harness.deliveries('handler'))[0]!;
    expect(event).toMatchObject({ id: 'run.succeeded:probe/1/7', type: 'run.succeeded', source: 'probe', messageId });
    expect(event.payload).toEqual({ run: '7' });
    expect(delivery).toMatchObject({ id, handlerId: 'handler', attempt: 1, messageId, isReplay: false });
  });

  it('keep the delivery id and the event across retries and count up', async () => {
    const seen: unknown[] = [];
    harness.on('handler', (event, { id, attempt }) => {
      seen.push([event.id, id, attempt]);
      if (attempt < 3) throw new Error('not yet');
    });
    await harness.send();
    await harness.idle();
    const [delivery] = await harness.deliveries('handler');
    expect(seen).toEqual([1, 2, 3].map((attempt) => ['run.succeeded:probe/1/1', delivery?.id, attempt]));
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'Error', 'Error', 'succeeded']);
  });

  it.each([
    ['throws an error at once', () => thrower(new TypeError('no')), 'TypeError', 'no'],
    ['rejects with an error', () => Promise.reject(new TypeError('no')), 'TypeError', 'no'],
    ['throws undefined', () => thrower(undefined), 'undefined', 'a value that is not an error was thrown: undefined'],
    ['throws null', () => thrower(null), 'object', 'a value that is not an error was thrown: null'],
    ['throws a string', () => thrower('no'), 'string', 'a value that is not an error was thrown: no'],
    ['throws a string with NUL and half a surrogate pair', () => thrower('\0\ud800'), 'string', undefined],
    ['throws an object without a prototype', () => thrower(Object.create(null)), 'object', undefined],
    ['throws an error whose properties throw', () => thrower(trap()), 'object', undefined],
    ['throws a revoked proxy', () => thrower(revokedProxy()), 'object', 'a value that cannot be shown was thrown'],
    ['throws a function', () => thrower(() => undefined), 'function', undefined],
    ['throws its own signal', (_: unknown, { signal }: DeliveryContext) => thrower(signal), 'object', undefined],
    [
      'rejects in a thenable',
      () => ({ then: (_: unknown, no: (e: unknown) => void) => no('no') }),
      'string',
      undefined,
    ],
    ['throws in a thenable', () => ({ then: () => thrower('no') }), 'string', undefined],
  ])('are retried with the error recorded when a handler %s', async (_, run, name, message) => {
    harness.on('handler', (event, delivery) => (delivery.attempt === 1 ? run(event, delivery) : undefined));
    await harness.send();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['succeeded', name, 'succeeded']);
    const [delivery] = await harness.deliveries('handler');
    const [first] = await harness.inbox.attempts(delivery!.id);
    if (message !== undefined) expect(first?.error?.message).toBe(message);
    expect(harness.lines).toEqual([expect.stringMatching(/^warn: Delivery .*attempt 1 of .* Retrying in 0 ms$/)]);
  });

  it('fail like any other when the payload cannot be parsed, without affecting other deliveries', async () => {
    harness.on('handler', ({ payload }) => void payload, { retry: false });
    harness.on('other', () => undefined);
    await harness.send({ run: '7' });
    let reads = 0;
    harness.provider.parseOverrides.set('7', () => {
      harness.provider.parseOverrides.delete('7');
      const result = harness.provider.parse({ body: Buffer.from('{"run":"7"}'), receivedAt: START } as never);
      harness.provider.parseOverrides.set('7', () => ({ state: 'quarantined', reason: `read ${(reads += 1)} times` }));
      return result;
    });
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['dead', 'PayloadUnavailableError']);
    expect(await harness.outcome('other')).toEqual(['succeeded', 'succeeded']);
  });

  it('are retried for the failed handler only', async () => {
    const ran: string[] = [];
    const fail = (id: string, times: number) =>
      harness.on(id, (_, { attempt }) => {
        ran.push(id);
        if (attempt <= times) throw new Error('no');
      });
    fail('a', 0);
    fail('b', 3);
    fail('c', 0);
    await harness.send();
    await harness.idle();
    expect(ran.filter((id) => id !== 'b').sort()).toEqual(['a', 'c']);
    expect(ran.filter((id) => id === 'b')).toHaveLength(4);
  });

  it('record a truncated error when the full one would fill the inbox', async () => {
    harness.on('handler', () => thrower(new Error('x'.repeat(1_000_000))), { retry: false });
    await harness.send();
    await harness.idle();
    const [delivery] = await harness.deliveries('handler');
    const [attempt] = await harness.inbox.attempts(delivery!.id);
    expect(attempt?.error?.message).toHaveLength(LIMITS.errorMessageCharsMax);
    expect(harness.lines.every((line) => line.length < 5_000)).toBe(true);
  });
});

describe('a failed delivery', () => {
  it('is not retried before its due time', async () => {
    let runs = 0;
    harness.on('handler', () => {
      runs += 1;
      throw new RetryLater(90_000);
    });
    await harness.send();
    await harness.idle();
    expect(runs).toBe(1);
    harness.clock.advance(89_999);
    await harness.idle();
    expect(runs).toBe(1);
    harness.clock.advance(1);
    await harness.idle();
    expect(runs).toBe(2);
  });

  it('becomes a dead letter after its last attempt, logged at error level', async () => {
    harness.on('handler', () => thrower(new Error('no')), { retry: { attemptsMax: 3 } });
    await harness.send();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['dead', 'Error', 'Error', 'Error']);
    const errors = harness.lines.filter((line) => line.startsWith('error: '));
    expect(errors).toEqual([expect.stringMatching(/is now a dead letter \(handler "handler".* attempt 3 of 3\)/)]);
  });

  it.each([
    ['a PermanentError', () => new PermanentError('no such ticket'), 'PermanentError'],
    [
      'a PermanentError of another copy of the package',
      () => Object.assign(new Error('no'), { [Symbol.for('nestjs-runhooks:permanent-error')]: true }),
      'Error',
    ],
  ])('becomes a dead letter at once on %s', async (_, make, name) => {
    harness.on('handler', () => thrower(make()));
    await harness.send();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['dead', name]);
  });

  it('honors a RetryLater of another copy of the package', async () => {
    const later = { [Symbol.for('nestjs-runhooks:retry-later')]: true, delayMs: 60_000 };
    harness.on('handler', () => thrower(Object.assign(new Error('later'), later)));
    await harness.send();
    await harness.idle();
    expect((await harness.deliveries('handler'))[0]?.dueAt).toEqual(new Date(START.getTime() + 60_000));
  });
});

describe('a handler that times out', () => {
  const stuck = { timeoutMs: 5 };

  it('is aborted by its signal, and succeeds when it returns within the grace period', async () => {
    await harness.close();
    harness = await DispatchHarness.open({ abortGraceMs: 60_000 });
    harness.on('handler', (_, { signal }) => aborted(signal), stuck);
    await harness.send();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('is retried only after it returns or the grace period ends', async () => {
    const { promise, release } = held();
    const ran: number[] = [];
    harness.on(
      'handler',
      (_, { attempt }) => {
        ran.push(attempt);
        return attempt === 1 ? promise : undefined;
      },
      stuck,
    );
    await harness.send();
    await harness.idle();
    expect(ran).toEqual([1, 2]);
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'HandlerTimeoutError', 'succeeded']);
    release();
  });

  it('releases its concurrency slot when its attempt is over, even if it still runs', async () => {
    const { promise, release } = held();
    const ran: string[] = [];
    harness.on(
      'handler',
      (event, { attempt }) => {
        ran.push(`${event.messageId === first ? 'first' : 'second'} ${attempt}`);
        return ran.length === 1 ? promise : undefined;
      },
      { ...stuck, concurrency: 1, retry: { attemptsMax: 2 } },
    );
    const first = await harness.send({ run: '1' });
    await harness.send({ run: '2' });
    await harness.idle();
    expect(ran[0]).toBe('first 1');
    expect(ran.slice(1).sort()).toEqual(['first 2', 'second 1']);
    release();
  });

  it('has a result discarded that arrives after the grace period', async () => {
    const { promise, release } = held();
    harness.on('handler', () => promise, { ...stuck, retry: false });
    await harness.send();
    await harness.idle();
    release();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['dead', 'HandlerTimeoutError']);
  });
});

describe('concurrency', () => {
  /** Returns a handler that runs until released and counts how many calls ran at the same time. */
  function gate() {
    const gates: (() => void)[] = [];
    let [running, most] = [0, 0];
    const run = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => void gates.push(resolve));
      running -= 1;
    };
    return { run, running: () => running, most: () => most, open: () => gates.splice(0).forEach((open) => open()) };
  }

  async function drained(handlers: readonly { open(): void }[]): Promise<void> {
    let over = false;
    const idle = harness.idle().then(() => (over = true));
    await until(() => {
      for (const { open } of handlers) open();
      return over;
    });
    await idle;
  }

  it('uses the full limit of a process and never exceeds it', async () => {
    await harness.close();
    harness = await DispatchHarness.open({ concurrency: 3 });
    const [a, b] = [gate(), gate()];
    let most = 0;
    const note = (run: () => Promise<void>) => () => {
      const done = run();
      most = Math.max(most, a.running() + b.running());
      return done;
    };
    harness.on('a', note(a.run));
    harness.on('b', note(b.run));
    for (let run = 0; run < 10; run++) await harness.send({ run: `${run}` });
    await drained([a, b]);
    expect(most).toBe(3);
    expect((await harness.inbox.counts()).deliveries).toMatchObject({ succeeded: 20, pending: 0 });
  });

  it('never exceeds the limit of a handler and leaves the rest to other handlers', async () => {
    const [bounded, free] = [gate(), gate()];
    harness.on('bounded', bounded.run, { concurrency: 2 });
    harness.on('free', free.run);
    for (let run = 0; run < 20; run++) await harness.send({ run: `${run}` });
    await drained([bounded, free]);
    expect(bounded.most()).toBe(2);
    expect(free.most()).toBeGreaterThanOrEqual(8);
  });

  it('leaves a turn to every handler when much work waits for one of them', async () => {
    await harness.close();
    harness = await DispatchHarness.open({ concurrency: 1 });
    const order: string[] = [];
    harness.on('busy', () => void order.push('busy'));
    harness.on('bounded', () => void order.push('bounded'), { concurrency: 1, filter: { job: 'rare' } });
    for (let run = 0; run < 20; run++) await harness.send({ run: `${run}`, job: run === 0 ? 'rare' : 'job' });
    await harness.idle();
    expect(order).toHaveLength(21);
    expect(order.indexOf('bounded')).toBeLessThan(5);
  });
});

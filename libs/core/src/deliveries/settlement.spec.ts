import { describe, expect, it } from '@jest/globals';
import { Attempt } from './attempt.js';
import { HandlerTimeoutError, LeaseLostError, PermanentError, RetryLater, ShutdownError } from '../errors.js';
import { eventData, eventFacts } from '../events/event-data.js';
import type { WebhookEvent } from '../events/event.js';
import { resolveHandlerOptions, type Handler, type HandlerOptions } from '../handlers/handler.js';
import { HandlerSet } from '../handlers/handler-set.js';
import { IdSequence } from '../ids.js';
import { restoreMessage } from '../sources/message.js';
import { Router } from '../handlers/router.js';
import type { Run } from '../runs/run.js';
import { settlementOf } from './settlement.js';
import { WaitingError } from './waiting.js';
import type { ClaimedDelivery } from '../store/claim.js';

const START = new Date('2026-11-23T12:00:00.000Z');
const NOW = new Date('2026-11-23T12:00:01.000Z');
const RUN: Run = {
  id: '7',
  status: 'failed',
  job: { key: 'job' },
  account: { id: '1' },
  trigger: { kind: 'schedule' },
};
const FAILURE = new Error('did not work');

function claimed(changes: Partial<ClaimedDelivery> = {}, type = 'run.failed'): ClaimedDelivery {
  const event = { id: `${type}:dbt/1/7`, type, provider: 'dbt-cloud', source: 'dbt', messageId: 'msg_1' };
  const stored = { id: 'msg_1', source: 'dbt', provider: 'dbt-cloud', messageKey: '', state: 'parsed' as const };
  return {
    id: 'dlv_1',
    handlerId: 'OnCall.page',
    attempt: 1,
    attemptsBefore: 0,
    replayId: '',
    lease: 'lease',
    event: { ...event, data: eventData({ occurredAt: START, receivedAt: START, run: RUN }) },
    message: restoreMessage({ ...stored, body: Buffer.alloc(0), headers: {}, receivedAt: START }),
    ...changes,
  };
}

function handler(id: string, types: readonly string[], options: HandlerOptions = {}): Handler {
  const subscriptions = [{ on: { types: types as readonly 'run.failed'[] }, filter: {} }];
  return { ...resolveHandlerOptions(id, options), label: id, subscriptions, invoke: () => Promise.resolve() };
}

async function settled(
  result: Parameters<typeof settlementOf>[1],
  setup: { delivery?: ClaimedDelivery; options?: HandlerOptions; abort?: Error; others?: Handler[] } = {},
) {
  const { delivery = claimed(), options = {}, abort, others = [] } = setup;
  const handlers = new HandlerSet();
  const own = handler('OnCall.page', ['run.failed'], options);
  for (const one of [own, ...others]) handlers.add(one);
  const attempt = new Attempt({
    delivery,
    handler: own,
    restore: () => ({}) as WebhookEvent,
    startedAt: START,
    graceMs: 1,
    complete: () => Promise.resolve(),
  });
  if (abort) attempt.abort(abort, 1);
  await attempt.ended;
  return settlementOf(attempt, result, NOW, new Router(handlers, new IdSequence()));
}

const failedWith = (thrown: unknown) => ({ outcome: 'failed', thrown }) as const;
const lastAttempt = { options: { retry: { attemptsMax: 3 } }, delivery: claimed({ attempt: 3 }) };

describe('settlementOf', () => {
  it.each(['succeeded', 'skipped'] as const)(
    'keeps the outcome %s, with the times of the attempt and no error',
    async (outcome) => {
      expect(await settled({ outcome })).toEqual({
        deliveryId: 'dlv_1',
        lease: 'lease',
        attempt: { startedAt: START, finishedAt: NOW, outcome },
        next: { state: outcome },
      });
    },
  );

  it('retries a failure after a delay, and keeps its error', async () => {
    const { next, attempt } = await settled(failedWith(FAILURE), { options: { retry: { delayMs: 1_000 } } });
    expect(attempt).toMatchObject({ outcome: 'failed', error: { name: 'Error', message: 'did not work' } });
    const delayMs = next.state === 'pending' ? next.dueAt.getTime() - NOW.getTime() : Number.NaN;
    expect(delayMs).toBeGreaterThanOrEqual(0);
    expect(delayMs).toBeLessThan(1_000);
  });

  it.each([{}, lastAttempt])(
    'lets an attempt wait that throws a WaitingError, however many there were',
    async (setup) => {
      const { next, decide } = await settled(failedWith(new WaitingError('status 503', 90_000)), setup);
      const dueAt = new Date(NOW.getTime() + 90_000);
      expect(next).toEqual({ state: 'pending', dueAt, waitingFor: 'status 503' });
      expect(decide).toBeUndefined();
    },
  );

  it('retries a failure at the time that RetryLater names', async () => {
    const { next } = await settled(failedWith(new RetryLater(90_000)));
    expect(next).toEqual({ state: 'pending', dueAt: new Date(NOW.getTime() + 90_000) });
  });

  it.each([
    ['the last attempt', failedWith(FAILURE), lastAttempt],
    ['the only attempt', failedWith(FAILURE), { options: { retry: false } }],
    ['a PermanentError', failedWith(new PermanentError('no')), {}],
    ['the last attempt with a RetryLater', failedWith(new RetryLater(5)), lastAttempt],
    ['the last attempt with a timeout', failedWith(new HandlerTimeoutError('OnCall.page', 5)), lastAttempt],
    [
      'an attempt beyond the limit, after the limit was lowered',
      failedWith(FAILURE),
      {
        ...lastAttempt,
        delivery: claimed({ attempt: 9 }),
      },
    ],
  ] as const)('makes a dead letter of %s', async (_, result, setup) => {
    expect((await settled(result, setup)).next).toEqual({ state: 'dead' });
  });

  it.each([
    ['the first attempt after a redrive', 4, 'pending'],
    ['the last attempt after a redrive', 6, 'dead'],
  ])('counts attempts from the redrive on: %s', async (_, attempt, state) => {
    const delivery = claimed({ attempt, attemptsBefore: 3 });
    expect((await settled(failedWith(FAILURE), { ...lastAttempt, delivery })).next.state).toBe(state);
  });

  it.each([
    ['the abort reason', new ShutdownError()],
    ['its own error', FAILURE],
    ['a PermanentError', new PermanentError('the connection was closed')],
  ])('makes a last attempt that a shutdown stopped due at once, when it throws %s', async (_, thrown) => {
    const { next } = await settled(failedWith(thrown), { ...lastAttempt, abort: new ShutdownError() });
    expect(next).toEqual({ state: 'pending', dueAt: NOW });
  });

  it('keeps the success of an attempt during a shutdown', async () => {
    expect((await settled({ outcome: 'succeeded' }, { abort: new ShutdownError() })).next.state).toBe('succeeded');
  });

  it('returns a retry for an attempt that lost its lease, with the lost token', async () => {
    const { next, lease } = await settled(failedWith(FAILURE), { abort: new LeaseLostError('dlv_1') });
    expect([next.state, lease]).toEqual(['pending', 'lease']);
  });
});

describe('the event of a dead letter', () => {
  const onDead = handler('Alarm.ring', ['delivery.dead']);
  const deadLetter = (delivery = claimed({ attempt: 4 }), others = [onDead]) =>
    settled(failedWith(new PermanentError('no such ticket')), { delivery, others });
  const eventOf = async (...args: Parameters<typeof deadLetter>) => {
    const { decide } = await deadLetter(...args);
    return decide?.({}).events[0];
  };

  it('names the delivery, its event, its number of attempts and its error', async () => {
    const event = await eventOf();
    expect(event).toMatchObject({ id: 'delivery.dead:dbt/dlv_1/4', type: 'delivery.dead', occurredAt: NOW });
    expect(event?.deliveries.map(({ handlerId }) => handlerId)).toEqual(['Alarm.ring']);
    expect(eventFacts(event?.data ?? '')).toEqual({
      occurredAt: NOW,
      receivedAt: START,
      run: RUN,
      deadLetter: {
        deliveryId: 'dlv_1',
        handlerId: 'OnCall.page',
        eventId: 'run.failed:dbt/1/7',
        eventType: 'run.failed',
        attempts: 4,
        error: { name: 'PermanentError', message: 'no such ticket' },
      },
    });
  });

  it('has another id when a redriven delivery becomes a dead letter again', async () => {
    const [first, second] = [await eventOf(), await eventOf(claimed({ attempt: 5, attemptsBefore: 4 }))];
    expect(first?.id).not.toBe(second?.id);
  });

  it('does not exist when no handler wants it', async () => {
    expect(await eventOf(undefined, [])).toBeUndefined();
  });

  it('does not exist for a dead letter of an @OnDeadLetter handler, because that could go on forever', async () => {
    expect(await eventOf(claimed({}, 'delivery.dead'))).toBeUndefined();
  });
});

import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../errors.js';
import type { Routable } from './filter.js';
import type { Subscription } from './subscription.js';
import { resolveHandlerOptions, wants, type HandlerOptions } from './handler.js';
import { LIMITS } from '../limits.js';
import { DEFAULT_RETRY } from './retry-policy.js';

const LABEL = 'OnCall.page';

describe('resolveHandlerOptions', () => {
  it('returns the defaults', () => {
    expect(resolveHandlerOptions(LABEL, {})).toEqual({
      id: LABEL,
      retry: DEFAULT_RETRY,
      timeoutMs: LIMITS.handlerTimeoutMs,
    });
  });

  it('accepts a default id of any ASCII identifiers', () => {
    expect(resolveHandlerOptions('$e_1.page', {}).id).toBe('$e_1.page');
  });

  it('keeps given options and the defaults of others', () => {
    expect(
      resolveHandlerOptions(LABEL, {
        id: 'on-call:page_2',
        retry: { attemptsMax: 3 },
        timeoutMs: 10,
        concurrency: 2,
        serialize: 'job',
      }),
    ).toEqual({
      id: 'on-call:page_2',
      retry: { ...DEFAULT_RETRY, attemptsMax: 3 },
      timeoutMs: 10,
      concurrency: 2,
      serialize: 'job',
    });
  });

  it('allows one attempt with `retry: false`', () => {
    expect(resolveHandlerOptions(LABEL, { retry: false }).retry.attemptsMax).toBe(1);
  });

  it('accepts limits at their ends', () => {
    const options: HandlerOptions = {
      id: 'x'.repeat(LIMITS.handlerIdCharsMax),
      retry: { attemptsMax: 1, delayMs: 0, delayMsMax: LIMITS.dueAheadMsMax },
      timeoutMs: LIMITS.timerMsMax,
      concurrency: 1,
    };
    expect(resolveHandlerOptions(LABEL, options)).toMatchObject(options);
  });

  const NO_NUMBERS = [Number.NaN, Infinity, -1, 0.5, '5', null, 2 ** 53, {}];
  it.each([
    ...['', ' ', 'a b', 'a/b', 'é', 'a\n', 'x'.repeat(LIMITS.handlerIdCharsMax + 1), null, 5, ['a']].map(
      (id) => ['id', { id }] as const,
    ),
    ...[5, true, 'never', []].map((retry) => ['retry', { retry }] as const),
    ['retry.atemptsMax', { retry: { atemptsMax: 5 } }] as const,
    ...[0, ...NO_NUMBERS].map((attemptsMax) => ['retry.attemptsMax', { retry: { attemptsMax } }] as const),
    ...[LIMITS.dueAheadMsMax + 1, ...NO_NUMBERS].map((delayMs) => ['retry.delayMs', { retry: { delayMs } }] as const),
    ...NO_NUMBERS.map((delayMsMax) => ['retry.delayMsMax', { retry: { delayMsMax } }] as const),
    ...[0, LIMITS.timerMsMax + 1, ...NO_NUMBERS].map((timeoutMs) => ['timeoutMs', { timeoutMs }] as const),
    ...[0, ...NO_NUMBERS].map((concurrency) => ['concurrency', { concurrency }] as const),
    ...['source', '', true, null, 1].map((serialize) => ['serialize', { serialize }] as const),
  ])('rejects an invalid %s and names the handler and the option: %j', (option, options) => {
    let refused: unknown;
    try {
      resolveHandlerOptions(LABEL, options as HandlerOptions);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(ConfigurationError);
    expect(refused).toMatchObject({ option: `${LABEL}.${option}` });
  });
});

describe('wants', () => {
  const failed: Routable = { type: 'run.failed', provider: 'dbt-cloud', source: 'dbt' };
  const message: Routable = {
    type: 'message.received',
    provider: 'dbt-cloud',
    source: 'dbt',
    messageType: 'job.run.completed',
  };
  const on = (subscribed: object, filter: object = {}) => ({ on: subscribed, filter }) as Subscription;

  it.each([
    ['a type asked for', on({ types: ['run.failed'] }), failed],
    ['one of the types asked for', on({ types: ['run.started', 'run.failed'] }), failed],
    ['a type with a filter that fits', on({ types: ['run.failed'] }, { source: 'dbt' }), failed],
    ['a message of the provider', on({ provider: 'dbt-cloud' }), message],
    ['a message of the type', on({ provider: 'dbt-cloud', messageType: 'job.run.completed' }), message],
    ['a dead letter', on({ types: ['delivery.dead'] }), { ...failed, type: 'delivery.dead' }],
  ])('takes %s', (_, subscription, event) => {
    expect(wants(subscription, event)).toBe(true);
  });

  it.each([
    ['another type', on({ types: ['run.started'] }), failed],
    ['no type at all', on({ types: [] }), failed],
    ['a type with a filter that does not fit', on({ types: ['run.failed'] }, { source: 'other' }), failed],
    ['a run event, where messages are asked for', on({ provider: 'dbt-cloud' }), failed],
    ['a message of another provider', on({ provider: 'paradime' }), message],
    ['a message of another type', on({ provider: 'dbt-cloud', messageType: 'job.run.started' }), message],
    [
      'a message whose type is not known',
      on({ provider: 'dbt-cloud', messageType: 'job.run.started' }),
      {
        ...failed,
        type: 'message.received',
      },
    ],
    ['a message with a filter that does not fit', on({ provider: 'dbt-cloud' }, { job: '*' }), message],
    ['a message, where run events are asked for', on({ types: ['run.failed'] }), message],
  ])('leaves %s', (_, subscription, event) => {
    expect(wants(subscription, event)).toBe(false);
  });

  it('does not run user code', () => {
    const when = () => {
      throw new Error('not to be called');
    };
    expect(wants({ ...on({ types: ['run.failed'] }), when }, failed)).toBe(true);
  });
});

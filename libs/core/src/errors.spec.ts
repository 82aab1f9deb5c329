import { describe, expect, it } from '@jest/globals';
import {
  ConfigurationError,
  HandlerTimeoutError,
  isConfigurationError,
  isPermanentError,
  isRetryLater,
  isRunhooksError,
  isStoreUnavailableError,
  LeaseLostError,
  PermanentError,
  RetryLater,
  RunhooksError,
  ShutdownError,
  StoreUnavailableError,
} from './errors.js';
import * as core from './index.js';

const ERRORS = [
  ['ConfigurationError', 'RUNHOOKS_CONFIGURATION', new ConfigurationError('option', 'problem')],
  ['StoreUnavailableError', 'RUNHOOKS_STORE_UNAVAILABLE', new StoreUnavailableError('message')],
  ['HandlerTimeoutError', 'RUNHOOKS_HANDLER_TIMEOUT', new HandlerTimeoutError('handler', 5)],
  ['ShutdownError', 'RUNHOOKS_SHUTDOWN', new ShutdownError()],
  ['LeaseLostError', 'RUNHOOKS_LEASE_LOST', new LeaseLostError('dlv_1')],
  ['PermanentError', 'RUNHOOKS_PERMANENT', new PermanentError('message')],
  ['RetryLater', 'RUNHOOKS_RETRY_LATER', new RetryLater(1_000)],
] as const;

/** Bases that are never made themselves. */
const ABSTRACT = new Set(['RunhooksError', 'OwnError']);
const isErrorClass = (value: unknown): boolean =>
  typeof value === 'function' && (value === RunhooksError || value.prototype instanceof RunhooksError);

/** An error of another copy of this package: another class with the same brand. */
const foreign = (brand: string) =>
  Object.assign(new Error('foreign'), { [Symbol.for(`nestjs-runhooks:${brand}`)]: true });

describe('errors', () => {
  it.each(ERRORS)('%s has its own name and the literal code %s', (name, code, error) => {
    expect(error).toBeInstanceOf(RunhooksError);
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code]).toEqual([name, code]);
    expect(error.stack).toContain(name);
  });

  it.each([
    [
      new ConfigurationError('sqliteInbox.path', '/tmp/a\n\u202eb cannot be opened'),
      String.raw`sqliteInbox.path: /tmp/a\n\u202eb cannot be opened`,
    ],
    [new StoreUnavailableError('a\u001b[2K'), String.raw`a\u001b[2K`],
    [new HandlerTimeoutError('a\r\nb', 5), String.raw`handler "a\r\nb" did not finish within its timeoutMs of 5 ms`],
    [new LeaseLostError('\u2028'), expect.stringContaining(String.raw`delivery \u2028 was`)],
  ])('have a message of one printable line if Runhooks throws them: %#', (error, message) => {
    expect(error.message).toEqual(message);
    expect(error.stack).toContain(error.message);
  });

  it('keep their message if handlers throw them', () => {
    expect(new PermanentError('the pager responded:\n400').message).toBe('the pager responded:\n400');
    expect(new RetryLater(5, 'the pager responded:\n503').message).toBe('the pager responded:\n503');
  });

  it('have unique codes', () => {
    expect(new Set(ERRORS.map(([, code]) => code)).size).toBe(ERRORS.length);
  });

  it('keep their cause', () => {
    const cause = new Error('first');
    expect(new ConfigurationError('option', 'problem', { cause }).cause).toBe(cause);
    expect(new StoreUnavailableError('message', { cause }).cause).toBe(cause);
    expect(new PermanentError('message', { cause }).cause).toBe(cause);
    expect(new RetryLater(5, 'message', { cause }).cause).toBe(cause);
  });

  it('name their subject', () => {
    expect(new ConfigurationError('sources[0].name', 'found ""')).toMatchObject({
      option: 'sources[0].name',
      message: 'sources[0].name: found ""',
    });
    expect(new HandlerTimeoutError('on-call.page', 5).message).toMatch(/"on-call\.page".* 5 ms/);
    expect(new LeaseLostError('dlv_1').message).toContain('dlv_1');
    expect(new RetryLater(250).message).toContain('250 ms');
  });

  it.each(Object.entries(core).filter(([, value]) => isErrorClass(value)))(
    'has its name as a literal that minifiers do not change: %s',
    (name, errorClass) => {
      expect(Object.getOwnPropertyDescriptor(errorClass, 'className')?.value).toBe(
        ABSTRACT.has(name) ? undefined : name,
      );
    },
  );

  it('have the names of their subclasses', () => {
    class NoSuchTicket extends PermanentError {}
    expect(new NoSuchTicket('gone')).toMatchObject({ name: 'NoSuchTicket', code: 'RUNHOOKS_PERMANENT' });
    expect(isPermanentError(new NoSuchTicket('gone'))).toBe(true);
  });
});

describe('isRunhooksError, isConfigurationError and isStoreUnavailableError', () => {
  it.each([
    ['ConfigurationError', new ConfigurationError('option', 'problem'), [true, true, false]],
    ['ConfigurationError of another copy', foreign('configuration-error'), [false, true, false]],
    ['StoreUnavailableError', new StoreUnavailableError('no'), [true, false, true]],
    ['StoreUnavailableError of another copy', foreign('store-unavailable-error'), [false, false, true]],
    ['another error of Runhooks', new ShutdownError(), [true, false, false]],
    ['an error of another copy', foreign('error'), [true, false, false]],
    ['any other error', new Error('no'), [false, false, false]],
    ['undefined', undefined, [false, false, false]],
    ['a proxy whose traps throw', new Proxy({}, { has: () => thrower() }), [false, false, false]],
  ])('%s', (_, thrown, expected) => {
    expect([isRunhooksError(thrown), isConfigurationError(thrown), isStoreUnavailableError(thrown)]).toEqual(expected);
  });
});

describe('isPermanentError and isRetryLater', () => {
  it.each([
    ['PermanentError', new PermanentError('no'), true, false],
    ['PermanentError of another copy', foreign('permanent-error'), true, false],
    ['RetryLater', new RetryLater(1), false, true],
    ['RetryLater of another copy', foreign('retry-later'), false, true],
    ['any other error', new Error('no'), false, false],
    ['another error of Runhooks', new ShutdownError(), false, false],
    ['undefined', undefined, false, false],
    ['null', null, false, false],
    ['a text', 'permanent', false, false],
    ['a number', 0, false, false],
    ['an object with a lookalike name', { name: 'PermanentError', delayMs: 1 }, false, false],
    ['a proxy whose traps throw', new Proxy({}, { has: () => thrower() }), false, false],
  ])('%s', (_, thrown, permanent, later) => {
    expect([isPermanentError(thrown), isRetryLater(thrown)]).toEqual([permanent, later]);
  });
});

function thrower(): never {
  throw new Error('not to be looked at');
}

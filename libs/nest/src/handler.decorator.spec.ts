import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { OnRunFailed } from './on-run.decorator.js';
import { WebhooksModule } from './webhooks.module.js';

describe('a handler decorator refuses what the compiler could not', () => {
  // As JavaScript sees it.
  const decorate = OnRunFailed() as unknown as (target: object, key: string | symbol, descriptor?: object) => void;
  class OnCall {}

  it('a static method', () => {
    expect(() => decorate(OnCall, 'page', { value: () => undefined })).toThrow(
      'OnCall.page: found a handler decorator on a static member; expected a method of the instance',
    );
  });

  it('a property', () => {
    expect(() => decorate(OnCall.prototype, 'page')).toThrow(
      'OnCall.page: found a handler decorator on a property or accessor; expected a method of the instance',
    );
  });

  it('an accessor, which is not called for that', () => {
    const get = (): never => {
      throw new Error('called');
    };
    expect(() => decorate(OnCall.prototype, Symbol('page'), { get })).toThrow(ConfigurationError);
  });
});

describe('a second copy of the package in the process', () => {
  const copies = (globalThis as { [key: symbol]: unknown })[Symbol.for('nestjs-runhooks:loaded-copies')] as Map<
    string,
    string
  >;
  const second = '/shared-lib/node_modules/nestjs-runhooks/dist/cjs';
  afterEach(() => void copies.delete(second));

  it.each([
    ['decorating a handler', () => OnRunFailed()],
    ['WebhooksModule.forRoot', () => WebhooksModule.forRoot({ sources: [], inbox: undefined as never })],
    ['WebhooksModule.forRootAsync', () => WebhooksModule.forRootAsync({ useFactory: () => undefined as never })],
  ])('is refused by %s, with both places', (_, step) => {
    expect(step).not.toThrow();
    copies.set(second, [...copies.values()][0]!);
    expect(step).toThrow(ConfigurationError);
    expect(step).toThrow(`libs and ${second}`);
  });
});

import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { OnRunFailed } from './on-run.decorator.js';

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

import { describe, expect, it } from '@jest/globals';
import { OnRunCanceled, OnRunFailed } from '../decorators/on-run.decorator.js';
import { decoratedMethodsOf } from './decorated-methods.js';

/** Returns the event types of each decorated method. */
function found(prototype: object): Record<string, unknown> {
  const methods = decoratedMethodsOf(prototype);
  return Object.fromEntries(
    methods.map(({ method, metadata }) => [
      String(method),
      metadata.flatMap(({ on }) => ('types' in on ? on.types : [])),
    ]),
  );
}

class Base {
  static readonly key = Symbol('key');

  @OnRunFailed()
  inherited(): void {}

  @OnRunFailed()
  overridden(): void {}

  @OnRunFailed()
  decoratedAgain(): void {}

  plain(): void {}
}

class Derived extends Base {
  override overridden(): void {}

  @OnRunCanceled()
  override decoratedAgain(): void {}

  @OnRunCanceled()
  override plain(): void {}

  @OnRunFailed()
  @OnRunCanceled()
  stacked(): void {}

  @OnRunFailed()
  [Base.key](): void {}

  get getter(): never {
    throw new Error('called');
  }
}

describe('decoratedMethodsOf', () => {
  it('returns own and inherited methods, and for an overridden one only the decorators of the override', () => {
    expect(found(Derived.prototype)).toEqual({
      decoratedAgain: ['run.canceled'],
      plain: ['run.canceled'],
      stacked: ['run.canceled', 'run.failed'],
      'Symbol(key)': ['run.failed'],
      inherited: ['run.failed'],
    });
  });

  it('returns the methods of a base class without those of a derived one', () => {
    expect(Object.keys(found(Base.prototype))).toEqual(['inherited', 'overridden', 'decoratedAgain']);
  });

  it.each([
    ['an object literal', Object.prototype],
    ['an array', Array.prototype],
    ['a function', Function.prototype],
    ['an object without a prototype', Object.create(null) as object],
  ])('returns nothing for %s', (_name, prototype) => {
    expect(decoratedMethodsOf(prototype)).toEqual([]);
  });
});

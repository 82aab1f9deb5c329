import { describe, expect, it } from '@jest/globals';
import { HandlerMetadataAccessor } from './handler-metadata.accessor.js';
import { OnRunCanceled, OnRunFailed } from '../decorators/on-run.decorator.js';

const accessor = new HandlerMetadataAccessor();

/** Each decorated method with the event types its decorators name. */
function found(prototype: object): Record<string, unknown> {
  const methods = accessor.methodsOf(prototype);
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

describe('the decorated methods of a class', () => {
  it('are its own and those it inherits; of an overridden method only what is said of the override counts', () => {
    expect(found(Derived.prototype)).toEqual({
      decoratedAgain: ['run.canceled'],
      plain: ['run.canceled'],
      stacked: ['run.canceled', 'run.failed'],
      'Symbol(key)': ['run.failed'],
      inherited: ['run.failed'],
    });
  });

  it('stay those of the base class there', () => {
    expect(Object.keys(found(Base.prototype))).toEqual(['inherited', 'overridden', 'decoratedAgain']);
  });

  it.each([
    ['an object literal', Object.prototype],
    ['an array', Array.prototype],
    ['a function', Function.prototype],
    ['an object without a prototype', Object.create(null) as object],
  ])('are none for %s', (_name, prototype) => {
    expect(accessor.methodsOf(prototype)).toEqual([]);
  });
});

import { ConfigurationError, kindOf } from 'nestjs-runhooks/core';

/** Correct calls of the decorators, for errors. JavaScript allows other calls, which the compiler rejects. */
const CALLS: Readonly<Record<string, string>> = {
  OnMessage: `@OnMessage('dbt-cloud', 'job.run.completed', { id: 'on-call.log' })`,
  OnRun: `@OnRun('run.failed', 'run.canceled', { id: 'on-call.page' })`,
  OnRunStuck: `@OnRunStuck({ afterMs: 3_600_000, id: 'on-call.slow' })`,
  OnAllRuns: `@OnAllRuns({ jobs: ['a', 'b'], withinMs: 3_600_000, id: 'reports.build' })`,
};

/**
 * Throws {@link ConfigurationError} unless the options of a decorator are one plain object. `count` is the number of
 * arguments that could be options. JavaScript would ignore surplus arguments, and one of them may be a filter.
 */
export function requireOptions(decorator: string, options: unknown, count: number): void {
  if (kindOf(options) !== 'an object' || isClass(options)) throw misuse(decorator, 'options', options, 'an object');
  if (count > 1) throw wrongCall(decorator, 'options', 'one object', `${count} arguments`);
}

/** Throws {@link ConfigurationError} unless an argument of a decorator is a non-empty string. */
export function requireName(decorator: string, parameter: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value !== '') return;
  throw misuse(decorator, parameter, value, 'a non-empty string');
}

function misuse(decorator: string, parameter: string, value: unknown, expected: string): ConfigurationError {
  return wrongCall(
    decorator,
    parameter,
    expected,
    isClass(value) ? 'a class: the decorator was not called' : kindOf(value),
  );
}

/** Returns the error for a wrong call of a decorator, with a correct call. */
export function wrongCall(decorator: string, parameter: string, expected: string, got: string): ConfigurationError {
  const call = CALLS[decorator] ?? `@${decorator}({ id: 'on-call.page' })`;
  return new ConfigurationError(`@${decorator} ${parameter}`, `expected ${expected}, got ${got}. Write ${call}`);
}

/** Without its parentheses, a decorator gets the prototype of the class, or the class on a static member or a class. */
function isClass(value: unknown): boolean {
  return (
    typeof value === 'function' || (typeof value === 'object' && value !== null && Object.hasOwn(value, 'constructor'))
  );
}

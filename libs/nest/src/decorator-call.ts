import { ConfigurationError } from 'nestjs-runhooks/core';

/** How each decorator is called, for errors: the compiler refuses another call, JavaScript does not. */
const CALLS: Readonly<Record<string, string>> = {
  OnMessage: `@OnMessage('dbt-cloud', 'job.run.completed', { id: 'on-call.log' })`,
  OnRun: `@OnRun('run.failed', 'run.canceled', { id: 'on-call.page' })`,
  OnRunStuck: `@OnRunStuck({ afterMs: 3_600_000, id: 'on-call.slow' })`,
  OnAllRuns: `@OnAllRuns({ jobs: ['a', 'b'], withinMs: 3_600_000, id: 'reports.build' })`,
};

/** Throws {@link ConfigurationError} unless a decorator was given its options as a plain object. */
export function requireOptions(decorator: string, options: unknown): void {
  // A class's prototype is what a decorator without parentheses is given.
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) {
    if (!Object.hasOwn(options, 'constructor')) return;
    throw misuse(decorator, 'options', 'a class: the decorator was not called');
  }
  throw misuse(decorator, 'options', kindOf(options), 'an object');
}

/** Throws {@link ConfigurationError} unless a decorator was given a name where it needs one. */
export function requireName(decorator: string, parameter: string, value: unknown): void {
  if (typeof value === 'string' && value !== '') return;
  throw misuse(decorator, parameter, kindOf(value), 'a non-empty string');
}

function misuse(decorator: string, parameter: string, found: string, expected = 'an object'): ConfigurationError {
  const call = CALLS[decorator] ?? `@${decorator}({ id: 'on-call.page' })`;
  return new ConfigurationError(`@${decorator} ${parameter}`, `expected ${expected}, got ${found}. Write ${call}`);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === '') return 'an empty string';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : typeof value;
}

import type { ProviderName } from 'nestjs-runhooks/core';
import { nearest, RUN_EVENT_TYPES, type RunEvent, type RunEventType } from 'nestjs-runhooks/internal';
import { requireName, requireOptions, wrongCall } from './decorator-call.js';
import { subscribe, type HandlerDecorator, type HandlerDecoratorOptions } from './handler.decorator.js';

type Options<T extends RunEventType, P extends ProviderName> = HandlerDecoratorOptions<RunEvent<T, P>, P>;

interface LateOption {
  /**
   * Whether the method also runs for a start that arrives after the run has ended.
   * @default false
   */
  readonly includeLate?: boolean;
}

type OptionsOfSeveral<T extends RunEventType, P extends ProviderName> = Options<T, P> &
  ('run.started' extends T ? LateOption : unknown);

/** Runs the method when a run starts. */
export function OnRunStarted<const P extends ProviderName = ProviderName>(
  options: Options<'run.started', P> & LateOption = {},
): HandlerDecorator<RunEvent<'run.started', P>> {
  requireOptions('OnRunStarted', options, arguments.length);
  return subscribe<RunEvent<'run.started', P>, P>({ types: ['run.started'] }, options);
}

/** Runs the method when a run has succeeded. */
export function OnRunSucceeded<const P extends ProviderName = ProviderName>(
  options: Options<'run.succeeded', P> = {},
): HandlerDecorator<RunEvent<'run.succeeded', P>> {
  requireOptions('OnRunSucceeded', options, arguments.length);
  return subscribe({ types: ['run.succeeded'] }, options);
}

/**
 * Runs the method once for a failed run, as soon as a message reports the failure. Results may not be available yet.
 *
 * ```ts
 * @OnRunFailed({ environment: 'Production', id: 'on-call.page' })
 * page(event: RunFailed, delivery: DeliveryContext): Promise<void> {}
 * ```
 */
export function OnRunFailed<const P extends ProviderName = ProviderName>(
  options: Options<'run.failed', P> = {},
): HandlerDecorator<RunEvent<'run.failed', P>> {
  requireOptions('OnRunFailed', options, arguments.length);
  return subscribe({ types: ['run.failed'] }, options);
}

/** Runs the method when a run was canceled. */
export function OnRunCanceled<const P extends ProviderName = ProviderName>(
  options: Options<'run.canceled', P> = {},
): HandlerDecorator<RunEvent<'run.canceled', P>> {
  requireOptions('OnRunCanceled', options, arguments.length);
  return subscribe({ types: ['run.canceled'] }, options);
}

/**
 * Runs the method when a job has recovered: at the first success that finished after the latest failure of its open
 * incident. `event.incident` describes the failures.
 */
export function OnRunRecovered<const P extends ProviderName = ProviderName>(
  options: Options<'run.recovered', P> = {},
): HandlerDecorator<RunEvent<'run.recovered', P>> {
  requireOptions('OnRunRecovered', options, arguments.length);
  return subscribe({ types: ['run.recovered'] }, options);
}

/** Runs the method when a run has ended, with any outcome. Its results, if any, are available. */
export function OnRunCompleted<const P extends ProviderName = ProviderName>(
  options: Options<'run.completed', P> = {},
): HandlerDecorator<RunEvent<'run.completed', P>> {
  requireOptions('OnRunCompleted', options, arguments.length);
  return subscribe({ types: ['run.completed'] }, options);
}

/**
 * Runs the method for each of several event types. Options may follow the types:
 * `@OnRun('run.failed', 'run.canceled', { job: 'nightly-*' })`.
 */
export function OnRun<const T extends RunEventType>(type: T, ...more: readonly T[]): HandlerDecorator<RunEvent<T>>;
// The arguments are inferred as one tuple. Otherwise different types before the options would not become a union.
export function OnRun<
  const T extends readonly [RunEventType, ...RunEventType[]],
  const P extends ProviderName = ProviderName,
>(...args: readonly [...types: T, options: OptionsOfSeveral<T[number], P>]): HandlerDecorator<RunEvent<T[number], P>>;
export function OnRun(
  ...args: readonly (RunEventType | OptionsOfSeveral<RunEventType, ProviderName>)[]
): HandlerDecorator<RunEvent> {
  const last = args.length > 1 ? args.at(-1) : undefined;
  const hasOptions = typeof last === 'object';
  const types = (hasOptions ? args.slice(0, -1) : args).map(requireType);
  if (types.length === 0) requireType(undefined);
  const options = hasOptions ? last : {};
  requireOptions('OnRun', options, 1);
  return subscribe<RunEvent, ProviderName>({ types }, options);
}

/** Words of providers and other tools, with the event type or decorator that they stand for. */
const MEANT: Readonly<Record<string, string>> = {
  errored: 'failed',
  error: 'failed',
  failure: 'failed',
  cancelled: 'canceled',
  success: 'succeeded',
  passed: 'succeeded',
  finished: 'completed',
  ended: 'completed',
  done: 'completed',
  stuck: '@OnRunStuck',
  joined: '@OnAllRuns',
  dead: '@OnDeadLetter',
};

/** Checks the type for JavaScript, where a handler of an unknown type or of none would never run. */
function requireType(type: unknown): RunEventType {
  requireName('OnRun', 'type', type);
  const known = RUN_EVENT_TYPES.find((one) => one === type);
  if (known !== undefined) return known;
  throw wrongCall('OnRun', 'type', `one of ${RUN_EVENT_TYPES.join(', ')}`, `"${type}"${hintFor(type)}`);
}

/** Compares only the last word, because types of providers have other words before it. */
function hintFor(type: string): string {
  const word = type.toLowerCase().split('.').at(-1) ?? '';
  const words = RUN_EVENT_TYPES.map((known) => known.slice('run.'.length));
  const near = Object.hasOwn(MEANT, word) ? MEANT[word] : nearest(word, words);
  if (near === undefined) return '';
  return ` (did you mean ${near.startsWith('@') ? near : `"run.${near}"`}?)`;
}

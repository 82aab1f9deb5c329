import { nearest, RUN_EVENT_TYPES, type ProviderName, type RunEvent, type RunEventType } from 'nestjs-runhooks/core';
import { requireName, requireOptions, wrongCall } from './decorator-call.js';
import { subscribe, type HandlerDecorator, type HandlerDecoratorOptions } from './handler.decorator.js';

type Options<T extends RunEventType, P extends ProviderName> = HandlerDecoratorOptions<RunEvent<T, P>, P>;

interface LateOption {
  /**
   * Also run for a start that arrives when the run is known to be over.
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

/** Runs the method when a run has ended well. */
export function OnRunSucceeded<const P extends ProviderName = ProviderName>(
  options: Options<'run.succeeded', P> = {},
): HandlerDecorator<RunEvent<'run.succeeded', P>> {
  requireOptions('OnRunSucceeded', options, arguments.length);
  return subscribe({ types: ['run.succeeded'] }, options);
}

/** Runs the method once for a run that failed, as early as that is known: its results may not be there yet. */
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
 * Runs the method when a job succeeds again: at the first success that finished after the latest failure of its open
 * incident. `event.incident` tells what it recovers from.
 */
export function OnRunRecovered<const P extends ProviderName = ProviderName>(
  options: Options<'run.recovered', P> = {},
): HandlerDecorator<RunEvent<'run.recovered', P>> {
  requireOptions('OnRunRecovered', options, arguments.length);
  return subscribe({ types: ['run.recovered'] }, options);
}

/** Runs the method when a run is over, however it ended: results, if there are any, can be fetched now. */
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
// Inferred as a tuple: as elements before the options, types that differ would not add up to a union.
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

/** Words of providers and of other tools, by the type or the decorator that they mean here. */
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

/** The compiler knows the types. In JavaScript an unknown one, or none, would be a handler that never runs. */
function requireType(type: unknown): RunEventType {
  requireName('OnRun', 'type', type);
  const known = RUN_EVENT_TYPES.find((one) => one === type);
  if (known !== undefined) return known;
  throw wrongCall('OnRun', 'type', `one of ${RUN_EVENT_TYPES.join(', ')}`, `"${type}"${hintFor(type)}`);
}

/** Looks at the last word alone: providers have other ones before it. */
function hintFor(type: string): string {
  const word = type.toLowerCase().split('.').at(-1) ?? '';
  const words = RUN_EVENT_TYPES.map((known) => known.slice('run.'.length));
  const near = Object.hasOwn(MEANT, word) ? MEANT[word] : nearest(word, words);
  if (near === undefined) return '';
  return ` (did you mean ${near.startsWith('@') ? near : `"run.${near}"`}?)`;
}

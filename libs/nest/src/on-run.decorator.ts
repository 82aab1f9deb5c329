import {
  ConfigurationError,
  nearest,
  RUN_EVENT_TYPES,
  type ProviderName,
  type RunEvent,
  type RunEventType,
} from 'nestjs-runhooks/core';
import { requireName, requireOptions } from './decorator-call.js';
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
  requireOptions('OnRunStarted', options);
  return subscribe<RunEvent<'run.started', P>, P>({ types: ['run.started'] }, options);
}

/** Runs the method when a run has ended well. */
export function OnRunSucceeded<const P extends ProviderName = ProviderName>(
  options: Options<'run.succeeded', P> = {},
): HandlerDecorator<RunEvent<'run.succeeded', P>> {
  requireOptions('OnRunSucceeded', options);
  return subscribe({ types: ['run.succeeded'] }, options);
}

/** Runs the method once for a run that failed, as early as that is known: its results may not be there yet. */
export function OnRunFailed<const P extends ProviderName = ProviderName>(
  options: Options<'run.failed', P> = {},
): HandlerDecorator<RunEvent<'run.failed', P>> {
  requireOptions('OnRunFailed', options);
  return subscribe({ types: ['run.failed'] }, options);
}

/** Runs the method when a run was canceled. */
export function OnRunCanceled<const P extends ProviderName = ProviderName>(
  options: Options<'run.canceled', P> = {},
): HandlerDecorator<RunEvent<'run.canceled', P>> {
  requireOptions('OnRunCanceled', options);
  return subscribe({ types: ['run.canceled'] }, options);
}

/**
 * Runs the method when a job succeeds again: at the first success that finished after the latest failure of its open
 * incident. `event.incident` tells what it recovers from.
 */
export function OnRunRecovered<const P extends ProviderName = ProviderName>(
  options: Options<'run.recovered', P> = {},
): HandlerDecorator<RunEvent<'run.recovered', P>> {
  requireOptions('OnRunRecovered', options);
  return subscribe({ types: ['run.recovered'] }, options);
}

/** Runs the method when a run is over, however it ended: results, if there are any, can be fetched now. */
export function OnRunCompleted<const P extends ProviderName = ProviderName>(
  options: Options<'run.completed', P> = {},
): HandlerDecorator<RunEvent<'run.completed', P>> {
  requireOptions('OnRunCompleted', options);
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
  const types: RunEventType[] = [];
  let options: OptionsOfSeveral<RunEventType, ProviderName> = {};
  for (const arg of args) {
    if (typeof arg === 'string') types.push(arg);
    else options = arg;
  }
  requireTypes(types);
  requireOptions('OnRun', options);
  return subscribe<RunEvent, ProviderName>({ types }, options);
}

/** The compiler knows the types. In JavaScript an unknown one, or none, would be a handler that never runs. */
function requireTypes(types: readonly string[]): void {
  requireName('OnRun', 'type', types[0]);
  const known: readonly string[] = RUN_EVENT_TYPES;
  const unknown = types.find((type) => !known.includes(type));
  if (unknown === undefined) return;
  const near = nearest(unknown, known);
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  throw new ConfigurationError('@OnRun type', `expected one of ${known.join(', ')}, got "${unknown}"${hint}`);
}

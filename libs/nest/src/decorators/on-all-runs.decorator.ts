import type { OnAllRunsOptions, ProviderName, RunsJoined } from 'nestjs-runhooks/core';
import { requireOptions } from './decorator-call.js';
import { subscribe, type HandlerDecorator, type HandlerDecoratorOptions } from './handler.decorator.js';

/**
 * Runs the method once when every job of `jobs` has finished within `withinMs` of each other, with the run of each.
 * A rerun replaces its job's run until all are there; each run counts once.
 */
export function OnAllRuns<const P extends ProviderName = ProviderName>(
  options: OnAllRunsOptions & Omit<HandlerDecoratorOptions<RunsJoined<P>, P>, 'job'>,
): HandlerDecorator<RunsJoined<P>> {
  requireOptions('OnAllRuns', options, arguments.length);
  const { jobs, withinMs, outcome, ...rest } = options;
  const barrier: OnAllRunsOptions = { jobs, withinMs, ...(outcome !== undefined && { outcome }) };
  return subscribe<RunsJoined<P>, P>({ barrier }, rest);
}

import type { ProviderName } from 'nestjs-runhooks/core';
import type { OnAllRunsOptions, RunsJoined } from 'nestjs-runhooks/internal';
import { requireOptions } from './decorator-call.js';
import { subscribe, type HandlerDecorator, type HandlerDecoratorOptions } from './handler.decorator.js';

/**
 * Runs the method once when a run of every job in `jobs` has finished within `withinMs` of the others. The event contains
 * these runs. Until then, a rerun replaces the run of its job. Each run counts once.
 *
 * ```ts
 * @OnAllRuns({ jobs: ['load-orders', 'load-customers'], withinMs: 3_600_000, id: 'reports.build' })
 * build(event: RunsJoined): Promise<void> {}
 * ```
 */
export function OnAllRuns<const P extends ProviderName = ProviderName>(
  options: OnAllRunsOptions & Omit<HandlerDecoratorOptions<RunsJoined<P>, P>, 'job'>,
): HandlerDecorator<RunsJoined<P>> {
  requireOptions('OnAllRuns', options, arguments.length);
  const { jobs, withinMs, outcome, ...rest } = options;
  const barrier: OnAllRunsOptions = { jobs, withinMs, ...(outcome !== undefined && { outcome }) };
  return subscribe<RunsJoined<P>, P>({ barrier }, rest);
}

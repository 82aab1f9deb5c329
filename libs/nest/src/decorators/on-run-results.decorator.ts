import type { ProviderName } from 'nestjs-runhooks/core';
import type { RunResultsEvent } from 'nestjs-runhooks/internal';
import { requireOptions } from './decorator-call.js';
import { subscribe, type HandlerDecorator, type HandlerDecoratorOptions } from './handler.decorator.js';

/**
 * Runs the method once for a run that is over, with what its models, tests and other nodes came to, or with the reason why
 * the run has no results. Runhooks fetches them from the provider's API, so the source needs access to it (`api`).
 *
 * ```ts
 * @OnRunResults({ environment: 'Production', id: 'board.update' })
 * update({ run, results }: RunResultsEvent): Promise<void> {}
 * ```
 */
export function OnRunResults<const P extends ProviderName = ProviderName>(
  options: HandlerDecoratorOptions<RunResultsEvent<P>, P> = {},
): HandlerDecorator<RunResultsEvent<P>> {
  requireOptions('OnRunResults', options, arguments.length);
  return subscribe<RunResultsEvent<P>, P>({ types: ['run.results'] }, options);
}

import type { ProviderName } from 'nestjs-runhooks/core';
import type { RunStuck, StuckAfter } from 'nestjs-runhooks/internal';
import { requireOptions } from './decorator-call.js';
import { subscribe, type HandlerDecorator, type HandlerDecoratorOptions } from './handler.decorator.js';

/**
 * Runs the method once for a run that has not ended after a fixed time (`afterMs`), or after a multiple of its job's usual
 * duration in the inbox (`p95Times`). If the run ends later, its other events follow as usual.
 *
 * ```ts
 * @OnRunStuck({ afterMs: 3_600_000, job: 'nightly-*', id: 'on-call.slow' })
 * page(event: RunStuck): Promise<void> {}
 * ```
 */
export function OnRunStuck<const P extends ProviderName = ProviderName>(
  options: StuckAfter & HandlerDecoratorOptions<RunStuck<P>, P>,
): HandlerDecorator<RunStuck<P>> {
  requireOptions('OnRunStuck', options, arguments.length);
  if ('afterMs' in options) {
    const { afterMs, ...rest } = options;
    return subscribe<RunStuck<P>, P>({ stuck: { afterMs } }, rest);
  }
  const { p95Times, runsMin, ...rest } = options;
  return subscribe<RunStuck<P>, P>({ stuck: { p95Times, ...(runsMin !== undefined && { runsMin }) } }, rest);
}

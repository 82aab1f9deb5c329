import type { HandlerOptions, Subscription } from 'nestjs-runhooks/core';

/** What one decorator says about its method. Stacked decorators add up to a list. */
export interface HandlerMetadata {
  readonly subscription: Subscription;
  readonly options: HandlerOptions;
}

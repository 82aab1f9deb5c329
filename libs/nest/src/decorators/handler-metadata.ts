import type { Subscription } from 'nestjs-runhooks/core';

/** What one decorator says about its method, as it was written. Stacked decorators add up to a list. */
export interface HandlerMetadata {
  readonly on: Subscription['on'];
  readonly options: object;
}

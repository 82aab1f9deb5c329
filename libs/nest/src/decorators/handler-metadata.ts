import type { Subscription } from 'nestjs-runhooks/internal';

/** The arguments of one decorator, unchecked. Stacked decorators add up to an array. */
export interface HandlerMetadata {
  readonly on: Subscription['on'];
  readonly options: object;
}

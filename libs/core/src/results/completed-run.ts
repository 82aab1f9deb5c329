import type { DeliveryContext, HandlerClaim } from '../handlers/handler.js';
import type { RunKey } from '../runs/run-state.js';
import type { Run } from '../runs/run.js';

/** A completed run whose results are recorded. */
export interface CompletedRun {
  readonly key: RunKey;
  readonly provider: string;
  readonly run: Run;
  /** End of the run, not after {@link receivedAt}: otherwise one fast clock would make all later runs look outdated. */
  readonly finishedAt: Date;
  /** When the message about its end was received. */
  readonly receivedAt: Date;
}

/** A delivery of a completed run to the handler that reads its results. */
export interface ResultsDelivery extends CompletedRun {
  readonly context: DeliveryContext;
  readonly claim: HandlerClaim;
}

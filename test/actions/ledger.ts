import type { ActionRefusalReason, DeliveryContext, RunFailed } from 'nestjs-runhooks';

/** An event about a run. */
export type AboutRun = Pick<RunFailed, 'source' | 'run'>;

/** What a client told a handler. */
export type Told =
  | { readonly outcome: 'answered'; readonly answer: string }
  | { readonly outcome: 'refused'; readonly reason: ActionRefusalReason };

/** End of a call that a handler made. */
export interface Receipt {
  readonly deliveryId: string;
  readonly source: string;
  /** Run of the event. */
  readonly runId: string;
  readonly told: Told;
  /** Latest time that the clock of the app had shown until then. */
  readonly at: Date;
}

/** What the handlers of all processes were told, in order. */
export class Ledger {
  readonly receipts: Receipt[] = [];

  constructor(readonly latestNow: () => Date) {}
}

/** Ledger of one process, which takes no entries after the process was killed. */
export class ProcessLedger {
  constructor(
    private readonly ledger: Ledger,
    private readonly isDead: () => boolean,
  ) {}

  add({ source, run }: AboutRun, { id: deliveryId }: DeliveryContext, told: Told): void {
    if (this.isDead()) throw new Error('this process was killed');
    this.ledger.receipts.push({ deliveryId, source, runId: run.id, told, at: this.ledger.latestNow() });
  }
}

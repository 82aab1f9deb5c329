/** A call of a handler. */
export interface Receipt {
  readonly handlerId: string;
  readonly deliveryId: string;
  readonly type: string;
  readonly source: string;
  readonly runId: string;
  readonly processNumber: number;
}

/** What the handlers of all processes have received, in order. */
export class Ledger {
  readonly receipts: Receipt[] = [];

  add(receipt: Receipt): void {
    this.receipts.push(receipt);
  }
}

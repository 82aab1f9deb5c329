import type { DeliveryContext, NodeFailed, NodeRecovered, RunResultsEvent } from 'nestjs-runhooks';

/** What an event said. */
export type Fact =
  | Pick<RunResultsEvent, 'type' | 'results' | 'isolated'>
  | Pick<NodeFailed, 'type' | 'node' | 'firstFailure' | 'late' | 'isolated' | 'incident'>
  | Pick<NodeRecovered, 'type' | 'node' | 'incident'>;

/** A call of a handler. */
export interface Receipt {
  readonly handlerId: string;
  readonly deliveryId: string;
  readonly eventId: string;
  readonly source: string;
  readonly runId: string;
  readonly processNumber: number;
  readonly fact: Fact;
}

/** What the handlers of all processes have received, in order. */
export class Ledger {
  readonly receipts: Receipt[] = [];

  add(receipt: Receipt): void {
    this.receipts.push(receipt);
  }
}

/** Ledger of one process, which takes no entries after the process was killed. */
export class ProcessLedger {
  constructor(
    private readonly ledger: Ledger,
    private readonly processNumber: number,
    private readonly isDead: () => boolean,
  ) {}

  add(event: RunResultsEvent | NodeFailed | NodeRecovered, { handlerId, id: deliveryId }: DeliveryContext): void {
    if (this.isDead()) throw new Error('this process was killed');
    const { id: eventId, source, run } = event;
    const { processNumber } = this;
    this.ledger.add({ handlerId, deliveryId, eventId, source, runId: run.id, processNumber, fact: factOf(event) });
  }
}

function factOf(event: RunResultsEvent | NodeFailed | NodeRecovered): Fact {
  switch (event.type) {
    case 'run.results':
      return { type: event.type, results: event.results, isolated: event.isolated };
    case 'node.failed': {
      const { type, node, firstFailure, late, isolated, incident } = event;
      return { type, node, firstFailure, late, isolated, ...(incident && { incident }) };
    }
    case 'node.recovered':
      return { type: event.type, node: event.node, incident: event.incident };
  }
}

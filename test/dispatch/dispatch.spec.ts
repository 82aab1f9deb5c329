import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Carried, DueDelivery, Transport } from 'nestjs-runhooks/core';
import { Bench, openStore, until } from './bench.js';
import { dispatchContract } from './dispatch-contract.js';

/** What is behind the transports of several processes: brings ids to any of them. */
class Courier {
  readonly carrying = new Set<Carried>();
  readonly runs = new Set<Promise<void>>();
  /** Ids taken, in order. */
  readonly offered: DueDelivery[] = [];
  isAway = false;
  #turn = 0;

  constructor(readonly isCareless: boolean) {}

  bring({ id }: DueDelivery): void {
    const processes = [...this.carrying];
    this.#turn += 1;
    // The careless one loses some, and brings others twice at once.
    const times = this.isCareless ? this.#turn % 3 : 1;
    for (let time = 0; time < times; time += 1) {
      const run = processes[(this.#turn + time) % processes.length]?.run(id).catch(() => undefined);
      if (!run) continue;
      this.runs.add(run);
      void run.finally(() => this.runs.delete(run));
    }
  }
}

class CourierTransport implements Transport {
  readonly description = 'Courier';
  #carried: Carried | undefined;

  constructor(readonly courier: Courier) {}

  start(carried: Carried): void {
    this.#carried = carried;
    this.courier.carrying.add(carried);
  }

  async room(): Promise<number> {
    if (this.courier.isAway) throw new Error('the courier is away');
    return Math.max(0, 100 - this.courier.runs.size);
  }

  async offer(due: readonly DueDelivery[]): Promise<void> {
    this.courier.offered.push(...due);
    for (const one of due) setImmediate(() => this.courier.bring(one));
  }

  async stop(): Promise<void> {
    if (this.#carried) this.courier.carrying.delete(this.#carried);
    await Promise.all(this.courier.runs);
  }
}

describe('the claim loop', () => {
  dispatchContract(() => undefined);
});

describe.each([
  ['a transport', false],
  ['a transport that loses ids and brings others twice', true],
])('%s', (_, isCareless) => {
  let courier: Courier;
  beforeEach(() => {
    courier = new Courier(isCareless);
  });
  dispatchContract(() => new CourierTransport(courier));
});

describe('a transport that is away', () => {
  it('is not waited for: deliveries are claimed meanwhile, which is said once, and carried again when it is back', async () => {
    const courier = new Courier(false);
    const bench = await Bench.open({ store: await openStore(), transport: new CourierTransport(courier) });
    bench.on('handler', () => undefined);
    courier.isAway = true;
    bench.dispatcher.start();
    for (const run of ['1', '2', '3']) await bench.send({ run });
    await until(async () => (await bench.inbox.counts()).deliveries.succeeded === 3);
    expect(courier.offered).toEqual([]);
    courier.isAway = false;
    await bench.send({ run: '4' });
    await until(async () => (await bench.inbox.counts()).deliveries.succeeded === 4);
    expect(courier.offered.length).toBeGreaterThanOrEqual(1);
    expect(bench.lines).toEqual([
      'error: Courier failed; deliveries are claimed from the inbox meanwhile: Error: the courier is away',
      'log: Courier carries deliveries again',
    ]);
    await bench.close();
  });
});

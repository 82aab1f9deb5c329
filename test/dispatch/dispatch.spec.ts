import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DispatchTarget, DueDelivery, DispatchTransport } from 'nestjs-runhooks/core';
import { CARRIED, DispatchHarness, held, openStore, until } from './dispatch-harness.js';
import { dispatchContract } from './dispatch-contract.js';

/** Backend shared by the transports of several processes. It gives each id to a free process. */
class Courier {
  readonly carrying = new Map<DispatchTarget, Set<Promise<void>>>();
  /** Offered ids in the order they arrived. */
  readonly offered: DueDelivery[] = [];
  readonly #waiting: string[] = [];
  isAway = false;

  constructor(readonly isCareless: boolean) {}

  get waiting(): number {
    return this.#waiting.length;
  }

  take({ id, attempt, dueAt }: DueDelivery): void {
    this.offered.push({ id, attempt, dueAt });
    // A careless courier loses some ids and delivers others twice.
    const turn = this.isCareless ? this.offered.length % 20 : 1;
    if (turn === 0) return;
    this.#waiting.push(id, ...(turn < 10 && this.isCareless ? [id] : []));
    setImmediate(() => this.#bring());
  }

  #bring(): void {
    for (const [carried, runs] of this.carrying) {
      while (runs.size < carried.concurrency && this.#waiting.length > 0) {
        const run = carried.run(this.#waiting.shift() ?? '').catch(() => undefined);
        runs.add(run);
        void run.then(() => runs.delete(run)).then(() => this.#bring());
      }
    }
  }
}

class CourierTransport implements DispatchTransport {
  readonly description = 'Courier';
  readonly #runs = new Set<Promise<void>>();
  #carried: DispatchTarget | undefined;

  constructor(readonly courier: Courier) {}

  start(carried: DispatchTarget): void {
    this.#carried = carried;
    this.courier.carrying.set(carried, this.#runs);
  }

  async room(): Promise<number> {
    if (this.courier.isAway) throw new Error('the courier is away');
    return this.courier.waiting < 250 ? 500 : 0;
  }

  async offer(due: readonly DueDelivery[]): Promise<void> {
    for (const one of due) this.courier.take(one);
  }

  async stop(): Promise<void> {
    if (this.#carried) this.courier.carrying.delete(this.#carried);
    await Promise.all(this.#runs);
  }
}

describe('dispatch by the claim loop', () => {
  dispatchContract(() => undefined);
});

describe.each([
  ['a transport', false],
  ['a transport that loses ids and delivers others twice', true],
])('dispatch by %s', (_, isCareless) => {
  let courier: Courier;
  beforeEach(() => {
    courier = new Courier(isCareless);
  });
  dispatchContract(() => new CourierTransport(courier));
});

describe('an unavailable transport', () => {
  it('is replaced by claims, logs the outage once, and is used again once it is back', async () => {
    const courier = new Courier(false);
    const harness = await DispatchHarness.open({ store: await openStore(), transport: new CourierTransport(courier) });
    harness.on('handler', () => undefined, CARRIED);
    courier.isAway = true;
    harness.dispatcher.start();
    for (const run of ['1', '2', '3']) await harness.send({ run });
    await until(async () => (await harness.inbox.counts()).deliveries.succeeded === 3);
    expect(courier.offered).toEqual([]);
    courier.isAway = false;
    // The first delivery asks the transport again, without waiting for its answer.
    for (const [index, run] of ['4', '5'].entries()) {
      await harness.send({ run });
      await until(async () => (await harness.inbox.counts()).deliveries.succeeded === 4 + index);
    }
    expect(courier.offered.length).toBeGreaterThanOrEqual(1);
    expect(harness.lines).toEqual([
      'error: Courier is unavailable; claiming deliveries from the inbox instead: Error: the courier is away',
      'log: Courier is dispatching again',
    ]);
    await harness.close();
  });

  it('does not delay other work when its response is slow', async () => {
    const courier = new Courier(false);
    const transport = new CourierTransport(courier);
    const { promise, release } = held();
    const harness = await DispatchHarness.open({ store: await openStore(), transport, concurrency: 2 });
    harness.on('handler', () => undefined, CARRIED);
    courier.isAway = true;
    harness.dispatcher.start();
    await until(() => harness.lines.length === 1);
    transport.room = async () => {
      await promise;
      return 500;
    };
    for (let run = 0; run < 10; run += 1) await harness.send({ run: `${run}` });
    await until(async () => (await harness.inbox.counts()).deliveries.succeeded === 10);
    release();
    await until(() => harness.lines.at(-1) === 'log: Courier is dispatching again');
    await harness.close();
  });

  it('is logged once when it still reports free slots', async () => {
    const transport = new CourierTransport(new Courier(false));
    const harness = await DispatchHarness.open({ store: await openStore(), transport });
    harness.on('handler', () => undefined, CARRIED);
    transport.offer = () => Promise.reject(new Error('it takes nothing'));
    harness.dispatcher.start();
    for (let run = 1; run <= 5; run += 1) {
      await harness.send({ run: `${run}` });
      await until(async () => (await harness.inbox.counts()).deliveries.succeeded === run);
    }
    await harness.close();
    expect(harness.lines).toEqual([
      'error: Courier is unavailable; claiming deliveries from the inbox instead: Error: it takes nothing',
    ]);
  });
});

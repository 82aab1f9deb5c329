import { createHash, randomUUID } from 'node:crypto';
import {
  IdSequence,
  type Appended,
  type ClaimedDelivery,
  type ClaimedMessage,
  type Decision,
  type NewEvent,
  type NewMessage,
  type Recorded,
  type Recording,
  type Settlement,
  type Store,
} from 'nestjs-runhooks/core';

/** What a claim asks for, where a case does not care. Times are milliseconds after {@link at}(0). */
interface ClaimOptions {
  readonly at?: number;
  readonly leaseMs?: number;
  readonly limit?: number;
}

/** Claimed work and the token it is held by. */
export interface Taken<T> {
  readonly lease: string;
  readonly items: readonly T[];
}

export const SOURCE = 'source';
export const HANDLER = 'handler';
export const LEASE_MS = 1_000;

/** Longer than any lease or delay of the contract. */
export const MUCH_LATER = 1_000_000_000;

/** Every case has the same time, and says when something happens in milliseconds after it. */
export function at(ms: number): Date {
  return new Date(Date.UTC(2026, 0, 1) + ms);
}

/** A store and the means to bring it to where a case begins. Every word to it is a word of the port. */
export class StoreHarness {
  store: Store;
  readonly #ids = new IdSequence();
  #made = 0;

  constructor(store: Store) {
    this.store = store;
  }

  /** Unlike every other one, except in what is given. */
  message(fields: Partial<Omit<NewMessage, 'id' | 'digest'>> = {}): NewMessage {
    this.#made += 1;
    const { receivedAt = at(0), body = Buffer.from(`{"made":${this.#made}}`) } = fields;
    return {
      source: SOURCE,
      provider: 'provider',
      messageKey: `key-${this.#made}`,
      headers: {},
      ...fields,
      id: this.#ids.next('msg', receivedAt),
      digest: createHash('sha256').update(body).digest(),
      body,
      receivedAt,
    };
  }

  append(fields?: Parameters<StoreHarness['message']>[0]): Promise<Appended> {
    return this.store.append(this.message(fields));
  }

  /** Unlike every other one, except in what is given. */
  event(fields: Partial<NewEvent> & { handlerIds?: readonly string[] } = {}): NewEvent {
    this.#made += 1;
    const { handlerIds = [HANDLER], ...rest } = fields;
    return {
      id: `run.succeeded:${SOURCE}/1/${this.#made}`,
      type: 'run.succeeded',
      occurredAt: at(0),
      data: '{}',
      deliveries: handlerIds.map((handlerId) => ({ id: this.#ids.next('dlv', at(0)), handlerId })),
      ...rest,
    };
  }

  /** One of its own, except in what is given. */
  decision(fields: Partial<Decision> = {}): Required<Decision> {
    this.#made += 1;
    return { id: `dec_${this.#made}`, by: 'an operator', reason: 'a reason', details: '{}', ...fields };
  }

  async takeMessages(options: ClaimOptions & { sources?: readonly string[] } = {}): Promise<Taken<ClaimedMessage>> {
    const lease = randomUUID();
    const { sources = [SOURCE], ...claim } = options;
    return { lease, items: await this.store.claimMessages({ ...claimOf(claim), lease, sources }) };
  }

  async takeDeliveries(
    options: ClaimOptions & { handlerIds?: readonly string[] } = {},
  ): Promise<Taken<ClaimedDelivery>> {
    const lease = randomUUID();
    const { handlerIds = [HANDLER], ...claim } = options;
    return { lease, items: await this.store.claimDeliveries({ ...claimOf(claim), lease, handlerIds }) };
  }

  /** Records every message taken, all in one batch. */
  record(taken: Taken<ClaimedMessage>, fields: Partial<Recording> = {}, now = at(0)): Promise<Recorded[]> {
    return this.store.record(
      taken.items.map(({ id }) => recordingOf(id, taken.lease, fields)),
      now,
    );
  }

  /** A message of its own is read into `event`; answers what was recorded. */
  async readInto(event: NewEvent, now = at(0)): Promise<Recorded | undefined> {
    await this.append();
    const [recorded] = await this.record(await this.takeMessages(), { decide: () => ({ events: [event] }) }, now);
    return recorded;
  }

  /** Ends an attempt; as a success unless said otherwise. */
  settle(held: { id: string; lease: string }, next: Settlement['next'] = { state: 'succeeded' }): Promise<boolean> {
    return this.store.settle(settlementOf(held, next), at(0));
  }
}

/** The only thing taken. */
export function onlyOne<T>({ items }: Taken<T>): T {
  const [first] = items;
  if (first === undefined || items.length > 1)
    throw new Error(`expected one thing to be claimed, found ${items.length}`);
  return first;
}

export function recordingOf(messageId: string, lease: string, fields: Partial<Recording> = {}): Recording {
  return { state: 'parsed', messageType: 'type', decide: () => ({ events: [] }), ...fields, messageId, lease };
}

export function settlementOf(held: { id: string; lease: string }, next: Settlement['next']): Settlement {
  const times = { startedAt: at(0), finishedAt: at(5) };
  return {
    deliveryId: held.id,
    lease: held.lease,
    attempt:
      next.state === 'succeeded' || next.state === 'skipped'
        ? { ...times, outcome: next.state }
        : {
            ...times,
            outcome: 'failed',
            error: { name: 'Error', message: 'did not work', stack: 'Error: did not work' },
          },
    next,
  };
}

function claimOf({ at: ms = 0, leaseMs = LEASE_MS, limit = 1_000 }: ClaimOptions) {
  return { now: at(ms), leaseMs, limit };
}

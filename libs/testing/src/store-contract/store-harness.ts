import { createHash, randomUUID } from 'node:crypto';
import type {
  Appended,
  ClaimedDelivery,
  ClaimedMessage,
  Decision,
  NewEvent,
  NewMessage,
  OwnClaim,
  Recorded,
  Recording,
  Settlement,
  Store,
} from 'nestjs-runhooks/core';
import { IdSequence } from 'nestjs-runhooks/internal';

/** Options for a claim. Times are milliseconds after {@link at}(0). */
interface ClaimOptions {
  readonly at?: number;
  readonly leaseMs?: number;
  readonly limit?: number;
}

/** Claimed work and the token of its claim. */
export interface Taken<T> {
  readonly lease: string;
  readonly items: readonly T[];
}

export const SOURCE = 'source';
export const HANDLER = 'handler';
export const LEASE_MS = 1_000;

/** Longer than any lease or delay of the contract. */
export const MUCH_LATER = 1_000_000_000;

/** Claim that a process makes of work it writes. */
export const OWN: OwnClaim = { lease: 'own', until: new Date(Date.UTC(2026, 0, 1) + LEASE_MS) };

/** Returns the time of the contract plus `ms` milliseconds. */
export function at(ms: number): Date {
  return new Date(Date.UTC(2026, 0, 1) + ms);
}

/** A store with methods that prepare it for a case. They use only the port. */
export class StoreHarness {
  store: Store;
  readonly #ids = new IdSequence();
  #created = 0;

  constructor(store: Store) {
    this.store = store;
  }

  /** Returns a unique message, except for the given fields. */
  message(fields: Partial<Omit<NewMessage, 'id' | 'digest'>> = {}): NewMessage {
    this.#created += 1;
    const { receivedAt = at(0), body = Buffer.from(`{"number":${this.#created}}`) } = fields;
    return {
      source: SOURCE,
      provider: 'provider',
      messageKey: `key-${this.#created}`,
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

  /** Returns a unique event, except for the given fields. */
  event(fields: Partial<NewEvent> & { handlerIds?: readonly string[]; claim?: OwnClaim } = {}): NewEvent {
    this.#created += 1;
    const { handlerIds = [HANDLER], claim, ...rest } = fields;
    return {
      id: `run.succeeded:${SOURCE}/1/${this.#created}`,
      type: 'run.succeeded',
      occurredAt: at(0),
      data: '{}',
      deliveries: handlerIds.map((handlerId) => ({
        id: this.#ids.next('dlv', at(0)),
        handlerId,
        ...(claim && { claim }),
      })),
      ...rest,
    };
  }

  /** Returns a unique decision, except for the given fields. */
  decision(fields: Partial<Decision> = {}): Required<Decision> {
    this.#created += 1;
    return { id: `dec_${this.#created}`, by: 'an operator', reason: 'a reason', details: '{}', ...fields };
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

  /** Records all claimed messages in one batch. */
  record(taken: Taken<ClaimedMessage>, fields: Partial<Recording> = {}, now = at(0)): Promise<Recorded[]> {
    return this.store.record(
      taken.items.map(({ id }) => recordingOf(id, taken.lease, fields)),
      now,
    );
  }

  /** Stores a new message, records it with `event`, and returns the result. */
  async recordEvent(event: NewEvent, now = at(0)): Promise<Recorded | undefined> {
    await this.append();
    const [recorded] = await this.record(await this.takeMessages(), { decide: () => ({ events: [event] }) }, now);
    return recorded;
  }

  /** Settles a delivery, by default as succeeded. */
  async settle(
    held: { id: string; lease: string },
    next: Settlement['next'] = { state: 'succeeded' },
  ): Promise<boolean | undefined> {
    const [isWritten] = await this.settleAll([settlementOf(held, next)]);
    return isWritten;
  }

  /** Returns for each settlement whether it was written. */
  async settleAll(settlements: readonly Settlement[], now = at(0)): Promise<boolean[]> {
    return (await this.store.record(settlements, now)).map(({ recorded }) => recorded);
  }
}

/** Returns the only item of a claim. */
export function onlyOne<T>({ items }: Taken<T>): T {
  const [first] = items;
  if (first === undefined || items.length > 1) throw new Error(`expected one claimed item, got ${items.length}`);
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

/** Returns the settlement of a delivery that becomes a dead letter, with an event about it. */
export function deathOf(held: { id: string; lease: string }, event: NewEvent): Settlement {
  return { ...settlementOf(held, { state: 'dead' }), decide: () => ({ events: [event] }) };
}

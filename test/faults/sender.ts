import { createHash } from 'node:crypto';
import type { Store } from 'nestjs-runhooks/core';
import { IdSequence } from 'nestjs-runhooks/internal';
import { same } from '../model/same.js';
import { failureOf } from './failure-of.js';

const BODY_BYTES = 20_000;
const AT_ONCE = 20;

/** Appends messages, several at a time, and remembers which were acknowledged. */
export class Sender {
  readonly acknowledged = new Set<string>();
  readonly #ids = new IdSequence();
  readonly #name: string;
  #sent = 0;

  /** @param name makes these messages differ from those of other senders */
  constructor(name = 'sender') {
    this.#name = name;
  }

  /** Rejects if any message was rejected. */
  async send(store: Store): Promise<void> {
    const words = Array.from({ length: AT_ONCE }, () => this.#sendOne(store));
    await Promise.allSettled(words);
    await Promise.all(words);
  }

  /** Appends until a message is rejected, and returns the error. */
  async appendUntilFull(store: Store): Promise<unknown> {
    for (;;) {
      const failure = await failureOf(this.send(store));
      if (failure !== undefined) return failure;
    }
  }

  /** Expects every acknowledged message to be stored and new messages to be accepted. */
  async expectRecovery(store: Store): Promise<void> {
    const stored = await storedIds(store);
    same(
      [...this.acknowledged].filter((id) => !stored.has(id)),
      [],
      'was acknowledged and is lost',
    );
    await this.send(store);
    same((await store.counts()).messages.stored, stored.size + AT_ONCE, 'stored messages');
  }

  async #sendOne(store: Store): Promise<void> {
    this.#sent += 1;
    const receivedAt = new Date();
    const body = Buffer.alloc(BODY_BYTES, `${this.#name} ${this.#sent} `);
    const digest = createHash('sha256').update(body).digest();
    const id = this.#ids.next('msg', receivedAt);
    const origin = { source: 'source', provider: 'provider', messageKey: '', headers: {} };
    await store.append({ ...origin, id, digest, body, receivedAt });
    this.acknowledged.add(id);
  }
}

async function storedIds(store: Store): Promise<Set<string>> {
  const ids = new Set<string>();
  let after: string | undefined;
  do {
    const page = await store.messages({}, { limit: 1_000, ...(after !== undefined && { after }) });
    for (const { id } of page.items) ids.add(id);
    after = page.next;
  } while (after !== undefined);
  return ids;
}

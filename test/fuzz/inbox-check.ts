import { createHash } from 'node:crypto';
import type { INestApplication } from '@nestjs/common';
import { Inbox } from 'nestjs-runhooks';
import { LIMITS } from 'nestjs-runhooks/internal';
import { waitUntilIdle } from 'nestjs-runhooks/testing';
import type { Proven } from './fuzz-case.js';
import { refute } from './fault.js';

const KEPT_HEADERS = ['webhook', 'svix'].flatMap((family) =>
  ['id', 'timestamp', 'signature'].map((part) => `${family}-${part}`),
);

/** Messages that one batch of requests may have left in the inbox. */
export class BatchRecord {
  readonly #proven = new Set<string>();
  readonly acceptedIds = new Set<string>();
  readonly duplicateIds = new Set<string>();

  prove(bytes: readonly Proven[]): void {
    for (const { source, body } of bytes) this.#proven.add(keyOf(source, body));
  }

  isProven(source: string, body: Uint8Array): boolean {
    return this.#proven.has(keyOf(source, body));
  }
}

function keyOf(source: string, body: Uint8Array): string {
  return `${source} ${createHash('sha256').update(body).digest('base64')}`;
}

/** Compares an inbox, batch after batch, with the proven bodies and the responses. */
export class InboxCheck {
  readonly #app: INestApplication;
  readonly #inbox: Inbox;
  #lastId = '';
  #stored = 0;

  constructor(app: INestApplication) {
    this.#app = app;
    this.#inbox = app.get(Inbox);
  }

  async after(batch: BatchRecord): Promise<void> {
    await waitUntilIdle(this.#app);
    const { messages, deliveries } = await this.#inbox.counts();
    refute(messages.stored > 0, () => `${messages.stored} messages were never parsed`);
    const { pending, dead } = deliveries;
    refute(pending + dead > 0, () => `${pending} deliveries are pending and ${dead} are dead`);

    const found = new Set(await this.#newMessages(batch));
    this.#stored += found.size;
    const all = Object.values(messages).reduce((sum, count) => sum + count, 0);
    refute(all !== this.#stored, () => `the inbox counts ${all} messages and lists ${this.#stored}`);
    for (const id of batch.acceptedIds) refute(!found.has(id), () => `${id} was accepted but is missing`);
    for (const id of batch.duplicateIds) {
      const isThere = found.has(id) || (await this.#inbox.message(id)) !== undefined;
      refute(!isThere, () => `${id} was reported as a duplicate but is missing`);
    }
  }

  async #newMessages(batch: BatchRecord): Promise<string[]> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await this.#inbox.messages({}, { limit: 100, ...(after !== undefined && { after }) });
      for (const { id } of page.items.filter((message) => message.id > this.#lastId)) {
        await this.#checkMessage(id, batch);
        ids.push(id);
      }
      const isOver = page.items.some(({ id }) => id <= this.#lastId);
      after = isOver ? undefined : page.next;
    } while (after !== undefined);
    this.#lastId = ids[0] ?? this.#lastId;
    return ids;
  }

  async #checkMessage(id: string, batch: BatchRecord): Promise<void> {
    const message = await this.#inbox.message(id);
    if (!message) throw new Error(`${id} is listed but missing`);
    const { source, headers, body, state, reason, notes = [] } = message;
    refute(!batch.isProven(source, body), () => `${id} of ${source} contains bytes without proof`);
    const header = Object.keys(headers).find((name) => source !== 'paradime' || !KEPT_HEADERS.includes(name));
    refute(header !== undefined, () => `${id} of ${source} was stored with its header ${header}`);
    const [odd] = notes.filter(
      ({ path, expected, found }) => !/^[^\p{C}]+$/u.test(path + expected + found) || found === '',
    );
    refute(odd !== undefined, () => `${id} of ${source} has the note ${JSON.stringify(odd)}`);
    refute(notes.length > LIMITS.notesMax, () => `${id} of ${source} has ${notes.length} notes`);
    refute(state !== 'parsed' && !reason, () => `${id} of ${source} is ${state} without a reason`);
  }
}

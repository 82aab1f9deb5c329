import { isStoreUnavailableError, StoreUnavailableError, type Appended, type NewMessage } from 'nestjs-runhooks/core';
import { timers } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';

interface Waiting {
  readonly message: NewMessage;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Stores messages that arrive at the same time by one statement and one commit. None resolves before the commit. If the
 * server rejects the content of one message, each message is stored alone.
 */
export class PostgresAppender {
  readonly #appendAll: (messages: readonly NewMessage[]) => Promise<Appended[]>;
  readonly #appendAlone: (message: NewMessage) => Promise<Appended>;
  #waiting: Waiting[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  #isScheduled = false;

  constructor(
    appendAll: (messages: readonly NewMessage[]) => Promise<Appended[]>,
    appendAlone: (message: NewMessage) => Promise<Appended>,
  ) {
    this.#appendAll = appendAll;
    this.#appendAlone = appendAlone;
  }

  /** Stores a message. Rejects with {@link StoreUnavailableError} if it is unknown whether the message was stored. */
  append(message: NewMessage): Promise<Appended> {
    if (this.#waiting.length >= SQL_LIMITS.writeQueueMax) {
      return Promise.reject(
        new StoreUnavailableError(`${SQL_LIMITS.writeQueueMax} messages are already waiting to be stored`),
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, resolve, reject });
      this.#schedule();
    });
  }

  /** Resolves when no message is waiting or being stored. */
  async settled(): Promise<void> {
    while (this.#waiting.length + this.#inFlight.size > 0) {
      this.#storeNext();
      await Promise.race(this.#inFlight);
    }
  }

  /** Stores all messages of this turn of the event loop together. */
  #schedule(): void {
    if (this.#isScheduled || this.#inFlight.size >= SQL_LIMITS.appendBatchesMax) return;
    this.#isScheduled = true;
    timers.setImmediate(() => {
      this.#isScheduled = false;
      this.#storeNext();
    });
  }

  #storeNext(): void {
    if (this.#waiting.length === 0 || this.#inFlight.size >= SQL_LIMITS.appendBatchesMax) return;
    const storing = this.#store(this.#nextBatch()).then(() => {
      this.#inFlight.delete(storing);
      this.#schedule();
    });
    this.#inFlight.add(storing);
    if (this.#waiting.length > 0) this.#schedule();
  }

  async #store(batch: readonly Waiting[]): Promise<void> {
    try {
      const appended = await this.#appendAll(batch.map(({ message }) => message));
      batch.forEach(({ resolve }, index) => resolve(appended[index] as Appended));
    } catch (error) {
      if (isStoreUnavailableError(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      for (const { message, resolve, reject } of batch) await this.#appendAlone(message).then(resolve, reject);
    }
  }

  /** Takes the messages that waited longest: at least one, however large. */
  #nextBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { message } of this.#waiting.slice(0, SQL_LIMITS.commitBatchMax)) {
      bytes += message.body.length;
      if (count > 0 && bytes > SQL_LIMITS.appendBatchBytesMax) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}

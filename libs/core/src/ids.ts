import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';

/** Of a message, or of a delivery. */
export type IdPrefix = 'msg' | 'dlv';

const countMax = 0xffff;
const randomBytes = 8;
const pooledIds = 256;

/**
 * Makes ids such as `msg_0198c0ffee00` + `0000` + `9f86d081884c7d65`: milliseconds since 1970 in 12 hexadecimal digits,
 * a count within the millisecond in 4, then 64 random bits, which make an id unguessable and unique among processes
 * (the layout of a UUIDv7 without its version bits; RFC 9562, 6.2). Ids of one sequence and prefix always increase as
 * text: a clock that stands still or steps back keeps the last time and counts on, and a full count borrows the next
 * millisecond.
 */
export class IdSequence {
  readonly #pool = Buffer.allocUnsafe(randomBytes * pooledIds);
  #poolAt = this.#pool.length;
  #timeMs = 0;
  #time = hex(0, 12);
  #count = -1;

  next(prefix: IdPrefix, now: Date): string {
    const nowMs = now.getTime();
    if (nowMs > this.#timeMs) this.#startMs(nowMs);
    else if (this.#count === countMax) this.#startMs(this.#timeMs + 1);
    this.#count++;
    return `${prefix}_${this.#time}${hex(this.#count, 4)}${this.#random()}`;
  }

  #startMs(timeMs: number): void {
    this.#timeMs = timeMs;
    this.#time = hex(timeMs, 12);
    this.#count = -1;
  }

  /** Asking the system for each id's bits would cost more than the rest of the id. */
  #random(): string {
    if (this.#poolAt === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#poolAt = 0;
    }
    const start = this.#poolAt;
    this.#poolAt += randomBytes;
    return this.#pool.toString('hex', start, this.#poolAt);
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

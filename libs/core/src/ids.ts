import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';

/** Prefix of the id of a message or a delivery. */
export type IdPrefix = 'msg' | 'dlv';

const countMax = 0xffff;
const randomBytes = 8;
const pooledIds = 256;

/**
 * Generator of ids such as `msg_0198c0ffee00` + `0000` + `9f86d081884c7d65`: milliseconds since 1970 in 12 hexadecimal
 * digits, a count within the millisecond in 4 digits, and 64 random bits, which make ids unguessable and unique among
 * processes. This is the layout of a UUIDv7 without its version bits (RFC 9562, 6.2).
 *
 * Ids of one sequence and prefix increase as text. If the clock stops or is set back, the last time is kept and the count
 * continues. A full count borrows the next millisecond.
 */
export class IdSequence {
  readonly #pool = Buffer.allocUnsafe(randomBytes * pooledIds);
  #poolAt = this.#pool.length;
  #timeMs = 0;
  #time = hex(0, 12);
  #count = -1;

  /** Returns the next id. */
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

  /** A system call for each id would take longer than the rest of the id. */
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

import { BYTE, BYTE_CLASSES, CLASS } from './json-bytes.js';
import { ARTIFACT_LIMITS } from './limits.js';
import { UnreadableFile } from './unreadable-file.js';

/** `[` and `{` are two below the bytes that close them. */
const CLOSING = 2;

/**
 * Finds the end of one value of JSON, in as many slices as it has. Checks which bytes stand outside strings, and that brackets
 * match, but no more: `JSON.parse` does that for the values that are needed.
 */
export class JsonValueScanner {
  #kind: 'string' | 'nested' | 'scalar' = 'scalar';
  #isOver = true;
  #isInString = false;
  #isEscaped = false;
  #depth = 0;
  #deepest = 0;
  readonly #open = new Uint8Array(ARTIFACT_LIMITS.depthMax);

  /** Whether the value has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isTooDeep(): boolean {
    return this.#deepest > ARTIFACT_LIMITS.depthMax;
  }

  /** Begins a value with its first byte, which {@link scan} then gets. */
  begin(byte: number): void {
    const byteClass = BYTE_CLASSES[byte];
    this.#isOver = false;
    this.#depth = 0;
    this.#deepest = 0;
    if (byteClass === CLASS.quote) this.#kind = 'string';
    else if (byteClass === CLASS.open) this.#kind = 'nested';
    else if (byteClass === CLASS.scalar) this.#kind = 'scalar';
    else throw new UnreadableFile('unreadable');
  }

  /** Returns the position after the value, or after the slice if the value has not ended. */
  scan(bytes: Uint8Array, at: number): number {
    if (this.#kind === 'nested') return this.#nested(bytes, at);
    if (this.#kind === 'scalar') return this.#scalar(bytes, at);
    const next = this.#isInString ? at : this.#openString(at);
    const end = this.#string(bytes, next);
    this.#isOver = !this.#isInString;
    return end;
  }

  #scalar(bytes: Uint8Array, start: number): number {
    let at = start;
    while (at < bytes.length && BYTE_CLASSES[bytes[at] ?? 0] === CLASS.scalar) at++;
    this.#isOver = at < bytes.length;
    return at;
  }

  #nested(bytes: Uint8Array, start: number): number {
    const end = bytes.length;
    let at = start;
    while (at < end) {
      if (this.#isInString) {
        at = this.#string(bytes, at);
        continue;
      }
      let byte = 0;
      let byteClass: number = CLASS.scalar;
      do {
        byte = bytes[at++] ?? 0;
        byteClass = BYTE_CLASSES[byte] ?? CLASS.illegal;
      } while (byteClass < CLASS.quote && at < end);
      if (byteClass === CLASS.quote) this.#isInString = true;
      else if (byteClass === CLASS.open) this.#enter(byte);
      else if (byteClass === CLASS.close) this.#leave(byte);
      else if (byteClass === CLASS.illegal) throw new UnreadableFile('unreadable');
      if (this.#isOver) return at;
    }
    return end;
  }

  #enter(byte: number): void {
    if (this.#depth < ARTIFACT_LIMITS.depthMax) this.#open[this.#depth] = byte;
    this.#depth++;
    if (this.#depth > this.#deepest) this.#deepest = this.#depth;
  }

  #leave(byte: number): void {
    this.#depth--;
    const isMatch = this.#depth >= ARTIFACT_LIMITS.depthMax || this.#open[this.#depth] === byte - CLOSING;
    if (!isMatch) throw new UnreadableFile('unreadable');
    this.#isOver = this.#depth === 0;
  }

  #openString(at: number): number {
    this.#isInString = true;
    return at + 1;
  }

  /** Returns the position after the string, or after the slice if the string has not ended. */
  #string(bytes: Uint8Array, start: number): number {
    const end = bytes.length;
    let at = start;
    if (this.#isEscaped && at < end) {
      this.#isEscaped = false;
      at++;
    }
    while (at < end) {
      const byte = bytes[at];
      if (byte === BYTE.quote) {
        this.#isInString = false;
        return at + 1;
      }
      at += byte === BYTE.backslash ? 2 : 1;
    }
    this.#isEscaped ||= at > end;
    return end;
  }
}

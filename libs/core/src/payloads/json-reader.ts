import { Buffer } from 'node:buffer';
import { jsonPath } from './json-path.js';
import { LIMITS } from '../limits.js';
import { UNSURE } from './unsure-value.js';

/** A parsed body, or a reason that names the place of an error but no value. */
export type JsonText = { ok: true; value: unknown } | { ok: false; reason: string };

/**
 * Parses JSON that the fast path of `parseJson` rejected. JSON.parse hides duplicate keys and rounding; its messages
 * quote the payload, and have no position on some versions of Node.
 */
export function readSlowly(text: string, start: number): JsonText {
  try {
    return { ok: true, value: new JsonReader(text, start).read() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.message };
    throw error;
  }
}

class Refusal extends Error {}

/** Throws a {@link Refusal} at the first error or exceeded limit. Recurses up to `LIMITS.jsonDepthMax` levels. */
class JsonReader {
  readonly #text: string;
  #at: number;
  #members = 0;
  #objects = 0;
  /** Current key or index of each open container, outermost first; `undefined` before the first key of an object. */
  readonly #places: (string | number | undefined)[] = [];

  constructor(text: string, start: number) {
    this.#text = text;
    this.#at = start;
  }

  read(): unknown {
    if (this.#next() === undefined) throw new Refusal('The body is empty; expected JSON.');
    const value = this.#value();
    if (this.#next() !== undefined) this.#unexpected();
    return value;
  }

  #value(): unknown {
    switch (this.#next()) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      case undefined:
        return this.#unexpected();
      default:
        return this.#number();
    }
  }

  #object(): object {
    const object: Record<string, unknown> = {};
    this.#container('}', () => {
      const key = this.#key();
      const value = this.#value();
      if (key === '__proto__') define(object, key, UNSURE.prototype);
      else object[key] = Object.hasOwn(object, key) ? UNSURE.twice : value;
    });
    return object;
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    this.#container(']', () => {
      this.#places[this.#places.length - 1] = items.length;
      items.push(this.#value());
    });
    return items;
  }

  #container(end: '}' | ']', readMember: () => void): void {
    if (this.#places.length === LIMITS.jsonDepthMax) {
      throw new Refusal(`The body is nested deeper than ${LIMITS.jsonDepthMax} levels ${this.#where()}.`);
    }
    if (end === '}' && ++this.#objects > LIMITS.jsonObjectsMax) {
      throw new Refusal(`The body has more than ${LIMITS.jsonObjectsMax} objects; the last is ${this.#where()}.`);
    }
    this.#places.push(undefined);
    this.#at++;
    if (this.#next() !== end) {
      do readMember();
      while (this.#next() === ',' && this.#skip(','));
    }
    this.#expect(end);
    this.#places.pop();
  }

  #key(): string {
    if (this.#next() !== '"') this.#unexpected();
    const key = this.#string();
    this.#places[this.#places.length - 1] = key;
    if (++this.#members > LIMITS.jsonMembersMax) {
      throw new Refusal(
        `The body has more than ${LIMITS.jsonMembersMax} object members; the last is ${this.#where()}.`,
      );
    }
    this.#next();
    this.#expect(':');
    return key;
  }

  #string(): string {
    const start = this.#at;
    this.#expect('"');
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || character < ' ') this.#unexpected();
      this.#at++;
      if (character === '"') return JSON.parse(this.#text.slice(start, this.#at)) as string;
      if (character === '\\') this.#escape();
    }
  }

  #escape(): void {
    const unicode = this.#text[this.#at] === 'u';
    this.#expect('"\\/bfnrtu');
    for (let digits = unicode ? 4 : 0; digits > 0; digits--) this.#expect('0123456789abcdefABCDEF');
  }

  #word<T>(word: string, value: T): T {
    for (const letter of word) this.#expect(letter);
    return value;
  }

  #number(): number | symbol {
    const start = this.#at;
    this.#skip('-');
    if (!this.#skip('0')) this.#digits();
    if (this.#skip('.')) this.#digits();
    if (this.#skip('eE')) {
      this.#skip('+-');
      this.#digits();
    }
    const value = Number(this.#text.slice(start, this.#at));
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : UNSURE.rounded;
  }

  #digits(): void {
    this.#expect('0123456789');
    while (this.#skip('0123456789'));
  }

  /** Returns the next character that is not whitespace without consuming it, or `undefined` at the end of the text. */
  #next(): string | undefined {
    while (this.#skip(' \n\r\t'));
    return this.#text[this.#at];
  }

  /** Consumes the current character if it is one of these. */
  #skip(characters: string): boolean {
    const character = this.#text[this.#at];
    if (character === undefined || !characters.includes(character)) return false;
    this.#at++;
    return true;
  }

  #expect(characters: string): void {
    if (!this.#skip(characters)) this.#unexpected();
  }

  #unexpected(): never {
    const what = this.#at < this.#text.length ? 'an unexpected character' : 'it ends too early,';
    const byte = Buffer.byteLength(this.#text.slice(0, this.#at));
    throw new Refusal(`The body is not JSON: ${what} at byte ${byte}, ${this.#where()}.`);
  }

  #where(): string {
    const path = jsonPath(this.#places);
    return path === '' ? 'at the top level' : `at ${path}`;
  }
}

/** Defines a property without an assignment, which would set the prototype if the key is `__proto__`. */
export function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
}

/** Returns the position of the first invalid bytes in a body that is not UTF-8. They decode to U+FFFD. */
export function invalidUtf8At(bytes: Buffer): number {
  const text = bytes.toString('utf8');
  let byte = 0;
  let from = 0;
  for (;;) {
    const at = text.indexOf('\ufffd', from);
    byte += Buffer.byteLength(text.slice(from, at));
    const written = bytes[byte] === 0xef && bytes[byte + 1] === 0xbf && bytes[byte + 2] === 0xbd;
    if (!written) return byte;
    byte += 3;
    from = at + 1;
  }
}

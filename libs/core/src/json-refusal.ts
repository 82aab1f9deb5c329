import { Buffer } from 'node:buffer';
import { LIMITS } from './limits.js';

/**
 * Says why `parseJson` refused a text, with the place. It reads the text again, slowly, because JSON.parse hides
 * duplicate keys and rounding, and its error messages quote the payload and give no position on some versions of Node.
 */
export function refusalOf(text: string, start: number): string {
  try {
    new JsonCheck(text, start).run();
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
  // Not reached while both readers agree, which a property test holds; refusing is the safe side if they should not.
  return 'The body cannot be read as JSON.';
}

class Refusal extends Error {}

/** Throws a {@link Refusal} at the first fault. Recurses at most `LIMITS.jsonDepthMax` deep. */
class JsonCheck {
  readonly #text: string;
  #at: number;
  #members = 0;
  #objects = 0;
  /** The key or index being read in each open container, outermost first; undefined before an object's first key. */
  readonly #places: (string | number | undefined)[] = [];

  constructor(text: string, start: number) {
    this.#text = text;
    this.#at = start;
  }

  run(): void {
    if (this.#next() === undefined) throw new Refusal('The body is empty; JSON was expected.');
    this.#value();
    if (this.#next() !== undefined) this.#unexpected();
  }

  #value(): void {
    switch (this.#next()) {
      case '{':
        return this.#container('}', new Set());
      case '[':
        return this.#container(']', undefined);
      case '"':
        this.#string();
        return;
      case 't':
        return this.#word('true');
      case 'f':
        return this.#word('false');
      case 'n':
        return this.#word('null');
      case undefined:
        return this.#unexpected();
      default:
        return this.#number();
    }
  }

  /** An object if there are `keys` to collect, else an array. */
  #container(end: '}' | ']', keys: Set<string> | undefined): void {
    if (this.#places.length === LIMITS.jsonDepthMax) {
      throw new Refusal(`The body is nested deeper than ${LIMITS.jsonDepthMax} levels ${this.#where()}.`);
    }
    if (keys !== undefined && ++this.#objects > LIMITS.jsonObjectsMax) {
      throw new Refusal(`The body has more than ${LIMITS.jsonObjectsMax} objects; the last is ${this.#where()}.`);
    }
    const depth = this.#places.push(undefined);
    this.#at++;
    if (this.#next() !== end) {
      let index = 0;
      do {
        if (keys === undefined) this.#places[depth - 1] = index++;
        else this.#key(keys);
        this.#value();
      } while (this.#next() === ',' && this.#skip(','));
    }
    this.#expect(end);
    this.#places.pop();
  }

  #key(keys: Set<string>): void {
    if (this.#next() !== '"') this.#unexpected();
    const start = this.#at;
    this.#string();
    const key = JSON.parse(this.#text.slice(start, this.#at)) as string;
    this.#places[this.#places.length - 1] = key;
    if (keys.has(key)) throw new Refusal(`The same key is given twice ${this.#where()}.`);
    if (++this.#members > LIMITS.jsonMembersMax) {
      throw new Refusal(
        `The body has more than ${LIMITS.jsonMembersMax} object members; the last is ${this.#where()}.`,
      );
    }
    if (key === '__proto__') throw new Refusal(`The key __proto__ is not accepted ${this.#where()}.`);
    keys.add(key);
    this.#next();
    this.#expect(':');
  }

  #string(): void {
    this.#expect('"');
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || character < ' ') this.#unexpected();
      this.#at++;
      if (character === '"') return;
      if (character === '\\') this.#escape();
    }
  }

  #escape(): void {
    const unicode = this.#text[this.#at] === 'u';
    this.#expect('"\\/bfnrtu');
    for (let digits = unicode ? 4 : 0; digits > 0; digits--) this.#expect('0123456789abcdefABCDEF');
  }

  #word(word: string): void {
    for (const letter of word) this.#expect(letter);
  }

  #number(): void {
    const start = this.#at;
    this.#skip('-');
    if (!this.#skip('0')) this.#digits();
    if (this.#skip('.')) this.#digits();
    if (this.#skip('eE')) {
      this.#skip('+-');
      this.#digits();
    }
    if (Math.abs(Number(this.#text.slice(start, this.#at))) <= Number.MAX_SAFE_INTEGER) return;
    throw new Refusal(`The number ${this.#where()} is beyond ±(2^53−1) and would be rounded.`);
  }

  #digits(): void {
    this.#expect('0123456789');
    while (this.#skip('0123456789'));
  }

  /** The next character that is not space, without taking it. Undefined at the end of the text. */
  #next(): string | undefined {
    while (this.#skip(' \n\r\t'));
    return this.#text[this.#at];
  }

  /** Takes the character here if it is one of these. */
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

/** Such as `commands[3].id`. Printable and bounded, because it goes into logs and a sender chose the keys. */
function jsonPath(places: readonly (string | number | undefined)[]): string {
  let path = places.length > LIMITS.placesShownMax ? '...' : '';
  for (const place of places.slice(-LIMITS.placesShownMax)) {
    if (typeof place === 'number') path += `[${place}]`;
    else if (place !== undefined) path += keyInPath(place, path === '');
  }
  return path;
}

function keyInPath(key: string, first: boolean): string {
  const shown = key.length > LIMITS.keyCharsShownMax ? `${key.slice(0, LIMITS.keyCharsShownMax)}...` : key;
  if (/^[A-Za-z_$][\w$-]*$/.test(shown)) return first ? shown : `.${shown}`;
  return `[${JSON.stringify(shown.replace(/[^\x20-\x7e\p{L}\p{M}\p{N}]/gu, '?'))}]`;
}

/** Where the first bytes that are not UTF-8 start, in a body known to hold some: they decode to U+FFFD. */
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

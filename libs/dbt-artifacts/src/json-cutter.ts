import { Buffer, isUtf8 } from 'node:buffer';
import { BYTE, BYTE_CLASSES, CLASS } from './json-bytes.js';
import { JsonValueScanner } from './json-value.js';
import { ARTIFACT_LIMITS } from './limits.js';
import { UnreadableFile } from './unreadable-file.js';

const BOM = [0xef, 0xbb, 0xbf] as const;

/** Receiver of the values of a document. */
export interface JsonSink {
  /**
   * Members of the root that are cut into their own members, and the bracket each opens with. A member that is not such an
   * array or object is one value.
   */
  readonly containers: ReadonlyMap<string, '[' | '{'>;
  /** Called where a container opens. If a name is repeated, the last one counts, as in `JSON.parse`. */
  open(container: string): void;
  /** Returns whether {@link take} needs the value. `container` is absent for a member of the root. */
  wants(key: string | number, container?: string): boolean;
  /** Takes the text of a value. It is absent if the value is too large, nested too deep or not UTF-8. */
  take(text: string | undefined, key: string | number, container?: string): void;
}

/** Rules for the next byte that is not a space. */
type Expected = 'root' | 'key' | 'key-or-end' | 'colon' | 'value' | 'value-or-end' | 'comma-or-end' | 'end';

/**
 * Cuts a JSON document whose root is an object into its values, slice by slice, and holds no more than the current value. The
 * text of a value can still be other than JSON; everything around the values is checked.
 *
 * @throws {UnreadableFile} from each method, if the document is not JSON, or its root is not an object.
 */
export class JsonCutter {
  readonly #sink: JsonSink;
  readonly #value = new JsonValueScanner();
  /** Slices of the current value before the current slice. */
  #parts: Buffer[] = [];
  #size = 0;
  #isWanted = false;
  #isKey = false;
  #expected: Expected = 'root';
  #bomBytes = 0;
  /** Key of the current member of the root. */
  #key = '';
  /** Container that is being cut, with the key or index of its current member. */
  #container: { readonly name: string; readonly isArray: boolean; key: string | number } | undefined;

  constructor(sink: JsonSink) {
    this.#sink = sink;
  }

  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (!this.#value.isOver) {
        at = this.#scan(bytes, at);
        continue;
      }
      const byte = bytes[at] ?? 0;
      if (BYTE_CLASSES[byte] === CLASS.space) {
        this.#endBom();
        at++;
      } else if (this.#beginsValue(byte)) this.#begin(byte);
      else at++;
    }
  }

  /** Ends the document. */
  end(): void {
    if (this.#expected !== 'end') throw new UnreadableFile('unreadable');
  }

  /** Checks a byte between two values. Returns whether it is the first one of a value or key that is scanned. */
  #beginsValue(byte: number): boolean {
    switch (this.#expected) {
      case 'root':
        this.#openRoot(byte);
        return false;
      case 'colon':
        this.#require(byte === BYTE.colon);
        this.#expected = 'value';
        return false;
      case 'comma-or-end':
        if (this.#closes(byte)) return false;
        this.#require(byte === BYTE.comma);
        this.#expected = this.#container?.isArray === true ? 'value' : 'key';
        return false;
      case 'key-or-end':
      case 'key':
        if (this.#expected === 'key-or-end' && this.#closes(byte)) return false;
        this.#require(byte === BYTE.quote);
        return true;
      case 'value-or-end':
        return !this.#closes(byte);
      case 'value':
        return !this.#opens(byte);
      case 'end':
        throw new UnreadableFile('unreadable');
    }
  }

  #openRoot(byte: number): void {
    if (byte === BOM[this.#bomBytes]) {
      this.#bomBytes++;
      return;
    }
    this.#endBom();
    this.#require(byte === BYTE.brace);
    this.#expected = 'key-or-end';
  }

  /** A byte order mark is complete or absent, and nothing stands before it. */
  #endBom(): void {
    this.#require(this.#bomBytes % BOM.length === 0);
    this.#bomBytes = BOM.length;
  }

  /** Opens a container, if the byte begins one. */
  #opens(byte: number): boolean {
    if (this.#container !== undefined) return false;
    const bracket = this.#sink.containers.get(this.#key);
    if (bracket === undefined || byte !== bracket.charCodeAt(0)) return false;
    const isArray = bracket === '[';
    this.#sink.open(this.#key);
    this.#container = { name: this.#key, isArray, key: 0 };
    this.#expected = isArray ? 'value-or-end' : 'key-or-end';
    return true;
  }

  /** Closes the container or the root, if the byte does that. */
  #closes(byte: number): boolean {
    if (byte !== (this.#container?.isArray === true ? BYTE.bracketEnd : BYTE.braceEnd)) return false;
    this.#expected = this.#container === undefined ? 'end' : 'comma-or-end';
    this.#container = undefined;
    return true;
  }

  #begin(byte: number): void {
    this.#isKey = this.#expected === 'key' || this.#expected === 'key-or-end';
    this.#isWanted = this.#isKey || this.#sink.wants(this.#container?.key ?? this.#key, this.#container?.name);
    this.#value.begin(byte);
  }

  #scan(bytes: Buffer, start: number): number {
    const end = this.#value.scan(bytes, start);
    if (this.#isWanted) {
      this.#size += end - start;
      if (this.#size > ARTIFACT_LIMITS.valueBytesMax) this.#parts = [];
      else if (end > start) this.#parts.push(bytes.subarray(start, end));
    }
    if (this.#value.isOver) this.#finish();
    return end;
  }

  #finish(): void {
    const text = this.#isWanted ? this.#text() : undefined;
    this.#parts = [];
    this.#size = 0;
    if (this.#isKey) {
      this.#expected = 'colon';
      this.#setKey(text);
      return;
    }
    this.#expected = 'comma-or-end';
    const container = this.#container;
    if (this.#isWanted) this.#sink.take(text, container?.key ?? this.#key, container?.name);
    if (container?.isArray === true && typeof container.key === 'number') container.key++;
  }

  #text(): string | undefined {
    if (this.#size > ARTIFACT_LIMITS.valueBytesMax || this.#value.isTooDeep) return undefined;
    const [only] = this.#parts;
    const bytes = this.#parts.length === 1 && only ? only : Buffer.concat(this.#parts);
    return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
  }

  #setKey(text: string | undefined): void {
    const key = parsedKey(text);
    if (this.#container === undefined) this.#key = key;
    else this.#container.key = key;
  }

  #require(isAsExpected: boolean): void {
    if (!isAsExpected) throw new UnreadableFile('unreadable');
  }
}

function parsedKey(text: string | undefined): string {
  try {
    if (text !== undefined) return JSON.parse(text) as string;
  } catch {
    // A key with a wrong escape makes the whole document unreadable, as one that is too long or not UTF-8 does.
  }
  throw new UnreadableFile('unreadable');
}

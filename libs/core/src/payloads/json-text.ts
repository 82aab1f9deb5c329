import { Buffer, isUtf8 } from 'node:buffer';
import { invalidUtf8At, readSlowly, type JsonText } from './json-reader.js';
import { LIMITS } from '../limits.js';

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

export type { JsonText } from './json-reader.js';

/**
 * Parses a JSON body (RFC 8259) in linear time. A symbol replaces each value that JSON.parse would silently change:
 *
 * - a duplicate key of an object, in any spelling,
 * - a number beyond ±(2^53−1), in any spelling, such as `1e400` or `9007199254740993.0`,
 * - the key `__proto__`, so that copying a value member by member cannot change a prototype.
 *
 * `validatePayload` rejects these symbols in deciding fields, and leaves them out with a note in others. Bodies that
 * exceed 64 levels, 20,000 members or 10,000 objects are rejected.
 * Fractions are rounded as JSON.parse does. One leading byte order mark is skipped. Escaped NUL and lone surrogates are
 * kept. Positions count bytes from 0.
 */
export function parseJson(body: Uint8Array): JsonText {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!isUtf8(bytes)) {
    return { ok: false, reason: `The body is not UTF-8: an invalid sequence starts at byte ${invalidUtf8At(bytes)}.` };
  }
  const text = bytes.toString('utf8');
  const start = text.startsWith('\ufeff') ? 1 : 0;
  const members = membersWritten(text, start);
  if (members !== undefined) {
    try {
      const value: unknown = JSON.parse(text.slice(start));
      // JSON.parse keeps only one of two members with the same key, so the counts differ.
      if (membersRead(value) === members) return { ok: true, value };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return readSlowly(text, start);
}

/** Returns the members of all objects, which are the colons outside strings, or `undefined` if a limit is exceeded. */
function membersWritten(text: string, start: number): number | undefined {
  let members = 0;
  let objects = 0;
  let depth = 0;
  let backslash = -1;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      // Both searches only move forward, so JSON full of escapes is searched once.
      let from = at + 1;
      at = text.indexOf('"', from);
      for (;;) {
        if (at < 0) return undefined;
        if (backslash < from) backslash = nextBackslash(text, from);
        if (backslash > at) break;
        from = backslash + 2;
        if (at < from) at = text.indexOf('"', from);
      }
    } else if (code === COLON) {
      if (++members > LIMITS.jsonMembersMax) return undefined;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > LIMITS.jsonDepthMax) return undefined;
      if (code === OPEN_BRACE && ++objects > LIMITS.jsonObjectsMax) return undefined;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--;
    }
  }
  return members;
}

/** Returns the end of the text if no backslash follows. */
function nextBackslash(text: string, from: number): number {
  const at = text.indexOf('\\', from);
  return at < 0 ? text.length : at;
}

/** Returns the members of all objects in a value, or NaN for a number that may be rounded or a key `__proto__`. */
function membersRead(value: unknown): number {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? 0 : Number.NaN;
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value) members += membersRead(item);
    return members;
  }
  for (const key of Object.keys(value)) {
    members += key === '__proto__' ? Number.NaN : 1 + membersRead((value as Record<string, unknown>)[key]);
  }
  return members;
}

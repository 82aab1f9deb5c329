import { LIMITS } from './limits.js';

const PLAIN = /^[\x20-\x7e]*$/;
/**
 * Characters that control, hide or reorder text in a terminal or a log viewer: control and format characters, line
 * separators, invisible characters, lone surrogates. The variation selector of emojis is allowed.
 */
const UNPRINTABLE = /(?!\ufe0f)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const CUT = ' […] ';

/**
 * Returns `text` as one printable line of up to `charsMax` UTF-16 code units. Unprintable characters are escaped as in JSON
 * (`\n`, `\u202e`), beyond the basic plane as `\u{e0041}`. A longer text loses its middle, because its start names the
 * subject and its end the remedy. A printable line is returned unchanged.
 */
export function oneLine(text: string, charsMax: number = LIMITS.lineCharsMax): string {
  if (text.length <= charsMax && PLAIN.test(text)) return text;
  // The text is cut before escaping, so that a huge text costs little, and after it, because escapes are longer.
  return withoutMiddle(withoutMiddle(text, charsMax).replace(UNPRINTABLE, escaped), charsMax);
}

/** Returns the name of an object of the provider, for a part of a line. */
export function shortName(name: string): string {
  return oneLine(name, LIMITS.nameCharsLoggedMax);
}

function withoutMiddle(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const tailChars = Math.floor(charsMax / 4);
  const head = text.slice(0, charsMax - CUT.length - tailChars);
  const tail = text.slice(text.length - tailChars);
  // A cut pair of surrogates is removed.
  return head.replace(/[\ud800-\udbff]$/, '') + CUT + tail.replace(/^[\udc00-\udfff]/, '');
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return SHORT[character] ?? (code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`);
}

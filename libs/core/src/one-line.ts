import { LIMITS } from './limits.js';

const PLAIN = /^[\x20-\x7e]*$/;
/**
 * Characters that a terminal or a log viewer obeys, hides or reorders by: control and format characters, separators of
 * lines, invisible ones, lone surrogates. Not the selector that makes an emoji of a sign, which changes nothing else.
 */
const UNPRINTABLE = /(?!\ufe0f)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const CUT = ' […] ';

/**
 * Returns `text` as one printable line of at most `charsMax` UTF-16 code units. Unprintable characters are written out
 * as in JSON (`\n`, `\u202e`), beyond the basic plane as `\u{e0041}`. A longer text loses its middle: its start says
 * what it is about, its end what to do. A line that is one already is returned as it is.
 */
export function oneLine(text: string, charsMax: number = LIMITS.lineCharsMax): string {
  if (text.length <= charsMax && PLAIN.test(text)) return text;
  // Cut before, so that a huge text costs little, and after, because what is written out is longer.
  return withoutMiddle(withoutMiddle(text, charsMax).replace(UNPRINTABLE, writtenOut), charsMax);
}

/** The name of something outside, as part of a line. */
export function shortName(name: string): string {
  return oneLine(name, LIMITS.nameCharsLoggedMax);
}

function withoutMiddle(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const tailChars = Math.floor(charsMax / 4);
  const head = text.slice(0, charsMax - CUT.length - tailChars);
  const tail = text.slice(text.length - tailChars);
  // A pair of surrogates that was cut in two is left out.
  return head.replace(/[\ud800-\udbff]$/, '') + CUT + tail.replace(/^[\udc00-\udfff]/, '');
}

function writtenOut(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return SHORT[character] ?? (code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`);
}

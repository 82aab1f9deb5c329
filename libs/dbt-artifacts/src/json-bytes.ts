/** Bytes that have a meaning in JSON. */
export const BYTE = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  backslash: 0x5c,
  bracketEnd: 0x5d,
  brace: 0x7b,
  braceEnd: 0x7d,
} as const;

/** Classes of the bytes outside strings. Those below `quote` have no meaning for where a value ends. */
export const CLASS = { scalar: 0, space: 1, separator: 2, quote: 3, open: 4, close: 5, illegal: 6 } as const;

/**
 * Class of each byte. Bytes of numbers, of `true`, `false` and `null`, and of Python's `NaN` and `Infinity` are `scalar`. All
 * other bytes, such as those of HTML or of conflict markers, cannot stand outside a string.
 */
export const BYTE_CLASSES: Uint8Array = classes();

function classes(): Uint8Array {
  const table = new Uint8Array(256).fill(CLASS.illegal);
  const set = (characters: string, value: number): void => {
    for (const character of characters) table[character.charCodeAt(0)] = value;
  };
  set('0123456789+-.eEtrufalsnNIiy', CLASS.scalar);
  set(' \t\n\r', CLASS.space);
  set(',:', CLASS.separator);
  set('"', CLASS.quote);
  set('[{', CLASS.open);
  set(']}', CLASS.close);
  return table;
}

import { Buffer } from 'node:buffer';

/** Object of a file of dbt. Every member of it can be missing, or of another type than dbt documents. */
export type Fields = Readonly<Record<string, unknown>>;

/** Returns an object as it is, and no members for other values. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns a string that is not blank, or `undefined`. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/**
 * Returns a string without line breaks, other control characters, halves of characters and surrounding spaces, and at most
 * `charsMax` long.
 */
export function wordOf(value: unknown, charsMax: number): string | undefined {
  const text = textOf(value);
  return text === undefined
    ? undefined
    : textOf(
        cutText(text, charsMax)
          .replaceAll(/[\p{Cc}\p{Cs}\s]+/gu, ' ')
          .trim(),
      );
}

/** Returns the first characters of a string. Never cuts a character into halves. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const last = text.charCodeAt(charsMax - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  // A plain slice would keep the whole string in memory for as long as the slice is used.
  return Buffer.from(text.slice(0, isHalf ? charsMax - 1 : charsMax), 'utf16le').toString('utf16le');
}

/** Returns a number that is finite, or `undefined`. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

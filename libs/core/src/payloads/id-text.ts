import { LIMITS } from '../limits.js';

/** Letters, marks, digits, punctuation, symbols, and single spaces between them. Logs and databases accept all of these. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+(?: [\p{L}\p{M}\p{N}\p{P}\p{S}]+)*$/u;

/** Returns whether a value is a string of 1 to 255 printable characters. */
export function isIdText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LIMITS.idCharsMax && PRINTABLE.test(value);
}

/** Returns an id as a string, or `undefined` unless it was sent as a valid string or as a safe integer. */
export function readId(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
  return isIdText(value) ? value : undefined;
}

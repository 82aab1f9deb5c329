import { LIMITS } from '../limits.js';

/** Letters, marks, digits, punctuation, symbols, and single spaces between them: nothing a log or a database trips over. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+(?: [\p{L}\p{M}\p{N}\p{P}\p{S}]+)*$/u;

/** Whether a text can be kept as an id: 1 to `LIMITS.idCharsMax` printable characters, no control characters or lone surrogates. */
export function isIdText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LIMITS.idCharsMax && PRINTABLE.test(value);
}

/** An id as text, whether it was sent as a text or as a whole number that JSON carries exactly; else undefined. */
export function readId(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
  return isIdText(value) ? value : undefined;
}

import { ValidateIf } from 'class-validator';

/** Texts that Python and its libraries make of nothing, as they write them. So a schedule must not be called by one of them. */
export const NOTHINGS: readonly string[] = ['', 'None', 'NaT', 'NaN', 'nan', 'null'];

/**
 * Absent, null, a blank text and Python's words for nothing all mean "not told": which of them Paradime sends is not
 * documented.
 */
export function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && NOTHINGS.includes(value.trim()));
}

/** What a field says; undefined for one that says nothing. */
export function told(text: string | null | undefined): string | undefined {
  return isNothing(text) ? undefined : (text ?? undefined);
}

/** For a field that may say nothing: it is then not checked, and kept as sent. */
export function MayBeNothing(): PropertyDecorator {
  return ValidateIf((_payload, value: unknown) => !isNothing(value));
}

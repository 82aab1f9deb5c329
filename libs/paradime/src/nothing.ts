import { ValidateIf } from 'class-validator';

/** Absent, null and a blank text all mean "not told": which of them Paradime sends is not documented. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** What a field says; undefined for one that says nothing. */
export function told(text: string | null | undefined): string | undefined {
  return isNothing(text) ? undefined : (text ?? undefined);
}

/** For a field that may say nothing: it is then not checked, and kept as sent. */
export function MayBeNothing(): PropertyDecorator {
  return ValidateIf((_payload, value: unknown) => !isNothing(value));
}

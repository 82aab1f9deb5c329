import { ValidateIf } from 'class-validator';

/** Ways of dbt to say nothing: `"None"` is Python's, `""` was seen for `dbtVersion` and `runReason`. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && ['', 'None'].includes(value.trim()));
}

/** What a field says; undefined for an absent one, null, `""` and `"None"`. */
export function told<T extends string | number>(value: T | null | undefined): T | undefined {
  return isNothing(value) ? undefined : (value ?? undefined);
}

/** For a field that may say nothing: it is then not checked, and kept as sent. */
export function MayBeNothing(): PropertyDecorator {
  return ValidateIf((_payload, value: unknown) => !isNothing(value));
}

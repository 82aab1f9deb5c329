import { fieldsOf, numberOf, textOf, type Fields } from './fields.js';
import { ARTIFACT_LIMITS } from './limits.js';

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/**
 * Returns a message for a source that is not fresh, because dbt writes none: `Loaded 26 hours ago; error after 12 hours`. It
 * lacks an age that is not believable, such as that of an empty table, and the limit if the file has none.
 */
export function freshnessText(row: Fields, hasFailed: boolean): string | undefined {
  const ageMs = (numberOf(row['max_loaded_at_time_ago_in_s']) ?? Number.NaN) * 1_000;
  const isBelievable = ageMs >= 0 && ageMs <= ARTIFACT_LIMITS.sourceAgeMsMax;
  const limit = limitText(fieldsOf(row['criteria']), hasFailed);
  if (isBelievable)
    return limit === undefined ? `Loaded ${ageText(ageMs)} ago` : `Loaded ${ageText(ageMs)} ago; ${limit}`;
  return limit === undefined ? undefined : `Not fresh; ${limit}`;
}

function limitText(criteria: Fields, hasFailed: boolean): string | undefined {
  const { count, period } = fieldsOf(criteria[hasFailed ? 'error_after' : 'warn_after']);
  const [number, unit] = [numberOf(count), textOf(period)];
  if (number === undefined || unit === undefined) return undefined;
  return `${hasFailed ? 'error' : 'warn'} after ${counted(number, unit)}`;
}

/** Returns an age in its largest unit with a value of at least two. */
function ageText(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, oneMs]) => ms >= 2 * oneMs) ?? (['second', 1_000] as const);
  return counted(Math.round(ms / unitMs), unit);
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

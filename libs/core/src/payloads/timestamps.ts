import { LIMITS } from '../limits.js';

const timestamp =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?: ?(?:[Zz]|UTC|([+-])(\d\d):?(\d\d)))?$/;

/**
 * Parses a provider's time: RFC 3339 with up to nine fractional digits or without seconds, `T` or a space between date
 * and time, and a zone of `Z`, `UTC`, `+hh:mm` or `+hhmm`, also after a space. Without a zone the time is in UTC. Fractions
 * of a millisecond are cut off, so that no time moves into the next second or day. A leap second (23:59:60 UTC) becomes
 * 23:59:59.999.
 *
 * Returns `undefined` for anything else: a missing value, surrounding spaces, a date or time that does not exist, 24:00,
 * seconds since 1970, or a year in UTC outside 2000 to 2100, such as year 1, Go's zero time.
 *
 * dbt Cloud writes `Z` and trims zeros (https://docs.getdbt.com/docs/deploy/webhooks); Paradime writes a space and no zone
 * (https://docs.paradime.io/app-help/developers/webhooks/getting-started).
 */
export function parseTimestamp(text: string | null | undefined): Date | undefined {
  const fields = timestamp.exec(text ?? '');
  if (fields === null) return undefined;
  // Indices, because destructuring an array is slower, and a webhook can have dozens of times.
  const [year, month, day] = [Number(fields[1]), Number(fields[2]), Number(fields[3])];
  const [hour, minute, second] = [Number(fields[4]), Number(fields[5]), Number(fields[6] ?? 0)];
  const [offsetHour, offsetMinute] = [Number(fields[9] ?? 0), Number(fields[10] ?? 0)];
  if (!isDay(year, month, day)) return undefined;
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return undefined;

  const leap = second === 60;
  const ms = leap ? 999 : Number((fields[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const offsetMinutes = (fields[8] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute);
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute - offsetMinutes, leap ? 59 : second, ms));
  if (leap && (time.getUTCHours() !== 23 || time.getUTCMinutes() !== 59)) return undefined;
  const utcYear = time.getUTCFullYear();
  return utcYear >= LIMITS.yearMin && utcYear <= LIMITS.yearMax ? time : undefined;
}

/** Date.UTC changes month 13, 30 February and years below 100, so such a date differs from its fields. */
function isDay(year: number, month: number, day: number): boolean {
  if (year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= 28) return true;
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

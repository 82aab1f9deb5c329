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
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields
    .slice(1, 7)
    .map((digits) => +(digits ?? 0));
  const [fraction = '', sign = '+', offsetHour = '0', offsetMinute = '0'] = fields.slice(7);
  if (!isDay(year, month, day)) return undefined;
  if (hour > 23 || minute > 59 || second > 60 || Number(offsetHour) > 23 || Number(offsetMinute) > 59) return undefined;

  const leap = second === 60;
  const ms = leap ? 999 : Number(fraction.slice(0, 3).padEnd(3, '0'));
  const offsetMinutes = (sign === '-' ? -1 : 1) * (Number(offsetHour) * 60 + Number(offsetMinute));
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute - offsetMinutes, leap ? 59 : second, ms));
  if (leap && (time.getUTCHours() !== 23 || time.getUTCMinutes() !== 59)) return undefined;
  const utcYear = time.getUTCFullYear();
  return utcYear >= LIMITS.yearMin && utcYear <= LIMITS.yearMax ? time : undefined;
}

/** Date.UTC changes month 13, 30 February and years below 100, so such a date differs from its fields. */
function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

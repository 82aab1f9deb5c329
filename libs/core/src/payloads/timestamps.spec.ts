import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LIMITS } from '../limits.js';
import { parseTimestamp } from './timestamps.js';

const yearMin = `${LIMITS.yearMin}`;
const yearMax = `${LIMITS.yearMax}`;

describe('parseTimestamp', () => {
  it.each([
    ['whole seconds', '2023-01-31T19:20:39Z', '2023-01-31T19:20:39.000Z'],
    ['nanoseconds', '2023-01-31T19:20:40.345678912Z', '2023-01-31T19:20:40.345Z'],
    ['trimmed zeros', '2023-05-11T07:52:18.12345678Z', '2023-05-11T07:52:18.123Z'],
    ['one digit', '2023-05-11T07:52:18.1Z', '2023-05-11T07:52:18.100Z'],
    ['no zone, read as UTC', '2022-05-02 10:41:31', '2022-05-02T10:41:31.000Z'],
    ['no zone and microseconds', '2023-10-15 16:44:16.986049', '2023-10-15T16:44:16.986Z'],
    ['no zone and a T', '2023-10-15T16:44:16.98', '2023-10-15T16:44:16.980Z'],
    ['a space and +00:00', '2023-01-31 19:20:40.123456+00:00', '2023-01-31T19:20:40.123Z'],
    ['UTC by name, as BigQuery writes', '2023-10-15 16:44:14.576471 UTC', '2023-10-15T16:44:14.576Z'],
    ['a space before Z', '2023-10-15T16:44:14 Z', '2023-10-15T16:44:14.000Z'],
    ['a space before an offset', '2023-10-15 16:44:14 +0200', '2023-10-15T14:44:14.000Z'],
    ['no seconds', '2023-10-15 16:44', '2023-10-15T16:44:00.000Z'],
    ['no seconds and a zone', '2023-01-31T19:20Z', '2023-01-31T19:20:00.000Z'],
    ['an offset ahead of UTC', '2024-01-01T01:30:00+02:00', '2023-12-31T23:30:00.000Z'],
    ['an offset behind UTC', '2023-12-31T23:30:00-05:30', '2024-01-01T05:00:00.000Z'],
    ['an offset without a colon', '2024-01-01T01:30:00-0130', '2024-01-01T03:00:00.000Z'],
    ['-00:00', '2024-01-01T00:00:00-00:00', '2024-01-01T00:00:00.000Z'],
    ['lower-case t and z', '2024-01-01t00:00:00z', '2024-01-01T00:00:00.000Z'],
    ['29 February of a leap year', '2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['29 February of 2000', '2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['a fraction that rounding would carry over', '2023-12-31T23:59:59.999999999Z', '2023-12-31T23:59:59.999Z'],
    ['a leap second', '2016-12-31T23:59:60Z', '2016-12-31T23:59:59.999Z'],
    ['a leap second with a fraction', '2016-12-31T23:59:60.25Z', '2016-12-31T23:59:59.999Z'],
    ['a leap second elsewhere', '2017-01-01T05:29:60+05:30', '2016-12-31T23:59:59.999Z'],
    ['the first moment', `${yearMin}-01-01T00:00:00Z`, `${yearMin}-01-01T00:00:00.000Z`],
    ['the first moment, written in the year before', '1999-12-31T23:00:00-01:00', '2000-01-01T00:00:00.000Z'],
    ['the last moment', `${yearMax}-12-31T23:59:59.999Z`, `${yearMax}-12-31T23:59:59.999Z`],
  ])('parses %s: %s', (_, text, expected) => {
    expect(parseTimestamp(text)?.toISOString()).toBe(expected);
  });

  it.each([
    ['nothing', ''],
    ['the word None', 'None'],
    ['a date alone', '2023-01-31'],
    ['a time alone', '19:20:39Z'],
    ['seconds since 1970', '1675192839'],
    ['another order', '31-01-2023T19:20:39Z'],
    ['an e-mail date', 'Tue, 31 Jan 2023 19:20:39 GMT'],
    ['month 0', '2023-00-10T00:00:00Z'],
    ['month 13', '2023-13-10T00:00:00Z'],
    ['day 0', '2023-01-00T00:00:00Z'],
    ['30 February', '2023-02-30T00:00:00Z'],
    ['29 February of a common year', '2023-02-29T00:00:00Z'],
    ['29 February of 2100', '2100-02-29T00:00:00Z'],
    ['31 April', '2023-04-31T00:00:00Z'],
    ['hour 24', '2023-01-31T24:00:00Z'],
    ['hour 25', '2023-01-31T25:00:00Z'],
    ['minute 60', '2023-01-31T19:60:00Z'],
    ['second 61', '2016-12-31T23:59:61Z'],
    ['second 60 within a day', '2023-01-31T12:00:60Z'],
    ['second 60 that is not midnight in UTC', '2016-12-31T23:59:60+01:00'],
    ['offset hour 24', '2023-01-31T19:20:39+24:00'],
    ['offset minute 60', '2023-01-31T19:20:39+01:60'],
    ['a short offset', '2023-01-31T19:20:39+01'],
    ['another zone by name', '2023-01-31T19:20:39 CET'],
    ['UTC and an offset', '2023-01-31T19:20:39 UTC+01:00'],
    ['two spaces before the zone', '2023-01-31T19:20:39  UTC'],
    ['no minutes', '2023-01-31T19Z'],
    ['a fraction of a minute', '2023-01-31T19:20.5Z'],
    ['a zone twice', '2023-01-31T19:20:39Z+00:00'],
    ['a dot without digits', '2023-01-31T19:20:39.Z'],
    ['ten fractional digits', '2023-01-31T19:20:39.1234567890Z'],
    ['a decimal comma', '2023-01-31T19:20:39,5Z'],
    ['space before', ' 2023-01-31T19:20:39Z'],
    ['space behind', '2023-01-31T19:20:39Z '],
    ['a line feed behind', '2023-01-31T19:20:39Z\n'],
    ['two spaces between', '2023-01-31  19:20:39Z'],
    ['full-width digits', '２０２３-01-31T19:20:39Z'],
    ['a signed year', '+002023-01-31T19:20:39Z'],
    ['the zero time of Go', '0001-01-01T00:00:00Z'],
    ['a year that Date takes for 19xx', '0099-01-01T00:00:00Z'],
    ['1970', '1970-01-01T00:00:00Z'],
    ['a year too early', '1999-12-31T23:59:59Z'],
    ['a year too early in UTC', '2000-01-01T00:00:00+01:00'],
    ['a year too late', '2101-01-01T00:00:00Z'],
    ['a year too late in UTC', '2100-12-31T23:30:00-01:00'],
    ['a megabyte', '2'.repeat(1_000_000)],
  ])('rejects %s', (_, text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  const moment = fc.date({
    min: new Date(`${yearMin}-01-02T00:00:00Z`),
    max: new Date(`${yearMax}-12-30T00:00:00Z`),
    noInvalidDate: true,
  });

  it('parses every moment in any zone, with any digits after the milliseconds', () => {
    const minutesOff = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
    const zone = (minutes: number) => {
      const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
      return `${minutes < 0 ? '-' : '+'}${`${hours}`.padStart(2, '0')}:${`${rest}`.padStart(2, '0')}`;
    };
    fc.assert(
      fc.property(
        moment,
        minutesOff,
        fc.constantFrom('T', ' '),
        fc.stringMatching(/^\d{0,6}$/),
        (date, off, separator, more) => {
          const local = new Date(date.getTime() + off * 60_000).toISOString().slice(0, -1).replace('T', separator);
          expect(parseTimestamp(`${local}${more}${zone(off)}`)).toEqual(date);
          expect(parseTimestamp(date.toISOString().slice(0, -1).replace('T', separator) + more)).toEqual(date);
        },
      ),
    );
  });

  it('accepts a day exactly if the calendar has it', () => {
    const two = fc.integer({ min: 0, max: 40 }).map((n) => `${n}`.padStart(2, '0'));
    fc.assert(
      fc.property(fc.integer({ min: LIMITS.yearMin, max: LIMITS.yearMax }), two, two, (year, month, day) => {
        const iso = `${year}-${month}-${day}T12:00:00.000Z`;
        const date = new Date(iso);
        const exists = !Number.isNaN(date.getTime()) && date.toISOString() === iso;
        expect(parseTimestamp(iso)?.toISOString()).toBe(exists ? iso : undefined);
      }),
      { numRuns: 1_000 },
    );
  });
});

import { ConfigurationError } from 'nestjs-runhooks/core';
import { DAY, FAKE_LIMITS, MINUTE } from '../limits.js';

const NAMED: ReadonlyMap<string, string> = new Map([
  ['@hourly', '0 * * * *'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@weekly', '0 0 * * 0'],
  ['@monthly', '0 0 1 * *'],
]);

/** Lowest and highest value of each field: minute, hour, day of the month, month, day of the week. */
const BOUNDS = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

/** Times of a schedule, in UTC. */
export class CronSchedule {
  readonly #minutes: readonly number[];
  readonly #hours: readonly number[];
  readonly #isDay: (day: Date) => boolean;

  /**
   * @param cron five fields with numbers, `*`, lists, ranges and steps, or `@daily` and the like
   * @throws ConfigurationError for anything else; it names `option`
   */
  constructor(option: string, cron: string) {
    const fields = (NAMED.get(cron) ?? cron).trim().split(/\s+/);
    const [minutes, hours, days, months, weekdays] = BOUNDS.map((bounds, index) => valuesOf(fields[index], bounds));
    if (fields.length !== BOUNDS.length || !minutes || !hours || !days || !months || !weekdays) {
      throw new ConfigurationError(
        option,
        `expected a cron expression such as "0 3 * * *", got ${JSON.stringify(cron)}`,
      );
    }
    this.#minutes = minutes;
    this.#hours = hours;
    // By cron's rule either day is enough if both fields are restricted.
    const either = fields[2] !== '*' && fields[4] !== '*';
    this.#isDay = (day) => {
      const inMonth = days.includes(day.getUTCDate());
      const inWeek = weekdays.some((weekday) => weekday % 7 === day.getUTCDay());
      return months.includes(day.getUTCMonth() + 1) && (either ? inMonth || inWeek : inMonth && inWeek);
    };
  }

  /** Returns the first time after another one, or `undefined` if there is none, as for 30 February. */
  next(after: Date): Date | undefined {
    const dayMs = Math.floor(after.getTime() / DAY) * DAY;
    for (let days = 0; days < FAKE_LIMITS.cronDaysMax; days += 1) {
      const day = new Date(dayMs + days * DAY);
      if (!this.#isDay(day)) continue;
      for (const hour of this.#hours) {
        const minute = this.#minutes.find((one) => day.getTime() + (hour * 60 + one) * MINUTE > after.getTime());
        if (minute !== undefined) return new Date(day.getTime() + (hour * 60 + minute) * MINUTE);
      }
    }
    return undefined;
  }
}

/** Returns the values of a field in ascending order, or `undefined` if it is invalid. */
function valuesOf(field: string | undefined, [min, max]: readonly [number, number]): readonly number[] | undefined {
  const values = new Set<number>();
  for (const part of (field ?? '').split(',')) {
    const [, range = '', step = '1'] = /^(\*|\d+(?:-\d+)?)(?:\/(\d+))?$/.exec(part) ?? [];
    const [from, to] = range === '*' ? [min, max] : range.split('-').map(Number);
    const last = to ?? (part.includes('/') ? max : from);
    if (from === undefined || last === undefined || from < min || last > max || from > last || step === '0') {
      return undefined;
    }
    if (range === '') return undefined;
    for (let value = from; value <= last; value += Number(step)) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

import { randomInt } from 'node:crypto';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const KSUID_CHARS = 27;

/** Returns an id in the form of dbt Cloud and Svix: a prefix, and 27 letters and digits. */
export function randomKsuid(prefix: string): string {
  return `${prefix}_${Array.from({ length: KSUID_CHARS }, () => BASE62[randomInt(BASE62.length)]).join('')}`;
}

/** Returns an integer as large as the ids of runs. It is exact as a JSON number. */
export function randomRunNumber(): number {
  return randomInt(100_000_000_000, 281_474_976_710_655);
}

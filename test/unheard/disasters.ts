import type { Random } from '../crash/random.js';

/** What goes wrong for a while. */
export type DisasterKind = 'down' | 'switched off' | 'server errors' | 'rate limit' | 'clock ahead' | 'clock behind';

export interface Disaster {
  readonly kind: DisasterKind;
  /** First minute, and the first minute after it. */
  readonly from: number;
  readonly to: number;
  /** Time by which the clocks of the apps are wrong, in milliseconds. */
  readonly skewMs: number;
}

const HOUR = 60;
const DAY = 24 * HOUR;

/** Shortest and longest duration in minutes. */
const DURATIONS: readonly (readonly [DisasterKind, number, number])[] = [
  ['down', HOUR, 20 * HOUR],
  ['switched off', 5 * HOUR, 2 * DAY],
  ['rate limit', 1, 5],
  ['clock ahead', 10, 6 * HOUR],
  ['clock behind', 10, 6 * HOUR],
  ['server errors', HOUR, DAY],
];

/**
 * Plans disasters, which may overlap. Each kind comes at least once, and the longest error of the API lasts a day if there
 * is time for it. Less than an hour has no disasters.
 */
export function planDisasters(random: Random, from: number, to: number): readonly Disaster[] {
  if (to - from < HOUR) return [];
  const days = (to - from) / DAY;
  const rounds = Math.max(1, Math.round(days / 3));
  const disasters: Disaster[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const [kind, min, max] of DURATIONS) {
      const longest = Math.min(max, (to - from) / 3);
      const isLongest = kind === 'server errors' && round === 0;
      const minutes = Math.max(1, Math.floor(isLongest ? longest : random.between(Math.min(min, longest), longest)));
      const start = Math.floor(random.between(from, to - minutes));
      const skewMs = Math.floor(random.between(1, 26 * HOUR)) * 60_000 * (kind === 'clock behind' ? -1 : 1);
      disasters.push({ kind, from: start, to: start + minutes, skewMs });
    }
  }
  return disasters;
}

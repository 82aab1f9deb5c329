import type { Random } from '../crash/random.js';

/** What goes wrong for a while. */
export interface Disaster {
  readonly kind: 'down' | 'server errors' | 'rate limit';
  /** First step, and the first step after it. */
  readonly from: number;
  readonly to: number;
}

/** Shortest and longest duration in hours. */
const DURATIONS: readonly (readonly [Disaster['kind'], number, number])[] = [
  ['down', 1, 10],
  ['server errors', 1, 24],
  ['rate limit', 0.5, 2],
];

/**
 * Plans disasters, which may overlap. Each kind comes at least once, and the API fails for a whole day once if there is time for
 * it.
 *
 * @param hour number of steps of an hour
 */
export function planDisasters(random: Random, from: number, to: number, hour: number): readonly Disaster[] {
  const rounds = Math.max(1, Math.round((to - from) / hour / 72));
  return Array.from({ length: rounds }, (_, round) =>
    DURATIONS.map(([kind, minHours, maxHours]): Disaster => {
      const longest = Math.min(maxHours * hour, Math.floor((to - from) / 3));
      const isLongest = kind === 'server errors' && round === 0;
      const steps = isLongest ? longest : random.between(Math.min(minHours * hour, longest), longest);
      const start = Math.floor(random.between(from, to - steps));
      return { kind, from: start, to: start + Math.max(1, Math.floor(steps)) };
    }),
  ).flat();
}

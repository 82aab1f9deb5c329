import type { Random } from '../crash/random.js';

/** What can happen to a cluster. */
export type Blow = 'kill' | 'restart-postgres' | 'pause' | 'flush-redis' | 'restart-redis';

export interface PlannedBlow {
  readonly blow: Blow;
  /** After the start of the load. */
  readonly atMs: number;
}

export interface BlowPlan {
  readonly kills: number;
  readonly seconds: number;
  readonly hasRedis: boolean;
}

/** Kills for each of the other blows. */
const KILLS_PER_RESTART = 6;
/** A pause takes about 17 s; one dispatcher at a time is held up, or rarely two. */
const SECONDS_PER_PAUSE = 25;

/** Spreads blows over the time, each kind at least once; a seed repeats them. */
export function planBlows({ kills, seconds, hasRedis }: BlowPlan, random: Random): PlannedBlow[] {
  const restarts = Math.ceil(kills / KILLS_PER_RESTART);
  const counts: Readonly<Record<Blow, number>> = {
    kill: kills,
    'restart-postgres': restarts,
    pause: Math.ceil(seconds / SECONDS_PER_PAUSE),
    'flush-redis': hasRedis ? restarts : 0,
    'restart-redis': hasRedis ? restarts : 0,
  };
  return (Object.keys(counts) as Blow[])
    .flatMap((blow) => spread(blow, counts[blow], seconds * 1_000, random))
    .sort((a, b) => a.atMs - b.atMs);
}

/** One at a random moment of each of `count` equal parts of the time. */
function spread(blow: Blow, count: number, overMs: number, random: Random): PlannedBlow[] {
  return Array.from({ length: count }, (_, index) => ({ blow, atMs: ((index + random.next()) / count) * overMs }));
}

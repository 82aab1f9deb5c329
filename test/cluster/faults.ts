import type { Random } from '../crash/random.js';

/** A fault that can be injected into a cluster. */
export type Fault = 'kill' | 'restart-postgres' | 'pause' | 'flush-redis' | 'restart-redis';

export interface PlannedFault {
  readonly fault: Fault;
  /** Time after the start of the load. */
  readonly atMs: number;
}

export interface FaultPlan {
  readonly kills: number;
  readonly seconds: number;
  readonly hasRedis: boolean;
}

/** Number of kills per fault of each other kind. */
const KILLS_PER_RESTART = 6;
/** A pause takes about 17 s, so usually one worker is paused at a time, and rarely two. */
const SECONDS_PER_PAUSE = 25;

/** Spreads faults over the time, each kind at least once; the same seed gives the same plan. */
export function planFaults({ kills, seconds, hasRedis }: FaultPlan, random: Random): PlannedFault[] {
  const restarts = Math.ceil(kills / KILLS_PER_RESTART);
  const counts: Readonly<Record<Fault, number>> = {
    kill: kills,
    'restart-postgres': restarts,
    pause: Math.ceil(seconds / SECONDS_PER_PAUSE),
    'flush-redis': hasRedis ? restarts : 0,
    'restart-redis': hasRedis ? restarts : 0,
  };
  return (Object.keys(counts) as Fault[])
    .flatMap((fault) => spread(fault, counts[fault], seconds * 1_000, random))
    .sort((a, b) => a.atMs - b.atMs);
}

/** Plans one fault at a random moment of each of `count` equal parts of the time. */
function spread(fault: Fault, count: number, overMs: number, random: Random): PlannedFault[] {
  return Array.from({ length: count }, (_, index) => ({ fault, atMs: ((index + random.next()) / count) * overMs }));
}

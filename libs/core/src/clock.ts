/** Where the time comes from. Tests hold one; everything else uses {@link systemClock}. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

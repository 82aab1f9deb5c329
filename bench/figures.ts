import { median } from './quantile.js';

/** What was measured in several rounds. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function figure(values: readonly number[]): Figure {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Of two contenders, round by round: what disturbs the machine for longer than a round disturbs both. */
export function ratio(over: readonly number[], under: readonly number[]): Figure {
  return figure(over.map((value, round) => value / (under[round] ?? Number.NaN)));
}

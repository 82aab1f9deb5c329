const UNITS = [
  ['days', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** Returns a duration for a log line, in its largest unit with a value of at least two: `90 s`, `26 h`, `365 days`. */
export function durationText(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, oneMs]) => Math.abs(ms) >= 2 * oneMs) ?? ['ms', 1];
  return `${Math.round(ms / unitMs)} ${unit}`;
}

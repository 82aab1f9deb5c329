/** Formats a time as the Admin API does: `2026-11-30 03:00:04.123000+00:00`. */
export function apiTime(date: Date): string {
  return date.toISOString().replace('T', ' ').replace('Z', '000+00:00');
}

/** Formats a time as the webhooks API does: microseconds since 1970, as a string. */
export function microseconds(date: Date): string {
  return `${date.getTime()}000`;
}

/** Formats a duration as `hh:mm:ss`. */
export function clockTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

/** Formats a duration for people. */
export function humanized(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return seconds < 60 ? `${seconds} seconds` : `${Math.floor(seconds / 60)} minutes, ${seconds % 60} seconds`;
}

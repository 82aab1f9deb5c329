import { LIMITS } from '../limits.js';

/**
 * Returns the milliseconds that a 429 asks to wait: `Retry-After` in seconds or as a date, `x-rate-limit-retry-after-seconds`
 * (dbt documents it for SCIM only), or else the default. A date is compared with the server's own `Date`.
 */
export function waitAfter429(headers: Headers, defaultMs: number, now: Date): number {
  const asked = headers.get('retry-after') ?? headers.get('x-rate-limit-retry-after-seconds');
  const waitMs = asked === null ? undefined : waitOf(asked.trim(), serverTimeOf(headers) ?? now);
  if (waitMs === undefined) return defaultMs;
  return Math.min(Math.max(waitMs, LIMITS.apiCooldownMsMin), LIMITS.apiCooldownMsMax);
}

/** Returns the time of the server at its answer. */
export function serverTimeOf(headers: Headers): Date | undefined {
  return dateOf(headers.get('date'));
}

function waitOf(asked: string, serverTime: Date): number | undefined {
  if (/^\d{1,9}$/.test(asked)) return Number(asked) * 1_000;
  const until = dateOf(asked);
  return until && until.getTime() - serverTime.getTime();
}

/** Dates of HTTP begin with the day of the week; `Date.parse` alone accepts nearly everything. */
function dateOf(text: string | null): Date | undefined {
  if (text === null || !/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

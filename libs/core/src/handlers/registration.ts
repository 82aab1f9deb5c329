import { createHash } from 'node:crypto';
import type { Handler } from './handler.js';
import { LIMITS } from '../limits.js';

/** What a process does: `receiver` stores what arrives, `worker` reads it and runs handlers. */
export type Role = 'receiver' | 'worker' | 'both';

/** A handler as one process tells others of it. */
export interface RegisteredHandler {
  readonly id: string;
  /** `<id>@<digest of its subscriptions>`: only who has this version can say whether the handler wants an event. */
  readonly version: string;
  /** Its subscriptions as JSON text, without `when`: that is asked in the attempt. */
  readonly subscriptions: string;
}

/** A handler with the digest of what it subscribed to. The order in which options were written makes no difference. */
export function registeredHandler({ id, subscriptions }: Pick<Handler, 'id' | 'subscriptions'>): RegisteredHandler {
  const wanted = subscriptions.map(({ on, filter, includeLate = false }) => ({ on, filter, includeLate }));
  const text = JSON.stringify(sorted(wanted));
  const digest = createHash('sha256').update(text).digest('hex').slice(0, LIMITS.handlerDigestChars);
  return { id, version: `${id}@${digest}`, subscriptions: text };
}

/** The id of the handler that a version is of. Ids have no `@`. */
export function handlerIdOf(version: string): string {
  const at = version.indexOf('@');
  return at < 0 ? version : version.slice(0, at);
}

/** A process that was last heard of before this time counts as gone. */
export function lapsedBefore(now: Date): Date {
  return new Date(now.getTime() - LIMITS.processLapseMs);
}

/** The same JSON value with members in the order of their names. Takes half as long as a replacer. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members: Record<string, unknown> = {};
  for (const name of Object.keys(value).sort()) members[name] = sorted((value as Record<string, unknown>)[name]);
  return members;
}

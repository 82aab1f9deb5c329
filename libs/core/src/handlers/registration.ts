import { createHash } from 'node:crypto';
import { defined } from '../defined.js';
import type { Handler } from './handler.js';
import { LIMITS } from '../limits.js';

/** Role of a process: a `receiver` stores webhooks, a `worker` parses them and runs handlers. */
export type Role = 'receiver' | 'worker' | 'both';

/** A handler in the registration of a process. */
export interface RegisteredHandler {
  readonly id: string;
  /** `<id>@<digest of its subscriptions>`. Only processes with this version can match events for the handler. */
  readonly version: string;
  /** Subscriptions as JSON text, without `when`, which runs in the attempt. */
  readonly subscriptions: string;
}

/** Returns a handler with the digest of its subscriptions. The order of options does not change it. */
export function registeredHandler({ id, subscriptions }: Pick<Handler, 'id' | 'subscriptions'>): RegisteredHandler {
  const wanted = subscriptions.map(({ on, filter, nodes, includeLate = false, includeIsolated }) => ({
    on,
    filter,
    includeLate,
    ...defined({ nodes, includeIsolated }),
  }));
  const text = JSON.stringify(sorted(wanted));
  const digest = createHash('sha256').update(text).digest('hex').slice(0, LIMITS.handlerDigestChars);
  return { id, version: `${id}@${digest}`, subscriptions: text };
}

/** Returns the handler id of a version. Ids have no `@`. */
export function handlerIdOf(version: string): string {
  const at = version.indexOf('@');
  return at < 0 ? version : version.slice(0, at);
}

/** Returns the time since which a running process must have sent a heartbeat. */
export function lapsedBefore(now: Date): Date {
  return new Date(now.getTime() - LIMITS.processLapseMs);
}

/** Returns the JSON value with sorted members, in half the time of a replacer. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members: Record<string, unknown> = {};
  for (const name of Object.keys(value).sort()) members[name] = sorted((value as Record<string, unknown>)[name]);
  return members;
}

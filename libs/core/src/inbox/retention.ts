import { LIMITS } from '../limits.js';
import type { Purge } from '../store/purge.js';

/**
 * Options for purging: the time that the inbox keeps data, in milliseconds since the message was received. Unfinished work
 * is never purged.
 *
 * @example
 * WebhooksModule.forRoot({ sources, inbox, retention: { finishedMs: 7 * 24 * 3_600_000 } })
 */
export interface RetentionOptions {
  /** Time for finished messages with their events, deliveries and attempts, and for results, in milliseconds. @default 2592000000 (30 days) */
  readonly finishedMs?: number;
  /** Like `finishedMs`, for messages that led to a dead letter. @default 7776000000 (90 days) */
  readonly deadMs?: number;
  /** Time for deduplication keys, the audit, and the states of runs and fan-ins, in milliseconds. @default 34560000000 (400 days) */
  readonly deduplicationMs?: number;
}

/** Default of every {@link RetentionOptions}. */
export const DEFAULT_RETENTION: Required<RetentionOptions> = Object.freeze({
  finishedMs: LIMITS.finishedMs,
  deadMs: LIMITS.deadMs,
  deduplicationMs: LIMITS.deduplicationMs,
});

/** Returns what to purge at a time: everything that is older than the retention. */
export function purgeAt(now: Date, { finishedMs, deadMs, deduplicationMs }: Required<RetentionOptions>): Purge {
  const before = (ageMs: number): Date => new Date(now.getTime() - ageMs);
  return {
    finishedBefore: before(finishedMs),
    deadBefore: before(deadMs),
    deduplicationBefore: before(deduplicationMs),
    goodBefore: before(LIMITS.goodNodesMs),
    nodesBefore: before(LIMITS.nodeIncidentMs),
    tasksBefore: before(Math.max(finishedMs, LIMITS.taskOverdueMs)),
    limit: LIMITS.purgeRowsMax,
    brake: { now, share: LIMITS.purgeBrakeShare, rowsMin: LIMITS.purgeBrakeRowsMin },
  };
}

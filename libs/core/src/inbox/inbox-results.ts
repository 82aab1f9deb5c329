import { addedUp } from '../receiver/refusals.js';
import type { ActionSummary } from '../store/action-store.js';
import type {
  DeliveryFilter,
  DeliverySummary,
  EventSummary,
  InboxCounts,
  MessageSummary,
  MissingHandler,
  ProcessSummary,
  RefusalCount,
  RunSummary,
} from '../store/inbox-reader.js';

/** Run with its messages, events, deliveries and actions, at most 1,000 of each. */
export interface RunDetail extends RunSummary {
  readonly messages: readonly MessageSummary[];
  readonly events: readonly EventSummary[];
  readonly deliveries: readonly DeliverySummary[];
  /** Actions on the run, the action that started it, and actions that handlers of its events asked for. */
  readonly actions: readonly ActionSummary[];
}

/** Filter for `Inbox.deliveries`. */
export interface DeliveryQuery extends DeliveryFilter {
  /** Whether to list only deliveries that wait for a missing handler. @default false */
  readonly missingHandlers?: boolean;
}

/** Numbers of items in the inbox, and of the workers that process them. */
export interface InboxStatus extends InboxCounts {
  /** Pending deliveries that wait for a missing handler. */
  readonly missingHandlers: number;
  /** Running processes that parse messages and run handlers. Without one, webhooks are stored and wait. */
  readonly workers: number;
  /**
   * Calls of handlers that are still running although their attempt is over, as of each process's last heartbeat.
   * `Inbox.processes` lists them by process and handler.
   */
  readonly abandoned: number;
}

/** Adds up what the store counts, and what the running processes and this one report. */
export function inboxStatus(
  counts: InboxCounts,
  processes: readonly ProcessSummary[],
  waiting: readonly MissingHandler[],
  refusals: readonly RefusalCount[],
): InboxStatus {
  return {
    ...counts,
    refusals: addedUp(counts.refusals, refusals),
    missingHandlers: waiting.reduce((sum, { deliveries }) => sum + deliveries, 0),
    workers: processes.filter(({ role }) => role !== 'receiver').length,
    abandoned: processes.flatMap(({ abandoned }) => abandoned).reduce((sum, { calls }) => sum + calls, 0),
  };
}

import type {
  DeliveryFilter,
  DeliverySummary,
  EventSummary,
  InboxCounts,
  MessageSummary,
  RunSummary,
} from '../store/inbox-reader.js';

/** Run with its messages, events and deliveries, at most 1,000 of each. */
export interface RunDetail extends RunSummary {
  readonly messages: readonly MessageSummary[];
  readonly events: readonly EventSummary[];
  readonly deliveries: readonly DeliverySummary[];
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

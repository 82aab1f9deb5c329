import type { ActionSummary, DeliverySummary, EventSummary, InboxCounts, JobState } from 'nestjs-runhooks';
import type { Receipt } from './ledger.js';
import type { AnsweredLook, SentRequest } from './network.js';

/** A run as the provider knows it in the end. */
export interface KnownRun {
  readonly source: string;
  readonly id: string;
  readonly jobId: string;
  /** Text of its cause. */
  readonly cause: string;
  readonly retryOf: string | undefined;
  /** Whether it was started through the API. */
  readonly isStarted: boolean;
  readonly isOpen: boolean;
  readonly isCanceled: boolean;
  readonly hasSucceeded: boolean;
}

/** What happened, by the providers and the network, and what came of it, by the inbox and the handlers. */
export interface Evidence {
  /** Runs of all accounts, the oldest of each first. */
  readonly runs: readonly KnownRun[];
  /** Sources and ids of the runs that succeeded or failed, in the order in which they did. */
  readonly ended: readonly string[];
  readonly requests: readonly SentRequest[];
  readonly looks: readonly AnsweredLook[];
  readonly receipts: readonly Receipt[];
  readonly actions: readonly ActionSummary[];
  readonly deliveries: readonly Pick<DeliverySummary, 'id' | 'eventId' | 'handlerId' | 'state'>[];
  readonly events: readonly Pick<EventSummary, 'id' | 'type' | 'source' | 'occurredAt' | 'recordedAt' | 'data'>[];
  /** States of the jobs, by source and the id that the provider has for them. */
  readonly jobs: ReadonlyMap<string, JobState | undefined>;
  readonly counts: InboxCounts['actions'];
  /** Keys of the actions that were unknown for a while. */
  readonly unknown: ReadonlySet<string>;
  /** Keys of the actions that an operator has sent again. */
  readonly sentAgain: ReadonlySet<string>;
  /** Numbers of the processes that were killed. */
  readonly killed: ReadonlySet<number>;
  /** Requests that were on the way while another process looked for what they had done. */
  readonly takenOver: number;
}

import type { MessageState } from '../sources/message.js';
import type { RunKey } from '../runs/run-state.js';

/** Selection of dead letters to retry. Without ids and handler, all are retried. */
export interface Redrive {
  /** Ids of the deliveries. @default any */
  readonly deliveryIds?: readonly string[];
  /** Id of the handler whose dead letters to retry. @default any */
  readonly handlerId?: string;
}

/** Selection of deliveries to cancel: by id, by handler, or by both. */
export interface Dismissal {
  /** Ids of the deliveries. @default any of `handlerId` */
  readonly deliveryIds?: readonly string[];
  /**
   * Id of the handler whose deliveries to cancel. Without `deliveryIds`, and if no process has the handler, its
   * registration and its tasks are removed as well. @default any
   */
  readonly handlerId?: string;
}

/** Content to erase in one step. */
export interface Erasure {
  /** Ids of the messages to erase. */
  readonly messageIds: readonly string[];
  /** Ids of events of other messages that quote the content. */
  readonly eventIds: readonly string[];
  /** Runs to remove from fan-ins, where a waiting run keeps only its identity, and whose facts from the API to erase. */
  readonly runs: readonly RunKey[];
  /** Strings to remove from fan-ins and actions. A run that waits there, or an action, that contains one keeps only its identity. */
  readonly texts: readonly string[];
}

/** Numbers of erased items. */
export interface Erased {
  /** Messages that were erased. */
  readonly messages: number;
  /** Events that were erased. */
  readonly events: number;
  /** Pending deliveries and dead letters that were dismissed, because their content was erased. */
  readonly dismissed: number;
  /** Messages, and events of other messages, that were skipped because a handler is running with them. Erase them again. */
  readonly held: number;
}

/** Selection of messages to parse again: all in one of `states`, or of these only some. */
export interface Reparse {
  /** Ids of the messages. @default any */
  readonly messageIds?: readonly string[];
  /** States a message must have. */
  readonly states: readonly Exclude<MessageState, 'stored' | 'parsed' | 'erased'>[];
  /** Whether events are recorded without deliveries, so that no handlers run. */
  readonly withoutHandlers: boolean;
}

import type { MessageState } from '../sources/message.js';
import type { RunKey } from '../runs/run-state.js';

/** Which dead letters to try again: by id, or all of a handler, or all. */
export interface Redrive {
  readonly deliveryIds?: readonly string[];
  readonly handlerId?: string;
}

/** Which deliveries nobody is to run any more: by id, or all of a handler. */
export interface Dismissal {
  readonly deliveryIds?: readonly string[];
  /** If no process has it, and no ids are given, its registration and its tasks are removed, too. */
  readonly handlerId?: string;
}

/** Whose content to erase in one step. */
export interface Erasure {
  readonly messageIds: readonly string[];
  /** Events of other messages that quote it. */
  readonly eventIds: readonly string[];
  /** Runs that may wait at barriers, and texts that runs there may hold: of these only what names the run is kept. */
  readonly runs: readonly RunKey[];
  readonly texts: readonly string[];
}

/** What was erased. */
export interface Erased {
  readonly messages: number;
  readonly events: number;
  /** Deliveries that were pending or dead, and cannot be run any more. */
  readonly dismissed: number;
  /** Messages, and events of others, that were left alone because a handler runs with them. Erase them again. */
  readonly held: number;
}

/** Which messages to read again: by id, or all in a state. */
export interface Reparse {
  readonly messageIds?: readonly string[];
  readonly states: readonly Exclude<MessageState, 'stored' | 'parsed' | 'erased'>[];
  /** Record what is read, but run no handlers. */
  readonly withoutHandlers: boolean;
}

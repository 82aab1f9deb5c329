import { requireKnownOptions } from '../option-checks.js';
import type { DecidedBy } from '../store/decision.js';
import type { StoredEventFilter } from '../store/inbox-reader.js';
import type { Dismissal, Redrive, Reparse } from '../store/operator-request.js';
import type { Erase } from './eraser.js';

/** Options for `Inbox.replay`. */
export interface Replay extends DecidedBy {
  /** Identifies the replay. Repeating a replay with the same id adds no delivery twice. */
  readonly id: string;
  /** Filter of the events; `{}` selects all. */
  readonly events: StoredEventFilter;
  /** Only these handlers. @default every handler that matches the event now, even if it is newer than the event */
  readonly handlerIds?: readonly string[];
}

/** Options for `Inbox.reparse`. */
export interface ReparseOptions extends DecidedBy {
  /** Only messages with these ids. @default messages with any id */
  readonly messageIds?: readonly string[];
  /** Only messages in these states. @default ['unrecognized', 'quarantined'] */
  readonly states?: Reparse['states'];
  /** Whether handlers run for the new events. Otherwise, events are only recorded and can be replayed. @default false */
  readonly runHandlers?: boolean;
}

const DECIDED = { by: true, reason: true } satisfies Record<keyof DecidedBy, true>;

/** Options of the requests of operators. The compiler ensures that none is missing. */
const OPTIONS = {
  redrive: { deliveryIds: true, handlerId: true, ...DECIDED } satisfies Record<keyof (Redrive & DecidedBy), true>,
  dismiss: { deliveryIds: true, handlerId: true, ...DECIDED } satisfies Record<keyof (Dismissal & DecidedBy), true>,
  replay: { id: true, events: true, handlerIds: true, ...DECIDED } satisfies Record<keyof Replay, true>,
  'replay.events': {
    ids: true,
    recordedFrom: true,
    recordedBefore: true,
    messageId: true,
    source: true,
    type: true,
    run: true,
  } satisfies Record<keyof StoredEventFilter, true>,
  reparse: { messageIds: true, states: true, runHandlers: true, ...DECIDED } satisfies Record<
    keyof ReparseOptions,
    true
  >,
  erase: { run: true, messageIds: true, textContains: true, ...DECIDED } satisfies Record<keyof Erase, true>,
};

/**
 * Checks the options of an operator's request. With a misspelled filter, a request would select everything.
 *
 * @throws {ConfigurationError} for an unknown option.
 */
export function requireRequestOptions(request: keyof typeof OPTIONS, options: object): void {
  requireKnownOptions(request, options, OPTIONS[request]);
}

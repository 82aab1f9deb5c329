import { ConfigurationError } from '../errors.js';
import { kindOf } from '../kind-of.js';
import { LIMITS } from '../limits.js';
import { requireKnownOptions } from '../option-checks.js';
import type { ActionFilter, ActionKey, ActionOutcome } from '../store/action-store.js';
import { requireText, type DecidedBy } from '../store/decision.js';
import type { StoredEventFilter } from '../store/inbox-reader.js';
import type { Dismissal, Redrive, Reparse } from '../store/operator-request.js';
import type { NodeKey, NodeSelection } from '../store/result-store.js';
import type { RoundSelection } from '../store/round-store.js';
import type { Erase } from './eraser.js';

/** Options for `Inbox.replay`. */
export interface Replay extends DecidedBy {
  /** Id of the replay, 1 to 100 characters. Repeating a replay with the same id creates no duplicates. */
  readonly id: string;
  /** Events to deliver. An empty filter matches all events. */
  readonly events: StoredEventFilter;
  /** Ids of the handlers to deliver to. @default every handler that matches the event now, new handlers included */
  readonly handlerIds?: readonly string[];
}

/** Options for `Inbox.reparse`. */
export interface ReparseOptions extends DecidedBy {
  /** Ids of the messages. They must also be in one of `states`. @default any */
  readonly messageIds?: readonly string[];
  /** States a message must have. @default ['unrecognized', 'quarantined'] */
  readonly states?: Reparse['states'];
  /** Whether handlers run for new events. If not, the events are recorded, and a replay can deliver them. @default false */
  readonly runHandlers?: boolean;
}

/**
 * Options for `Inbox.decideAction`: whether the provider has carried out the action, and for `done` the run that it started or
 * canceled.
 */
export type ActionDecision = ActionKey & Required<DecidedBy> & ActionOutcome;

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
    withoutMessage: true,
    source: true,
    type: true,
    run: true,
  } satisfies Record<keyof StoredEventFilter, true>,
  reparse: { messageIds: true, states: true, runHandlers: true, ...DECIDED } satisfies Record<
    keyof ReparseOptions,
    true
  >,
  sweep: { source: true, kind: true, ...DECIDED } satisfies Record<keyof (RoundSelection & DecidedBy), true>,
  nodes: { source: true, nodeId: true, hasIncident: true } satisfies Record<keyof NodeSelection, true>,
  close: { source: true, scope: true, nodeId: true, ...DECIDED } satisfies Record<keyof (NodeKey & DecidedBy), true>,
  actions: { source: true, state: true, run: true } satisfies Record<keyof ActionFilter, true>,
  decide: { source: true, key: true, outcome: true, runId: true, ...DECIDED } satisfies Record<
    keyof ActionDecision | 'runId',
    true
  >,
  erase: { run: true, messageIds: true, textContains: true, ...DECIDED } satisfies Record<keyof Erase, true>,
};

/**
 * Returns a request to parse messages again, with its defaults.
 *
 * @throws {ConfigurationError} for an unknown option.
 */
export function reparseOf(options: ReparseOptions): Reparse {
  requireRequestOptions('reparse', options);
  const { messageIds, states = ['unrecognized', 'quarantined'], runHandlers = false } = options;
  return { states, withoutHandlers: !runHandlers, ...(messageIds && { messageIds }) };
}

/**
 * Checks the options of a dismissal, which must not select everything.
 *
 * @throws {ConfigurationError} if one is unknown, or if no selector is set.
 */
export function requireDismissal(dismissal: Dismissal): void {
  requireRequestOptions('dismiss', dismissal);
  if (dismissal.deliveryIds === undefined && dismissal.handlerId === undefined) {
    throw new ConfigurationError('dismiss', 'expected deliveryIds or handlerId, got neither');
  }
}

/**
 * Checks the key of a node in an operator's request.
 *
 * @throws {ConfigurationError} if a member is not a string.
 */
export function requireNodeKey(node: NodeKey): void {
  requireRequestOptions('close', node);
  for (const name of ['source', 'scope', 'nodeId'] as const) {
    requireText(`close.${name}`, node[name], LIMITS.nodeKeyCharsMax);
  }
}

/**
 * Returns the action and the outcome of an operator's decision.
 *
 * @throws {ConfigurationError} if an option is invalid.
 */
export function actionDecisionOf(request: ActionKey & ActionOutcome): {
  readonly action: ActionKey;
  readonly outcome: ActionOutcome;
} {
  requireRequestOptions('decide', request);
  const { source, key, outcome, runId } = request as ActionKey & {
    readonly outcome: unknown;
    readonly runId?: unknown;
  };
  requireText('decide.source', source, LIMITS.sourceNameCharsMax);
  requireText('decide.key', key, LIMITS.actionKeyCharsMax);
  if (outcome !== 'done' && outcome !== 'not-done') {
    const got = typeof outcome === 'string' ? JSON.stringify(outcome) : kindOf(outcome);
    throw new ConfigurationError('decide.outcome', `expected 'done' or 'not-done', got ${got}`);
  }
  const action = { source, key };
  if (outcome === 'done') {
    requireText('decide.runId', runId, LIMITS.idCharsMax);
    return { action, outcome: { outcome, runId } };
  }
  if (runId === undefined) return { action, outcome: { outcome } };
  throw new ConfigurationError('decide.runId', "expected no runId with the outcome 'not-done', got one");
}

/**
 * Checks the options of an operator's request. With a misspelled filter, a request would select everything.
 *
 * @throws {ConfigurationError} for an unknown option.
 */
export function requireRequestOptions(request: keyof typeof OPTIONS, options: object): void {
  requireKnownOptions(request, options, OPTIONS[request]);
}

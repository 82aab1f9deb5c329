import type { RunKey } from '../runs/run-state.js';
import type { ActionAnswer, ActionKind, ActionRefusal } from '../sources/provider-action.js';
import type { Decision } from './decision.js';
import type { Page, PageRequest } from './page.js';

/**
 * State of an action. `intended`: nothing was sent. `sent`: a call was made, or was about to be, and its answer is not known.
 * `answered` and `refused` by the provider. `unknown`: the provider may or may not have carried it out, and an operator decides.
 */
export type ActionState = 'intended' | 'sent' | 'answered' | 'refused' | 'unknown';

/** Identity of an action. */
export interface ActionKey {
  readonly source: string;
  /** Key of the caller. */
  readonly key: string;
}

/** An action that is asked for. */
export interface NewAction extends ActionKey {
  readonly kind: ActionKind;
  /** Run to retry or to cancel, or job to trigger. */
  readonly target: string;
  /** Account of the target, if it is known. */
  readonly accountId?: string;
  /** Beginning of the reason of the run that the action starts. */
  readonly mark: string;
  /** Arguments, as JSON text. */
  readonly request: string;
  /** Largest number of retries of the target's root run. @default none */
  readonly retriesMax?: number;
}

/** An action as a store keeps it. */
export interface StoredAction extends ActionKey {
  readonly kind: ActionKind;
  readonly target: string;
  readonly state: ActionState;
  readonly mark: string;
  /** Last time at which a call was made, or was about to be. Absent while nothing was sent. */
  readonly sentAt?: Date;
  /** Look-ups that found nothing since then. */
  readonly looks: number;
  /** Run that the first of a chain of retries retried. Only of a retry. */
  readonly rootRun?: string;
  /** Present in the state `answered`. */
  readonly answer?: ActionAnswer;
  /** Present in the state `refused`. */
  readonly refusal?: ActionRefusal;
}

/** Action as the inbox lists it. */
export interface ActionSummary extends StoredAction {
  /** Handler whose delivery has the id that the key is, or begins with before a `:`. */
  readonly handlerId?: string;
  /** Event of that delivery. */
  readonly eventId?: string;
  /** Arguments, as JSON text. */
  readonly request: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Filter for actions. An action must match every field you set. */
export interface ActionFilter {
  readonly source?: string;
  readonly state?: ActionState;
  /** Only actions on this run, actions that started it, and actions that handlers of its events asked for. */
  readonly run?: RunKey;
}

/** Claim of an action. */
export interface ActionClaim {
  readonly now: Date;
  /** Duration of the lease, in milliseconds. */
  readonly leaseMs: number;
  /** Token that no other claim has. */
  readonly lease: string;
  /** Latest time that a correct clock can have stored as the end of a lease or the time of a look-up. A later one is over. */
  readonly latestDueAt: Date;
}

/** Claimed action and the token of its claim. */
export interface HeldAction extends ActionKey {
  readonly lease: string;
}

/**
 * Result of {@link ActionStore.begin}.
 *
 * - `claimed`: the caller holds the lease and goes on, from the state of the action.
 * - `ended`: the action is `answered`, `refused` or `unknown`.
 * - `waiting`: another attempt holds the lease, or the next look-up is not due before `dueAt`. Or it is a retry with a limit, whose
 *   target may be the new run of another retry of the same job: `action` is that one, which was sent within a day and is `sent` or
 *   `unknown`, and nothing was written.
 * - `limited`: nothing was written, because `retries` retries of the root run are not refused.
 * - `differs`: the key belongs to an action of another kind or with another target.
 */
export type BegunAction =
  | { readonly begun: 'claimed' | 'ended' | 'differs'; readonly action: StoredAction }
  | { readonly begun: 'waiting'; readonly action: StoredAction; readonly dueAt: Date }
  | { readonly begun: 'limited'; readonly rootRun: string; readonly retries: number };

/**
 * Next state of a claimed action.
 *
 * - `sent` with `leaseMs`: a call is about to be made; the lease is extended. It sets `sentAt`, and `looks` to 0.
 * - `sent` with `dueAt`: the lease ends, and the next look-up is due then. `looks` is the number of those that found nothing.
 * - `intended`, `refused`, `unknown`: the lease ends.
 */
export type ActionChange =
  | { readonly state: 'sent'; readonly leaseMs: number }
  | { readonly state: 'sent'; readonly dueAt: Date; readonly looks: number }
  | { readonly state: 'intended' }
  | { readonly state: 'refused'; readonly refusal: ActionRefusal }
  | { readonly state: 'unknown' };

/** Outcome of an action, as an operator found it out. */
export type ActionOutcome = { readonly outcome: 'done'; readonly runId: string } | { readonly outcome: 'not-done' };

/**
 * Port: the part of a store that keeps actions. Like those of `Store`, every verb is one atomic and durable step, writes nothing
 * if its lease token is no longer in the row, and rejects with `StoreUnavailableError` if the store is unavailable.
 */
export interface ActionStore {
  /**
   * Writes an action that does not exist yet, claimed and in the state `intended`, or claims an existing one that is `intended` or
   * `sent`. Actions of one source begin one at a time, so that `retriesMax` holds for several at once. Refused retries are not
   * counted.
   *
   * The root run of a retry is that of its target, if the target is itself a retry that the inbox knows; otherwise the target.
   */
  begin(action: NewAction, claim: ActionClaim): Promise<BegunAction>;
  /** Writes the next state of a claimed action. Returns `false` if the claim has been lost. */
  advance(held: HeldAction, change: ActionChange, now: Date): Promise<boolean>;
  /**
   * Ends a claimed action as `answered` by the first of the runs that no other retry or trigger of the source has started, and
   * returns that run. For a cancel, it is the first of the runs in any case. If none is left, it writes nothing and returns `undefined`. Returns `false` if the claim has been lost.
   *
   * The new run of a retry gets `retryOf` and `rootRun` in its state, in the same step, also before any message about it: then its
   * job is that of the target. That needs the account of the run, or of the target.
   */
  answer(held: HeldAction, runs: readonly ActionAnswer[], now: Date): Promise<ActionAnswer | undefined | false>;
  /** Returns an action, or `undefined` if there is none. */
  find(action: ActionKey): Promise<StoredAction | undefined>;
  /** Lists actions, newest first. */
  list(filter: ActionFilter, page: PageRequest): Promise<Page<ActionSummary>>;
  /**
   * Ends an `unknown` action as `answered`, or sets an `unknown` or `refused` one back to `intended`, and adds the decision to the
   * audit. Returns whether it was in such a state.
   */
  decide(action: ActionKey, outcome: ActionOutcome, decision: Required<Decision>, now: Date): Promise<boolean>;
}

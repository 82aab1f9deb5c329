import { isProviderApiError, UNCERTAIN_REASONS } from '../api/provider-api-error.js';
import { LIMITS } from '../limits.js';
import { earlierOf } from '../runs/earlier-later.js';
import {
  isActionRefusedError,
  type ActionAnswer,
  type ActionRefusedError,
  type ProviderAction,
} from '../sources/provider-action.js';
import type { ActionChange, ActionStore, HeldAction, NewAction, StoredAction } from '../store/action-store.js';
import { describeFailure } from '../thrown.js';
import type { Clock } from '../time/clock.js';
import { ActionPendingError, ActionUnknownError } from './action-errors.js';
import type { ActionLog } from './action-log.js';
import { endOf } from './end-of-action.js';

/** Returns whether a look-up failed because the API cannot be reached now, which no operator can mend. */
function isOutage(error: unknown): boolean {
  return isProviderApiError(error) && (UNCERTAIN_REASONS.includes(error.reason) || error.reason === 'rate-limited');
}

/** Options for an attempt. */
export interface ActionAttemptOptions {
  readonly store: ActionStore;
  readonly clock: Clock;
  readonly log: ActionLog;
  readonly action: ProviderAction;
  /** The action as it was stored. */
  readonly named: NewAction;
  /** Token of the claim. */
  readonly lease: string;
}

/** One attempt of a claimed action. Every step is written before the next one is taken. */
export class ActionAttempt {
  readonly #options: ActionAttemptOptions;
  readonly #held: HeldAction;

  constructor(options: ActionAttemptOptions) {
    this.#options = options;
    const { named, lease } = options;
    this.#held = { source: named.source, key: named.key, lease };
  }

  /** Makes the call. */
  async call(): Promise<ActionAnswer> {
    const { action, named, log, store } = this.#options;
    const before = this.#now();
    if (!(await this.#advance({ state: 'sent', leaseMs: LIMITS.actionLeaseMs }))) return this.#lost();
    const isLate = this.#now().getTime() - before.getTime() >= LIMITS.actionLeaseMs;
    if (isLate || action.signal?.aborted) return this.#takeBack();
    let answer: ActionAnswer;
    try {
      answer = await action.send(named.mark);
    } catch (error) {
      return this.#failed(error);
    }
    const answered = await store.answer(this.#held, [answer], this.#now());
    if (answered === false) return this.#lost();
    if (!answered) return this.#unanswered(`run ${answer.runId} is the answer of another action`);
    log.answered(named, answered);
    return answered;
  }

  /** Looks for what an earlier call has done. */
  async look({ sentAt = this.#now(), looks }: StoredAction): Promise<ActionAnswer> {
    const { action, named, log, store } = this.#options;
    let runs: readonly ActionAnswer[];
    try {
      // A clock that was ahead when the call was made would hide its run.
      runs = await action.find(named.mark, earlierOf(sentAt, this.#now()));
    } catch (error) {
      return this.#notLooked(error, sentAt, looks);
    }
    const answered = runs.length === 0 ? undefined : await store.answer(this.#held, runs, this.#now());
    if (answered === false) return this.#lost();
    if (answered) {
      log.found(named, answered);
      return answered;
    }
    const found = looks + 1;
    if (found < LIMITS.actionLooksMax) {
      return this.#wait(
        LIMITS.actionLookEveryMs,
        found,
        `has no answer; look-up ${found} of ${LIMITS.actionLooksMax} found no run`,
      );
    }
    const { onUnknown = action.kind === 'cancel' ? 'again' : 'stop' } = action;
    if (onUnknown === 'again') return this.call();
    if (!(await this.#advance({ state: 'unknown' }))) return this.#lost();
    const error = new ActionUnknownError(named, sentAt);
    log.unknown(named, error.message);
    throw error;
  }

  /** Ends the attempt after a look-up that did not take place. It waits for an API that cannot be reached now, as results do. */
  async #notLooked(error: unknown, sentAt: Date, looks: number): Promise<ActionAnswer> {
    const waitedMs = this.#now().getTime() - sentAt.getTime();
    if (isOutage(error) && waitedMs < LIMITS.apiWaitMs) {
      return this.#wait(
        LIMITS.actionLookEveryMs,
        looks,
        `has no answer, and a look-up failed (${describeFailure(error)})`,
      );
    }
    if (!(await this.#advance({ state: 'sent', dueAt: this.#now(), looks }))) return this.#lost();
    throw error;
  }

  async #failed(error: unknown): Promise<ActionAnswer> {
    const { signal } = this.#options.action;
    // The app chooses the reason of an abort: the refusal of another call says nothing about this one.
    if (signal?.aborted && error === signal.reason) return this.#unanswered('it was aborted');
    if (isActionRefusedError(error)) return this.#refused(error);
    if (!isProviderApiError(error) || UNCERTAIN_REASONS.includes(error.reason)) {
      return this.#unanswered(describeFailure(error));
    }
    if (!(await this.#advance({ state: 'intended' }))) return this.#lost();
    throw error;
  }

  async #refused(error: ActionRefusedError): Promise<ActionAnswer> {
    const { named, log } = this.#options;
    const { reason, message } = error;
    const isOver = reason !== 'busy';
    const next: ActionChange = isOver ? { state: 'refused', refusal: { reason, message } } : { state: 'intended' };
    if (!(await this.#advance(next))) return this.#lost();
    if (isOver) log.refused(named, error);
    throw error;
  }

  async #unanswered(failure: string): Promise<ActionAnswer> {
    const { named, log } = this.#options;
    log.unanswered(named, failure);
    return this.#wait(LIMITS.actionFirstLookMs, 0, `has no answer (${failure}); it is looked up before any other call`);
  }

  /** Ends the attempt until the next look-up. */
  async #wait(delayMs: number, looks: number, found: string): Promise<ActionAnswer> {
    const dueAt = new Date(this.#now().getTime() + delayMs);
    if (!(await this.#advance({ state: 'sent', dueAt, looks }))) return this.#lost();
    this.#options.action.signal?.throwIfAborted();
    throw new ActionPendingError(this.#options.named, found, delayMs);
  }

  /** Ends the attempt before the call: it was aborted, or writing took longer than the lease, so that others may look up by now. */
  async #takeBack(): Promise<ActionAnswer> {
    const { action, named } = this.#options;
    const isHeld = await this.#advance({ state: 'intended' });
    action.signal?.throwIfAborted();
    if (!isHeld) return this.#lost();
    throw new ActionPendingError(named, 'was not called, because its lease was over', LIMITS.pollMs);
  }

  /** Ends the attempt by what another attempt, a message or an operator has written. */
  async #lost(): Promise<ActionAnswer> {
    const { store, named } = this.#options;
    const action = await store.find({ source: named.source, key: named.key });
    if (action?.state === 'answered') return endOf(action);
    this.#options.action.signal?.throwIfAborted();
    if (action) return endOf(action);
    throw new ActionPendingError(named, 'was removed from the inbox', LIMITS.actionFirstLookMs);
  }

  #advance(change: ActionChange): Promise<boolean> {
    return this.#options.store.advance(this.#held, change, this.#now());
  }

  #now(): Date {
    return this.#options.clock.now();
  }
}

import { carries, OwnError, permanent } from '../errors.js';

/** Kind of an action: a retry of a run from the point of its failure, a new run of a job, or the end of a run. */
export type ActionKind = 'retry' | 'trigger' | 'cancel';

/** Run at the provider that an action started, or that it canceled. */
export interface ActionAnswer {
  readonly runId: string;
  /** Account or workspace of the run, if the provider reports it. */
  readonly accountId?: string;
  /** Page of the run, if the provider reports it. */
  readonly url?: string;
}

/** A run that an action is about. `event.run` is one. */
export interface ActionRun {
  readonly id: string;
  /** Account or workspace of the run. Without it, events of a retry have no `retryOf` until a sweep reports it. */
  readonly account?: { readonly id: string };
  /** Job of the run. Providers that list runs by job need it for a retry. */
  readonly job?: { readonly id?: string; readonly name?: string };
}

/** Options of every action. */
export interface ActionOptions {
  /**
   * Name of the action, unique within its source, at most 200 characters. All calls with one key are one action, also after a
   * restart and from several processes. In a handler, use `delivery.id`; for a second action, `${delivery.id}:cancel`.
   */
  readonly key: string;
  /**
   * What to do if it stays unknown whether the provider received the call: `stop` leaves the decision to an operator, and
   * `again` makes the call again, so that it may be carried out twice.
   * @default 'stop'; 'again' to cancel, because a second call changes nothing
   */
  readonly onUnknown?: 'stop' | 'again';
  /** Aborts the call, which then rejects with the signal's reason. In handlers: `delivery.signal`. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a retry. */
export interface RetryRunOptions extends ActionOptions {
  /**
   * Largest number of retries of one root run that Runhooks starts, whatever their keys. The root run is the one that a chain of
   * retries began with. A retry waits as long as the answer of a retry of another run of its job is not known, because that one may
   * have started the run.
   * @default 1
   */
  readonly retriesMax?: number;
}

/**
 * Reason for which a provider, or Runhooks itself, refuses an action.
 *
 * - `retries-max`: `retriesMax` retries of the root run were started before.
 * - `not-latest`: the job has a later run, so this one cannot be retried.
 * - `not-failed`: the run did not fail.
 * - `no-results`: the run has no results to continue from, for example because it died before its first command.
 * - `unsupported`: a command of the run, or its version of dbt, cannot be retried.
 * - `over`: the run has ended, so it cannot be canceled.
 * - `busy`: the job is running. The action is not over: a later call with the same key makes it again.
 * - `other`: any other reason. The message quotes the provider.
 */
export type ActionRefusalReason =
  'retries-max' | 'not-latest' | 'not-failed' | 'no-results' | 'unsupported' | 'over' | 'busy' | 'other';

/** A refusal, as it is stored. */
export interface ActionRefusal {
  readonly reason: ActionRefusalReason;
  /** One sentence: found, expected, and what to do. */
  readonly message: string;
}

const refused = Symbol.for('nestjs-runhooks:action-refused-error');

/**
 * Error of an action that was refused, so that nothing was started or stopped. Switch on `reason`. A handler that lets it through
 * makes its delivery a dead letter at once, except with the reason `busy`, after which it is retried as usual.
 *
 * @example
 * if (isActionRefusedError(error) && error.reason === 'retries-max') await this.pager.page(event);
 */
export class ActionRefusedError extends OwnError {
  protected static override readonly className = 'ActionRefusedError';
  readonly code = 'RUNHOOKS_ACTION_REFUSED';
  readonly [refused] = true;
  readonly reason: ActionRefusalReason;

  constructor({ reason, message }: ActionRefusal) {
    super(message);
    this.reason = reason;
    if (reason !== 'busy') Object.defineProperty(this, permanent, { value: true });
  }
}

/** Returns whether a thrown value is an {@link ActionRefusedError}, including one of another copy of this package. */
export function isActionRefusedError(thrown: unknown): thrown is ActionRefusedError {
  return carries(refused, thrown);
}

/** Something that a client asks its provider to do, as it passes it to {@link ApiHost.act}. */
export interface ProviderAction extends ActionOptions {
  readonly kind: ActionKind;
  /** Run to retry or to cancel, or job to trigger. One key has one kind and one target. */
  readonly target: string;
  /** Account of the target, if it is known. */
  readonly accountId?: string;
  /** Arguments of the call, for lists. They are stored as JSON, so they contain no secret. */
  readonly request: object;
  /** Largest number of retries of a root run. @default 1 for a retry */
  readonly retriesMax?: number;
  /**
   * Makes the call once, without repeats. `mark` is to be the beginning of the reason of a new run, see {@link markedReason}.
   *
   * @throws {ActionRefusedError} if the provider refuses it.
   * @throws {ProviderApiError} if it fails. After `unavailable`, `timeout`, `invalid-answer` and `too-large` it is unknown whether
   *   the provider carried it out; after all other reasons it did not.
   */
  send(mark: string): Promise<ActionAnswer>;
  /**
   * Looks for what an earlier call may have done: runs that it may have started, the most likely first. Runs that are the answer
   * of another action are left out later. Rejects like any other call.
   *
   * @param sentAt time of the earlier call by the clock that decides, which may differ from that of the provider
   */
  find(mark: string, sentAt: Date): Promise<readonly ActionAnswer[]>;
}

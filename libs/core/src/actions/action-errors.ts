import { WaitingError } from '../deliveries/waiting.js';
import { carries, OwnError, permanent } from '../errors.js';
import { shortName } from '../one-line.js';
import type { ActionKind } from '../sources/provider-action.js';
import type { ActionKey } from '../store/action-store.js';

const unknown = Symbol.for('nestjs-runhooks:action-unknown-error');
const pending = Symbol.for('nestjs-runhooks:action-pending-error');

/** Identity, kind and target of an action, for errors and log lines. */
export interface NamedAction extends ActionKey {
  readonly kind: ActionKind;
  readonly target: string;
}

/** Returns an action in words, for example `retry of run 5 of source "dbt"`. */
export function describeAction({ kind, target, source }: NamedAction): string {
  return `${kind} of ${kind === 'trigger' ? 'job' : 'run'} ${shortName(target)} of source "${source}"`;
}

/**
 * Error of an action of which it stays unknown whether the provider carried it out: the call has no answer, and three look-ups
 * found no run. Its delivery becomes a dead letter at once. Look at the provider, then call `inbox.decideAction`, and redrive the
 * delivery.
 *
 * @example
 * if (isActionUnknownError(error)) await this.pager.page(error.message);
 */
export class ActionUnknownError extends OwnError {
  protected static override readonly className = 'ActionUnknownError';
  readonly code = 'RUNHOOKS_ACTION_UNKNOWN';
  readonly [unknown] = true;
  readonly [permanent] = true;

  /** @param sentAt last time at which a call was made, if it is known */
  constructor(action: NamedAction, sentAt: Date | undefined) {
    const since = sentAt ? ` since ${sentAt.toISOString()}` : '';
    super(
      `the ${describeAction(action)} (key "${action.key}") is unknown${since}: a call had no answer, and look-ups found no ` +
        "run of it. Look at the provider's page, then call inbox.decideAction({ source, key, outcome, by, reason }) with the " +
        "outcome 'done' or 'not-done', and redrive the delivery",
    );
  }
}

/**
 * Error of an action whose result is not known yet, because its call has no answer, or because another attempt carries it out. A
 * handler lets it through: its delivery waits, and the attempt is not counted. Elsewhere, ask again with the same key and the same
 * arguments after `delayMs` milliseconds.
 *
 * @example
 * if (isActionPendingError(error)) setTimeout(() => this.retry(run, key), error.delayMs);
 */
export class ActionPendingError extends WaitingError {
  protected static override readonly className = 'ActionPendingError';
  override readonly code = 'RUNHOOKS_ACTION_PENDING';
  readonly [pending] = true;

  constructor(action: NamedAction, found: string, delayMs: number) {
    super(`the ${describeAction(action)} (key "${action.key}") ${found}`, delayMs);
  }
}

/** Error of an action whose key belongs to an action of another kind or with another target. The delivery becomes a dead letter. */
export class ActionKeyError extends OwnError {
  protected static override readonly className = 'ActionKeyError';
  readonly code = 'RUNHOOKS_ACTION_KEY';
  readonly [permanent] = true;

  constructor(action: NamedAction, existing: NamedAction) {
    super(
      `${action.kind}({ key: "${action.key}" }): expected a key of no other action, got that of the ${describeAction(existing)} ` +
        `for a ${describeAction(action)}. Use a key of its own, such as \`\${delivery.id}:${action.kind}\``,
    );
  }
}

/** Returns whether a thrown value is an {@link ActionUnknownError}, including one of another copy of this package. */
export function isActionUnknownError(thrown: unknown): thrown is ActionUnknownError {
  return carries(unknown, thrown);
}

/** Returns whether a thrown value is an {@link ActionPendingError}, including one of another copy of this package. */
export function isActionPendingError(thrown: unknown): thrown is ActionPendingError {
  return carries(pending, thrown);
}

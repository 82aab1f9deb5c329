import { ActionRefusedError, type ActionAnswer } from '../sources/provider-action.js';
import type { StoredAction } from '../store/action-store.js';
import { ActionPendingError, ActionUnknownError, describeAction } from './action-errors.js';
import { LIMITS } from '../limits.js';

/**
 * Returns the answer of an action that has ended.
 *
 * @throws {ActionRefusedError} if it was refused.
 * @throws {ActionUnknownError} if an operator must decide.
 * @throws {ActionPendingError} if it has not ended.
 */
export function endOf(action: StoredAction): ActionAnswer {
  const { state, answer, refusal, sentAt } = action;
  if (answer) return answer;
  switch (state) {
    case 'refused':
      throw new ActionRefusedError({
        reason: refusal?.reason ?? 'other',
        message: refusal?.message || `the ${describeAction(action)} was refused; the reason was erased`,
      });
    case 'unknown':
      throw new ActionUnknownError(action, sentAt);
    default:
      throw new ActionPendingError(action, 'was taken over by another attempt', LIMITS.actionFirstLookMs);
  }
}

import { LIMITS } from '../limits.js';
import type { LogFields, Logger } from '../log/logger.js';
import { shortName } from '../one-line.js';
import type { ActionAnswer, ActionRefusal } from '../sources/provider-action.js';
import { describeAction, type NamedAction } from './action-errors.js';

/** Logs what came of actions. */
export class ActionLog {
  readonly #logger: Logger;
  /** Root runs whose limit was logged. */
  readonly #limited = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  answered(action: NamedAction, answer: ActionAnswer): void {
    const { runId } = answer;
    const did = action.kind === 'cancel' ? 'canceled' : 'started';
    this.#logger.log(`Action ${describeAction(action)} ${did} run ${shortName(runId)}`, fieldsOf(action, runId));
  }

  /** Logs a call without a certain answer. */
  unanswered(action: NamedAction, failure: string): void {
    this.#logger.warn(
      `Action ${describeAction(action)} has no answer: ${failure}. It is looked up before any other call`,
      { ...fieldsOf(action), code: 'RUNHOOKS_ACTION_UNANSWERED' },
    );
  }

  /** Logs that a look-up found the run of a call without an answer. */
  found(action: NamedAction, { runId }: ActionAnswer): void {
    const found = action.kind === 'cancel' ? 'the run is over' : `it started run ${shortName(runId)}`;
    this.#logger.warn(`Action ${describeAction(action)} had no answer; a look-up found that ${found}`, {
      ...fieldsOf(action, runId),
      code: 'RUNHOOKS_ACTION_FOUND',
    });
  }

  refused(action: NamedAction, { reason, message }: ActionRefusal): void {
    this.#logger.warn(`Action ${describeAction(action)} was refused (${reason}): ${message}`, {
      ...fieldsOf(action),
      code: 'RUNHOOKS_ACTION_REFUSED',
    });
  }

  /** Logs that a root run has no more retries, once for each root run. */
  limited(action: NamedAction, rootRun: string, { message }: ActionRefusal): void {
    const name = JSON.stringify([action.source, rootRun]);
    if (this.#limited.has(name)) return;
    if (this.#limited.size >= LIMITS.actionRootsLoggedMax) this.#limited.clear();
    this.#limited.add(name);
    this.#logger.warn(`Action ${describeAction(action)} was refused: ${message}`, {
      ...fieldsOf(action),
      code: 'RUNHOOKS_RETRIES_MAX',
    });
  }

  unknown(action: NamedAction, message: string): void {
    this.#logger.error(`Action needs an operator: ${message}`, {
      ...fieldsOf(action),
      code: 'RUNHOOKS_ACTION_UNKNOWN',
    });
  }
}

/** Returns the ids of an action. Its run is the one that it started, or else the one that it is about. */
function fieldsOf({ source, key, kind, target }: NamedAction, runId?: string): LogFields {
  return { source, actionKey: key, runId: runId ?? (kind === 'trigger' ? undefined : target) };
}

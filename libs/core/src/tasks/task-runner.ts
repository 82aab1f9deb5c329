import { attemptError } from '../thrown.js';
import type { TaskClaim } from '../store/claim.js';
import { isStoreUnavailableError } from '../errors.js';
import type { HandlerSet } from '../handlers/handler-set.js';
import { handlerIdOf } from '../handlers/registration.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { DueHint } from '../store/due-hint.js';
import type { Store } from '../store/store.js';
import type { StoreGuard } from '../store/store-guard.js';
import type { OnEvents } from '../store/recording.js';
import type { ClaimedTask } from '../store/task.js';
import { isHandOff } from './hand-off.js';
import type { TaskEvaluator } from './task-evaluator.js';

/** Options for a task runner. */
export interface TaskRunnerOptions {
  readonly store: Store;
  readonly handlers: HandlerSet;
  readonly evaluator: TaskEvaluator;
  readonly logger: Logger;
  readonly guard: StoreGuard;
  /** Called with the events a task added, and the message that led to the task. */
  readonly onEvents?: OnEvents;
}

/**
 * Evaluates due tasks. A task changes only the inbox, so it has no attempts. A task that fails is claimed again when its
 * lease has expired, and is abandoned after 10 claims. It does not stop other tasks.
 */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  /** Whether tasks may be due. */
  readonly hint = new DueHint();
  /** Ids of tasks that were not written because the store failed. If they are claimed again, the task is not to blame. */
  readonly #unwritten = new Set<string>();

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
  }

  /** Evaluates due tasks. Returns how many it claimed. Rejects if the store is unavailable. */
  async runDue(claim: Omit<TaskClaim, 'handlerIds'>): Promise<number> {
    const { store, handlers } = this.#options;
    const handlerIds = handlers.taskHandlerIds();
    if (handlerIds.length === 0 || !this.hint.take()) return 0;
    const tasks = await store.claimTasks({ ...claim, handlerIds });
    if (tasks.length > 0) this.hint.give();
    await Promise.all(tasks.map((task) => this.#run(task, claim.now)));
    return tasks.length;
  }

  async #run(task: ClaimedTask, now: Date): Promise<void> {
    const { logger } = this.#options;
    const { source, messageId } = task.parsedFrom;
    const handlerId = handlerIdOf(task.handlerId);
    const fields = { source, messageId, handlerId };
    const subject = isHandOff(task)
      ? `Hand-off ${messageId === undefined ? task.id : `of message ${messageId}`} to handler "${handlerId}"`
      : `Check ${task.id} of handler "${handlerId}"`;
    try {
      if (task.claims > LIMITS.taskClaimsMax && !this.#unwritten.has(task.id)) {
        logger.error(
          `${subject} was abandoned after ${task.claims - 1} unfinished evaluations; the event or delivery it would ` +
            'have created is lost',
          { ...fields, code: 'RUNHOOKS_CHECK_ABANDONED' },
        );
        await this.#giveUp(task, now);
      } else {
        await this.#evaluate(task, now);
      }
      this.#unwritten.delete(task.id);
    } catch (error) {
      if (isStoreUnavailableError(error)) {
        this.#unwritten.add(task.id);
        throw error;
      }
      // The error's message is left out, because it may quote a payload.
      logger.error(`${subject} failed: ${attemptError(error).name}. It will be retried`, {
        ...fields,
        code: 'RUNHOOKS_CHECK_FAILED',
      });
    }
  }

  async #giveUp(task: ClaimedTask, now: Date): Promise<void> {
    const { store, evaluator } = this.#options;
    await store.evaluate(evaluator.giveUp(task), now);
  }

  async #evaluate(task: ClaimedTask, now: Date): Promise<void> {
    const { store, guard, evaluator, onEvents } = this.#options;
    const events = await store.evaluate(evaluator.evaluationOf(task, now), now);
    // Plain listeners hear an event from the process that parsed its message, and never of a hand-off.
    if (isHandOff(task) || !events || events.length === 0 || !onEvents) return;
    const { messageId } = task.parsedFrom;
    if (messageId === undefined) return onEvents(events, task.parsedFrom);
    const message = await guard.read(() => store.message(messageId), undefined);
    if (message) onEvents(events, message, message);
  }
}

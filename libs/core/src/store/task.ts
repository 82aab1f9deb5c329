import type { JobKey, RunKey, RunState } from '../runs/run-state.js';
import type { AddedDeliveries, NewEvent, NewTask } from './recording.js';

/** Task that this process has claimed. */
export interface ClaimedTask extends Omit<NewTask, 'dueAt'> {
  /** Token of the claim. */
  readonly lease: string;
  /** Number of times the task was claimed since it last became due, this claim included. */
  readonly claims: number;
  /** Source, and the message that led to the task, if there is one. It counts as the message of the task's events. */
  readonly parsedFrom: { readonly source: string; readonly provider: string; readonly messageId?: string };
}

/** State of the inbox that a task needs. The store passes it to `decide` as {@link TaskKnowledge}. */
export interface TaskQuestion {
  /** Run whose state to read. */
  readonly run?: RunKey;
  /** Job of whose last successful runs to read the durations, and the largest number of runs. */
  readonly durationsOf?: JobKey & { readonly runsMax: number };
  /** Name of the fan-in whose state to read. It stays locked until the evaluation is written. */
  readonly barrier?: string;
}

/** State of the inbox, as requested by a {@link TaskQuestion}. */
export interface TaskKnowledge {
  /** State of the run; absent if it was not requested or is unknown. */
  readonly run?: RunState;
  /** Durations in milliseconds, empty if not requested. If clocks disagree, a duration can be 0 or negative. */
  readonly durationsMs: readonly number[];
  /** State of the fan-in, as JSON text. */
  readonly barrier?: string;
}

/** Result of a task: what to write, and when to evaluate the task again. */
export interface TaskDecision {
  /** Events to write. Existing ones stay unchanged. */
  readonly events: readonly NewEvent[];
  /** Deliveries to add to stored events, or to those in `events`. Existing ones stay unchanged. */
  readonly deliveries?: readonly AddedDeliveries[];
  /** Tasks to add, with the same message. */
  readonly tasks?: readonly NewTask[];
  /** New state of the fan-in, as JSON text. */
  readonly barrier?: string;
  /** Time of the next evaluation. Absent if the task is finished. */
  readonly dueAt?: Date;
}

/** Evaluation of a task, in one transaction. */
export interface TaskEvaluation {
  readonly taskId: string;
  /** Token of the claim. */
  readonly lease: string;
  readonly question: TaskQuestion;
  /** Returns what to write. Pure: the store calls it inside the transaction, and calls it again if it must start over. */
  decide(knowledge: TaskKnowledge): TaskDecision;
}

import type { JobKey, RunKey, RunState } from '../runs/run-state.js';
import type { AddedDeliveries, NewEvent, NewTask } from './recording.js';

/** A task that this process holds. */
export interface ClaimedTask extends Omit<NewTask, 'dueAt'> {
  readonly lease: string;
  /** How often it was claimed since it last became due, this time included. */
  readonly claims: number;
  /** The message that led to the task; the task's events are read from it. */
  readonly parsedFrom: { readonly source: string; readonly provider: string; readonly messageId: string };
}

/** What a task asks the inbox. */
export interface TaskQuestion {
  readonly run?: RunKey;
  /** Durations of the job's last runs that succeeded. */
  readonly durationsOf?: JobKey & { readonly runsMax: number };
  /** The state kept under this name, locked until the evaluation is written. */
  readonly barrier?: string;
}

export interface TaskKnowledge {
  readonly run?: RunState;
  /** In milliseconds; not above 0 where the clocks disagree. */
  readonly durationsMs: readonly number[];
  /** JSON text. */
  readonly barrier?: string;
}

/** What to write: events, the barrier's new state, and whether to look again. */
export interface TaskDecision {
  readonly events: readonly NewEvent[];
  /** Of events that are stored, or that are among `events`; those that are there already stay as they are. */
  readonly deliveries?: readonly AddedDeliveries[];
  /** Of the same message. */
  readonly tasks?: readonly NewTask[];
  /** JSON text. */
  readonly barrier?: string;
  /** Absent: the task is done. */
  readonly dueAt?: Date;
}

/** A task's evaluation, in one transaction. */
export interface TaskEvaluation {
  readonly taskId: string;
  readonly lease: string;
  readonly question: TaskQuestion;
  /** Pure. Called inside the transaction; may be called again. */
  decide(knowledge: TaskKnowledge): TaskDecision;
}

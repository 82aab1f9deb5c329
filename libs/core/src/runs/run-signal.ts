import type { Run, RunStatus } from './run.js';

/** Types of events that a message can report. After `run.completed`, the provider reports nothing more about the run. */
export const RUN_SIGNAL_TYPES = [
  'run.started',
  'run.succeeded',
  'run.failed',
  'run.canceled',
  'run.completed',
] as const;

/** Types of all events about a run, including those that follow from several messages. */
export const RUN_EVENT_TYPES = [...RUN_SIGNAL_TYPES, 'run.recovered'] as const;

/** Type of an event that a message can report. */
export type RunSignalType = (typeof RUN_SIGNAL_TYPES)[number];

/** Type of an event about a run. */
export type RunEventType = (typeof RUN_EVENT_TYPES)[number];

/** Returns whether a type is that of an event about a run. */
export function isRunEventType(type: string): type is RunEventType {
  return (RUN_EVENT_TYPES as readonly string[]).includes(type);
}

/** Returns the events of a run that ended with this status: its outcome, if the status is one, and `run.completed`. */
export function endTypesOf(status: RunStatus): readonly RunSignalType[] {
  const isOutcome = status === 'succeeded' || status === 'failed' || status === 'canceled';
  return isOutcome ? [`run.${status}`, 'run.completed'] : ['run.completed'];
}

/** Facts about a run in a message: the events that it reports, in the order in which they happened. */
export interface RunSignal {
  readonly types: readonly RunSignalType[];
  readonly occurredAt: Date;
  readonly run: Run;
  /**
   * Other keys under which messages may report the same job, such as one made from its name if `run.job.key` is made from
   * its id. If `run.job` has an `id`, its key must be made from that id. Jobs with different ids are never joined.
   */
  readonly otherJobKeys?: readonly string[];
}

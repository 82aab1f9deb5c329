import type { Run } from './run.js';

/** What a message can tell of a run. `run.completed` means over: the provider will say nothing more about this run. */
export const RUN_SIGNAL_TYPES = [
  'run.started',
  'run.succeeded',
  'run.failed',
  'run.canceled',
  'run.completed',
] as const;

/** Every event about one run: what messages tell, and what follows from all of them together. */
export const RUN_EVENT_TYPES = [...RUN_SIGNAL_TYPES, 'run.recovered'] as const;

export type RunSignalType = (typeof RUN_SIGNAL_TYPES)[number];

export type RunEventType = (typeof RUN_EVENT_TYPES)[number];

/** What a message says about a run: the events it is evidence for, in the order they happened. */
export interface RunSignal {
  readonly types: readonly RunSignalType[];
  readonly occurredAt: Date;
  readonly run: Run;
}

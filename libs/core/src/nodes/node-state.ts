import type { FailedRun, Incident } from '../runs/incident.js';
import type { NodeOutcome } from './node-result.js';

/** Outcome of a node that had failed, as one run observed it. */
export interface NodeObservation extends FailedRun {
  readonly outcome: NodeOutcome;
  /** Status in the words of dbt. Absent for a node that succeeded or was skipped. */
  readonly status?: string;
}

/** State of a node in one scope. Only nodes that have failed have one. */
export interface NodeState {
  /** End of the latest run in which it succeeded or warned. */
  readonly latestSuccessAt?: Date;
  readonly incident?: Incident;
  /** Last observations in the order in which they were recorded, up to 50. */
  readonly history: readonly NodeObservation[];
  /** When a run last observed it, by the clock of the inbox. */
  readonly observedAt: Date;
}

/** Place in which an incident of a node opens and ends. */
export interface NodeScope {
  readonly accountId: string;
  /** Id of the project, or its name if it has no id. */
  readonly project?: string;
  /** Id of the environment, or its name if it has no id. */
  readonly environment?: string;
  /** Key of the job. Absent if the environment is known. */
  readonly jobKey?: string;
  /** Target of dbt, if the run reports it. */
  readonly target?: string;
}

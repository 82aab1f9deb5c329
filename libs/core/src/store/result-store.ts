import type { AvailableResults, MissingResults, RunResults } from '../nodes/run-results.js';
import type { Incident } from '../runs/incident.js';
import type { NodeObservation, NodeScope, NodeState } from '../nodes/node-state.js';
import type { NodeResult } from '../nodes/node-result.js';
import type { RunKey } from '../runs/run-state.js';
import type { Held } from './claim.js';
import type { Decision } from './decision.js';
import type { Page, PageRequest } from './page.js';
import type { AddedDeliveries, NewEvent, NewTask } from './recording.js';

/**
 * Scope of nodes in an inbox. Scopes that differ only in their target have one *place*, which `placeOf` returns. It is the
 * scope without target, because only the files of a run tell the target.
 */
export interface ScopeKey {
  readonly source: string;
  /** JSON text of a {@link NodeScope} with sorted members. */
  readonly scope: string;
}

/** Identity of a node in an inbox. */
export interface NodeKey extends ScopeKey {
  /** `unique_id` of dbt. */
  readonly nodeId: string;
}

/** Numbers of a run's results, without the nodes. */
export type ResultCounts = Omit<AvailableResults, 'state' | 'failed' | 'warned' | 'omitted'>;

/** Results of a run, as they are saved before its nodes are recorded. */
export interface NewResults {
  readonly run: RunKey;
  /** End of the run. */
  readonly finishedAt: Date;
  /** Scope of its nodes; of `unread` results, their place. Absent if the run is isolated. */
  readonly scope?: string;
  readonly content:
    | {
        readonly state: 'available';
        readonly counts: ResultCounts;
        /** Nodes that failed or warned, the failed ones first, each group in the order of the files. */
        readonly failing: readonly NodeResult[];
        /** Ids of nodes that succeeded or warned. Kept for some days, for failures that are recorded later. */
        readonly good: readonly string[];
        /** Ids of nodes that were skipped. Kept as long as {@link good}. */
        readonly skipped: readonly string[];
      }
    | MissingResults
    /** A success that no handler asks for. It is read if an older run opens an incident later. */
    | {
        readonly state: 'unread';
        /** Incidents without observation since this time have ended. */
        readonly observedSince: Date;
        /** Versions of the handlers that the process has. Others may ask for `run.results`. */
        readonly handlers: readonly string[];
      };
}

/** State of a run's results in the inbox. */
export interface SavedResults {
  /** `unread`: no handler asked for them; `recording`: its nodes are being recorded; `recorded`: `run.results` exists. */
  readonly state: 'unread' | 'recording' | 'recorded';
  /** Scope of its nodes. Absent if the run is isolated. */
  readonly scope?: string;
  readonly finishedAt: Date;
  /** Reason for missing results. */
  readonly reason?: MissingResults['reason'];
  /** Numbers of available results. */
  readonly counts?: ResultCounts;
  /** Number of failed and warned nodes. */
  readonly failing: number;
  /** {@link NodesStep.to} of the last step; 0 before the first one. It exceeds `failing` in steps about other nodes. */
  readonly recorded: number;
  readonly good: readonly string[];
  readonly skipped: readonly string[];
}

/** Facts about the nodes of a step. */
export interface KnownNodes {
  /** States of the nodes, by id. Nodes without a state have not failed before. */
  readonly nodes: ReadonlyMap<string, NodeState>;
  /** For nodes of the step: the end of the latest later run in the same scope whose saved results have them as good. */
  readonly laterSuccesses: ReadonlyMap<string, Date>;
  /** Versions of registered handlers that the recording process does not have. Absent if there are none. */
  readonly otherHandlers?: readonly string[];
}

/** States, events and tasks that a step writes. */
export interface NodesDecision {
  /** New states, by id. */
  readonly nodes: ReadonlyMap<string, NodeState>;
  /** Events to write, which belong to the message of the delivery's event. Existing ones stay unchanged. */
  readonly events: readonly NewEvent[];
  readonly tasks: readonly NewTask[];
}

/** Recording of some nodes of a run, in one transaction. */
export interface NodesStep {
  readonly run: RunKey;
  /** Scope whose place to lock, and whose nodes are read and written. Absent if the step changes no states of nodes. */
  readonly scope?: string;
  /** Value of {@link SavedResults.recorded} before the step. If it differs, nothing is written. */
  readonly from: number;
  /** Its value after the step. */
  readonly to: number;
  /** Whether the results are `recorded` after the step. @default false */
  readonly isLast?: true;
  /** Ids of nodes whose states are passed to {@link decide}. */
  readonly nodeIds: readonly string[];
  /** Versions of the handlers that the process has. Other registered versions are passed to {@link decide}. */
  readonly handlers: readonly string[];
  /** Returns what to write. Pure: the store calls it inside the transaction, and calls it again if it must start over. */
  decide(known: KnownNodes): NodesDecision;
}

/** Selection of nodes. */
export interface NodeSelection {
  readonly source?: string;
  /** `unique_id` of dbt. */
  readonly nodeId?: string;
  /** Whether the node has an open incident. @default both */
  readonly hasIncident?: boolean;
}

/** A node that has failed, as the inbox lists it. */
export interface NodeSummary extends NodeKey {
  /** The scope as an object. */
  readonly scopeParts: NodeScope;
  readonly latestSuccessAt?: Date;
  /** Open incident. */
  readonly incident?: Incident;
  /** Last observations, oldest first, up to 50. */
  readonly history: readonly NodeObservation[];
  /** When a run last observed it. */
  readonly observedAt: Date;
}

/** Results of a run, as the inbox shows them: with all nodes that failed or warned. */
export interface StoredResults {
  readonly results: RunResults;
  /** Whether all nodes are recorded. */
  readonly isRecorded: boolean;
  /** Scope of its nodes. Absent if the run is isolated. */
  readonly scope?: string;
}

/**
 * Port: the part of a store that keeps results of runs. Like those of `Store`, every verb is one atomic and durable step. A
 * verb with a {@link Held} delivery writes nothing and returns `undefined` if its claim has been lost.
 *
 * Steps, and saving results with a scope, exclude each other per place of the scope, by a lock with its name. They take no
 * lock of a job or a run, so that they never wait for messages in a circle.
 */
export interface ResultStore {
  /**
   * Saves the results of a run. Results that are being recorded, or were, stay unchanged; `unread` ones are replaced. `unread`
   * is not written while a scope of its place has an open incident, or while a version of a handler is registered that the
   * process does not have and whose subscriptions contain `run.results`. Returns what is saved then; `'wanted'` if `unread` was
   * not written.
   */
  save(held: Held, results: NewResults, now: Date): Promise<SavedResults | 'wanted' | undefined>;
  /** Returns the saved results of a run, or `undefined` if there are none. */
  find(run: RunKey): Promise<SavedResults | undefined>;
  /** Returns saved nodes that failed or warned, in the order in which they were saved. There are none after an erasure. */
  failing(run: RunKey, from: number, limit: number): Promise<NodeResult[]>;
  /** Returns the ids of the nodes of a scope that have a state. */
  trackedNodes(scope: ScopeKey): Promise<string[]>;
  /** Records a step. Returns the events that did not exist yet; `[]` if `from` differs, because the step was recorded before. */
  recordNodes(held: Held, step: NodesStep, now: Date): Promise<readonly NewEvent[] | undefined>;
  /** Lists runs of the scope's place with `unread` results that ended after a time, the earliest first. */
  unreadAfter(scope: ScopeKey, after: Date, page: PageRequest): Promise<Page<RunKey>>;
  /** Adds deliveries of stored events, once per `(event, handler, replayId)`. Returns how many were new. */
  addDeliveries(
    held: Held,
    replayId: string,
    events: readonly AddedDeliveries[],
    now: Date,
  ): Promise<number | undefined>;
  /** Returns whether a node of the scope's place has an open incident that a run has observed since `observedSince`. */
  hasIncident(scope: ScopeKey, observedSince: Date): Promise<boolean>;
  /** Lists nodes that have failed, the last observed ones first. Incidents without observation since a time have ended. */
  nodes(selection: NodeSelection, page: PageRequest, observedSince: Date): Promise<Page<NodeSummary>>;
  /** Ends the open incident of a node, and adds the decision to the audit. Returns whether it had one. */
  closeIncident(node: NodeKey, decision: Required<Decision>, now: Date): Promise<boolean>;
}

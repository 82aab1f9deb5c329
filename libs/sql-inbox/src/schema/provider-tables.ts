import type { ActionKind, ActionState, MissingResultsReason, SavedResults } from 'nestjs-runhooks/core';

/* Tables of what the inbox asks the APIs of providers. */

/** Sources with rounds that a worker has registered. */
export interface SourcesTable {
  name: string;
  /** First registration. Runs that ended before it are history: no handler receives them. */
  since: number;
}

/** Recurring work of a source that asks its provider's API. A round is claimed like a delivery, and never dead. */
export interface RoundsTable {
  source: string;
  kind: string;
  /** Where the next round continues. */
  cursor: string | null;
  /** Failures since the last success. */
  failures: number;
  last_error: string | null;
  due_at: number;
  lease: string | null;
}

/** Accounts that no process may ask before a time, because their API has limited the rate of requests. */
export interface CooldownsTable {
  host: string;
  account_id: string;
  until: number;
}

/** Results of runs. They are recorded in steps of some nodes. */
export interface ResultsTable {
  source: string;
  account_id: string;
  run_id: string;
  /** `saving`: not all of its nodes are saved. Such results are not found. */
  state: SavedResults['state'] | 'saving';
  /** Scope of the run's nodes, as JSON; of unread results, their place. Null if the run is isolated or has no results. */
  scope: string | null;
  finished_at: number;
  /** Reason for missing results. */
  reason: MissingResultsReason | null;
  /** Number of failed and warned nodes. */
  failing: number;
  /** Position of the next step. */
  recorded: number;
  updated_at: number;
  /** Numbers of available results, as JSON. */
  counts: string | null;
  /** Ids of nodes that succeeded or warned, and of those that were skipped, as JSON arrays; null after some days. */
  good: string | null;
  skipped: string | null;
}

/** Failed and warned nodes of runs, in parts, so that a step does not read all of them. */
export interface ResultNodesTable {
  source: string;
  account_id: string;
  run_id: string;
  /** Number of the part, from 0. */
  part: number;
  /** Nodes as a JSON array. Only the last part of a run has fewer than the others. */
  nodes: string;
}

/** Nodes that failed, by where they ran. */
export interface NodesTable {
  source: string;
  /** Scope in which an incident of a node opens and ends, as JSON. */
  scope: string;
  node_id: string;
  /** Scope without target. */
  place: string;
  latest_success_at: number | null;
  /** When a run last observed the node, by the clock of the inbox. */
  observed_at: number;
  /** Open incident, as JSON. */
  incident: string | null;
  /** Last observations, as a JSON array. */
  history: string;
}

/** Actions at a provider. The row of an action is written before anything is sent. */
export interface ActionsTable {
  source: string;
  /** Key of the caller. */
  action_key: string;
  kind: ActionKind;
  /** Run to retry or to cancel, or job to trigger. */
  target: string;
  /** Account of the target, if it is known. */
  account_id: string | null;
  state: ActionState;
  /** Text in the reason of the triggered run, by which its webhook is recognized. */
  mark: string;
  /** Arguments, as JSON. */
  request: string;
  /** Answer of the provider, or of an operator, as JSON. */
  answer: string | null;
  /** Run that the action has started. A cancellation starts none. */
  new_run: string | null;
  /** Account of {@link new_run}, if it is known. */
  new_account: string | null;
  /** First run of the chain of retries; null unless the action is a retry. */
  root_run: string | null;
  /** Reason and message of a refusal, as JSON. */
  refusal: string | null;
  /** Handler and event of the delivery that the key names, and the run of that event. Its source may be another one. */
  handler_id: string | null;
  event_id: string | null;
  asked_source: string | null;
  asked_account: string | null;
  asked_run: string | null;
  created_at: number;
  updated_at: number;
  /** When a call was last made, or was about to be; null while nothing was sent. */
  sent_at: number | null;
  /** Look-ups that found nothing since then. */
  looks: number;
  /** End of the lease, or time of the next look-up; null if neither is waited for. */
  due_at: number | null;
  lease: string | null;
}

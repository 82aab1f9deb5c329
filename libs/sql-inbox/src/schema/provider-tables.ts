/*
 * Tables of what the inbox asks the APIs of providers. No code reads or writes those of results, nodes and actions yet. Like
 * all tables, they are part of the first migration and are moved with an inbox.
 */

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
  /** Nodes recorded so far: the position of the next step. */
  recorded_nodes: number;
  updated_at: number;
  /** Numbers of nodes by status, as a JSON object. */
  counts: string;
  /** Nodes that failed, as a JSON array. */
  failing: string;
  /** Ids of the other nodes, as a JSON array; null after some days. */
  good: string | null;
}

/** Nodes that failed, by where they ran. */
export interface NodesTable {
  source: string;
  /** Account, project and environment in which an incident of a node opens and ends, as JSON. */
  scope: string;
  node_id: string;
  latest_success_at: number | null;
  /** Open incident, as JSON. */
  incident: string | null;
  /** When a run last reported the node. */
  updated_at: number;
}

/** State of an action. `unknown`: the provider may or may not have received it, and an operator decides. */
export type ActionState = 'intended' | 'sent' | 'answered' | 'refused' | 'unknown';

/** Requests to a provider that have an effect there. An action is written before it is sent. */
export interface ActionsTable {
  source: string;
  /** Idempotency key of the action. */
  action_key: string;
  kind: string;
  state: ActionState;
  /** Text in the reason of the triggered run, by which its webhook is recognized. */
  mark: string;
  /** Request as JSON. */
  request: string;
  /** Answer of the provider, as JSON. */
  answer: string | null;
  created_at: number;
  /** End of the lease of an attempt; another attempt waits for it. */
  due_at: number | null;
  lease: string | null;
}

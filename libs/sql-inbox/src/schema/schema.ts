import type { Generated } from 'kysely';
import type {
  AttemptOutcome,
  DecidedAction,
  DeliveryState,
  MessageOrigin,
  MessageState,
  Role,
  RunOutcome,
  TaskKind,
} from 'nestjs-runhooks/core';
import type {
  ActionsTable,
  CooldownsTable,
  NodesTable,
  ResultNodesTable,
  ResultsTable,
  RoundsTable,
  SourcesTable,
} from './provider-tables.js';
import type { SeriesTable } from './series-table.js';

/**
 * Tables of an inbox. Times are integers: milliseconds since 1970 (UTC). Bytes are blobs. Flags are 0 or 1. JSON is
 * kept in text columns, because JSON columns reject NUL and lone surrogates, which payloads may contain.
 *
 * Work is due once `due_at` has passed; a message that waits to be parsed has 0 there. A claim moves `due_at` to the
 * end of its lease and stores a token in `lease`. Finished work has no `due_at`. So one index finds new work, work to
 * retry, and work whose process has died.
 */
export interface Schema {
  message_keys: MessageKeysTable;
  purged_keys: MessageKeysTable;
  messages: Defaulted<MessagesTable, 'origin' | 'history'>;
  jobs: JobsTable;
  runs: RunsTable;
  events: EventsTable;
  deliveries: DeliveriesTable & RecordedInOrder;
  attempts: AttemptsTable;
  tasks: TasksTable;
  barriers: BarriersTable;
  processes: ProcessesTable;
  handlers: HandlersTable;
  clock: ClockTable;
  audit: AuditTable;
  refusals: RefusalsTable;
  series: SeriesTable;
  sources: SourcesTable;
  rounds: RoundsTable;
  cooldowns: CooldownsTable;
  results: ResultsTable;
  result_nodes: ResultNodesTable;
  nodes: NodesTable;
  actions: ActionsTable;
}

/** A table whose columns `Name` need not be set by an insert. */
type Defaulted<Row, Name extends keyof Row> = Omit<Row, Name> & { [Column in Name]: Generated<Row[Column]> };

/** Order of insertion. Ids cannot give it: those of two processes, or from before a clock step, are not ordered. */
export interface RecordedInOrder {
  seq: Generated<number>;
}

/**
 * Deduplication keys. A key outlives its message: `purged_keys` has the keys of purged messages, so that they can be
 * removed in the order of their messages.
 */
export interface MessageKeysTable {
  source: string;
  /** The sender's id of the message, from signed data; may be empty. */
  message_key: string;
  /** SHA-256 of the body. */
  digest: Uint8Array;
  message_id: string;
}

export interface MessagesTable {
  id: string;
  source: string;
  provider: string;
  /** `api` if a sweep appended the message. */
  origin: MessageOrigin;
  message_key: string;
  /** SHA-256 of the body as received. */
  digest: Uint8Array;
  received_at: number;
  state: MessageState;
  message_type: string | null;
  /** Run that the message is about, once it has been parsed. */
  account_id: string | null;
  run_id: string | null;
  /** 1 if its run ended before the inbox knew the source: it is recorded, and delivered to no handler. */
  history: number;
  /** 1 if an earlier message of this source has the same `message_key` and another body. */
  id_reused: number;
  claims: number;
  /** 1 if the message is reparsed without running handlers. */
  without_handlers: number;
  due_at: number | null;
  lease: string | null;
  reason: string | null;
  /** Fields that were left out because they were invalid, as a JSON array; null if there are none. */
  notes: string | null;
  headers: string;
  body: Uint8Array;
}

export interface JobsTable {
  source: string;
  job_key: string;
  /** Key of the job that this key is an alias of; null for the job's own row, which has everything else. */
  alias_of: string | null;
  latest_success_at: number | null;
  /** Open incident, as JSON. */
  incident: string | null;
  /** `aliases`, `nameOnly`, `idAlias` and `environment` of the job, as a JSON object. */
  facts: string;
  updated_at: number;
}

export interface RunsTable {
  source: string;
  account_id: string;
  run_id: string;
  job_key: string;
  /** `api` if a sweep reported the run, or its end, before any webhook did. */
  origin: MessageOrigin;
  outcome: RunOutcome | null;
  /** 1 if a later message reported another outcome. */
  contradicted: number;
  /** Types of the run's events, as a JSON array. */
  types: string;
  started_at: number | null;
  finished_at: number | null;
  /** Id of the run that this run is a retry of, if the provider's API reports it, or an action has started it. */
  retry_of: string | null;
  /** Id of the run that the chain of retries began with, if an action has started it. */
  root_run: string | null;
  /** Facts from the provider's API, as a JSON object; empty if no sweep has seen the run. */
  facts: string;
  updated_at: number;
}

export interface EventsTable {
  id: string;
  type: string;
  source: string;
  provider: string;
  /** Null if the event follows from no message. It has no payload then, and is purged by `recorded_at`. */
  message_id: string | null;
  occurred_at: number;
  recorded_at: number;
  data: string;
}

export interface DeliveriesTable {
  id: string;
  event_id: string;
  handler_id: string;
  /** Source of the event. The deliveries of a handler take turns over sources. */
  source: string;
  /** Replay that created the delivery, or an empty string. */
  replay_id: string;
  /** Ordering key. Deliveries of one lane run one at a time, in the order in which they were recorded. */
  lane: string | null;
  /** 1 if the delivery has a lane. */
  in_lane: number;
  state: DeliveryState;
  attempts: number;
  /** Attempts before the last redrive. */
  attempts_before: number;
  due_at: number | null;
  lease: string | null;
  /** Times of the first attempt if it succeeded, which then has no row in `attempts`. */
  started_at: number | null;
  finished_at: number | null;
  /** Operator, time and reason of a dismissal, as JSON. */
  dismissal: string | null;
  /** Text about the reason for waiting, if the last attempt was not counted. */
  waiting_for: string | null;
  /** End of the first of the attempts in a row that were not counted. */
  waiting_since: number | null;
}

/** Attempts, except for a first attempt that succeeded: its delivery has its times. */
export interface AttemptsTable {
  delivery_id: string;
  attempt: number;
  started_at: number;
  finished_at: number;
  outcome: AttemptOutcome;
  error_name: string | null;
  error_message: string | null;
  error_stack: string | null;
}

export interface TasksTable {
  id: string;
  kind: TaskKind;
  handler_id: string;
  source: string;
  provider: string;
  message_id: string | null;
  data: string;
  /** Claims since it last became due. */
  claims: number;
  due_at: number;
  lease: string | null;
}

export interface BarriersTable {
  /** Id of the handler. */
  name: string;
  /** Waiting runs, as JSON. */
  waiting: string;
  updated_at: number;
}

/** Registrations of processes that run, or ran until a moment ago. */
export interface ProcessesTable {
  id: string;
  role: Role;
  label: string;
  host: string;
  pid: number;
  /** Token of the claims with which the process appends and records. */
  lease: string | null;
  /** Versions of the process's handlers, as a JSON array. */
  handlers: string;
  /** Abandoned calls of the process by handler, as a JSON array. */
  abandoned: string;
  started_at: number;
  seen_at: number;
  /** How far the clock of the host is ahead of the clock that decides. */
  clock_ahead_ms: number;
}

/** Handlers that a process has or recently had. A process without one of them hands off messages to it. */
export interface HandlersTable {
  id: string;
  /** Version of the handler in the process that started last. */
  version: string;
  /** Subscriptions of the handler, as JSON. */
  subscriptions: string;
  /** When the process with this version started. */
  since: number;
  /** When a process last reported this version, to the hour. */
  seen_at: number;
}

/** Single row of what the inbox knows about the time, regardless of the current clock. */
export interface ClockTable {
  id: number;
  /** Time that a process last reported. */
  seen_at: number;
  /** Last jump: when the time moved so far at once that the clock was set or no process ran, and how far. */
  jumped_at: number | null;
  jump_ms: number | null;
  /** While purging is limited after a jump: start of the counted hour, rows purged in it, and rows allowed in it. */
  hour_from: number | null;
  hour_rows: number;
  hour_rows_max: number;
}

/** Decisions of operators, oldest first. */
export interface AuditTable {
  seq: Generated<number>;
  /** Id of one call, which may take several steps. */
  id: string;
  decided_at: number;
  action: DecidedAction;
  /** Operator who decided. */
  actor: string;
  reason: string | null;
  /** Arguments of the call, as JSON. */
  details: string;
  /** Number of changed rows. */
  affected: number;
}

/** Requests that were rejected because of their signature, summed over all processes. */
export interface RefusalsTable {
  source: string;
  signature_check: string;
  requests: number;
  latest_at: number;
}

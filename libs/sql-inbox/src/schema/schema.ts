import type { Generated } from 'kysely';
import type {
  AttemptOutcome,
  DecidedAction,
  DeliveryState,
  MessageState,
  Role,
  RunOutcome,
  TaskKind,
} from 'nestjs-runhooks/core';

/**
 * The tables of an inbox. Times are whole milliseconds since 1970 (UTC); bytes are blobs; JSON is text, never a JSON
 * column, because those refuse NUL and lone surrogates, which payloads may hold. Flags are 0 or 1.
 *
 * Work is due when `due_at` has come; a message that waits to be read has 0 there. A claim moves it to the end of the lease
 * and leaves a token in `lease`; what is settled has no `due_at`. So one index finds new work, work to be tried again, and
 * work whose holder is gone.
 */
export interface Schema {
  message_keys: MessageKeysTable;
  messages: MessagesTable;
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
}

/** Given by the engine, and greater than any before: ids of two processes, or from before a step of the clock, are not. */
export interface RecordedInOrder {
  seq: Generated<number>;
}

/** What makes a message a duplicate. Outlives the message itself. */
export interface MessageKeysTable {
  source: string;
  /** The sender's id, from signed data; may be empty. */
  message_key: string;
  /** SHA-256 of the body. */
  digest: Uint8Array;
  message_id: string;
}

export interface MessagesTable {
  id: string;
  source: string;
  provider: string;
  message_key: string;
  headers: string;
  body: Uint8Array;
  received_at: number;
  state: MessageState;
  message_type: string | null;
  /** The run it is about, once it was read. */
  account_id: string | null;
  run_id: string | null;
  reason: string | null;
  /** Fields that did not fit and were left out, as a JSON array; null without any. */
  notes: string | null;
  /** 1: an earlier message of this source has the same `message_key` and another body. */
  id_reused: number;
  claims: number;
  /** 1: read again without running handlers. */
  without_handlers: number;
  due_at: number | null;
  lease: string | null;
}

export interface JobsTable {
  source: string;
  job_key: string;
  latest_success_at: number | null;
  /** The open incident, as JSON. */
  incident: string | null;
  updated_at: number;
}

export interface RunsTable {
  source: string;
  account_id: string;
  run_id: string;
  job_key: string;
  outcome: RunOutcome | null;
  /** 1: a later message named another outcome. */
  contradicted: number;
  /** The types of the events the run has had, as a JSON array. */
  types: string;
  started_at: number | null;
  finished_at: number | null;
  updated_at: number;
}

export interface EventsTable {
  id: string;
  type: string;
  source: string;
  provider: string;
  message_id: string;
  occurred_at: number;
  recorded_at: number;
  data: string;
}

export interface DeliveriesTable {
  id: string;
  event_id: string;
  handler_id: string;
  /** Of its event: deliveries of a handler take turns over sources. */
  source: string;
  /** Empty, or the replay that asked for it. */
  replay_id: string;
  /** Deliveries of one lane run one after the other, in the order in which they were recorded. */
  lane: string | null;
  /** 1: it has a lane. */
  in_lane: number;
  state: DeliveryState;
  attempts: number;
  /** Attempts before the last redrive. */
  attempts_before: number;
  due_at: number | null;
  lease: string | null;
  /** Who dismissed it, when and why, as JSON. */
  dismissal: string | null;
}

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
  message_id: string;
  data: string;
  /** Claims since it last became due. */
  claims: number;
  due_at: number;
  lease: string | null;
}

export interface BarriersTable {
  /** Its handler's id. */
  name: string;
  /** The runs that wait, as JSON. */
  waiting: string;
  updated_at: number;
}

/** Processes that are alive, or were until a moment ago. */
export interface ProcessesTable {
  id: string;
  role: Role;
  label: string;
  /** The versions of its handlers, as a JSON array. */
  handlers: string;
  /** Its abandoned calls by handler, as a JSON array. */
  abandoned: string;
  started_at: number;
  seen_at: number;
  /** How far the clock of its host is ahead of the one that decides. */
  clock_ahead_ms: number;
}

/** Handlers that some process has, or had lately: what is read without knowing one of them is put aside for it. */
export interface HandlersTable {
  id: string;
  /** Of the process that started last. */
  version: string;
  /** What it subscribed to, as JSON. */
  subscriptions: string;
  /** When that process started: this version is here since then. */
  since: number;
  /** When a process last had this version, to the hour. */
  seen_at: number;
}

/** One row: what the inbox knows of the time, whatever the clock says now. */
export interface ClockTable {
  id: number;
  /** The time, as a process last told it. */
  seen_at: number;
  /** When that last moved so far at once that the clock was set or nobody was there, and how far; negative: back. */
  jumped_at: number | null;
  jump_ms: number | null;
  /** While purging brakes: the hour that its rows are counted in, how many went, and how many may go. */
  hour_from: number | null;
  hour_rows: number;
  hour_rows_max: number;
}

/** What operators decided, first to last. */
export interface AuditTable {
  seq: Generated<number>;
  /** Of one call, which may take several steps. */
  id: string;
  decided_at: number;
  action: DecidedAction;
  /** Who decided it, and why. */
  actor: string;
  reason: string | null;
  /** What was asked for, as JSON. */
  details: string;
  /** How many rows it changed. */
  affected: number;
}

/** Requests that were refused for their signature, over all processes. */
export interface RefusalsTable {
  source: string;
  signature_check: string;
  requests: number;
  latest_at: number;
}

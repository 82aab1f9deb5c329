import {
  handlerIdOf,
  parseDated,
  restoreMessage,
  type AbandonedCount,
  type ApiFacts,
  type AttemptSummary,
  type DeliverySummary,
  type DismissalRecord,
  type EventSummary,
  type HeaderMap,
  type Incident,
  type JobRecord,
  type JobState,
  type MessageDetail,
  type MessageSummary,
  type ProcessSummary,
  type ParseNote,
  type RunState,
  type RunSummary,
  type StoredEvent,
  type StoredMessage,
  type VerifiedMessage,
} from 'nestjs-runhooks/core';
import type {
  AttemptsTable,
  DeliveriesTable,
  EventsTable,
  JobsTable,
  MessagesTable,
  ProcessesTable,
  RunsTable,
} from '../schema/schema.js';

/** Facts of a run that no sweep has seen, and of one whose facts were erased, which no sweep adds again. */
export const NO_FACTS = '{}';
export const ERASED_FACTS = 'null';

/** Columns that {@link toStoredMessage} needs. */
export type MessageRow = Pick<
  MessagesTable,
  'id' | 'source' | 'provider' | 'message_key' | 'headers' | 'body' | 'received_at' | 'state' | 'origin' | 'history'
>;

/** Returns a verified message, because only verified messages are appended. */
export function toStoredMessage(row: MessageRow): StoredMessage & VerifiedMessage {
  return restoreMessage({
    id: row.id,
    source: row.source,
    provider: row.provider,
    messageKey: row.message_key,
    headers: JSON.parse(row.headers) as HeaderMap,
    body: row.body,
    receivedAt: new Date(row.received_at),
    state: row.state,
    ...(row.origin === 'api' && { origin: row.origin }),
    ...(row.history === 1 && { history: true }),
  });
}

export function toStoredEvent(row: EventsTable): StoredEvent {
  const { id, type, provider, source, message_id, data } = row;
  return { id, type, provider, source, ...(message_id !== null && { messageId: message_id }), data };
}

export function toJobRecord(row: JobsTable): JobRecord {
  return row.alias_of === null ? toJobState(row) : { aliasOf: row.alias_of };
}

export function toJobState(row: JobsTable): JobState {
  return {
    ...(JSON.parse(row.facts) as Pick<JobState, 'aliases' | 'nameOnly' | 'idAlias' | 'environment'>),
    ...(row.latest_success_at !== null && { latestSuccessAt: new Date(row.latest_success_at) }),
    ...(row.incident !== null && { incident: parseDated<Incident>(row.incident) }),
  };
}

export function toRunState(row: RunsTable): RunState {
  return {
    jobKey: row.job_key,
    contradicted: row.contradicted === 1,
    types: JSON.parse(row.types) as RunState['types'],
    ...(row.outcome && { outcome: row.outcome }),
    ...(row.started_at !== null && { startedAt: new Date(row.started_at) }),
    ...(row.finished_at !== null && { finishedAt: new Date(row.finished_at) }),
    ...(row.origin === 'api' && { origin: row.origin }),
    ...(row.retry_of !== null && { retryOf: row.retry_of }),
    ...(row.root_run !== null && { rootRun: row.root_run }),
    ...(row.facts !== NO_FACTS && row.facts !== ERASED_FACTS && { facts: JSON.parse(row.facts) as ApiFacts }),
  };
}

export function toMessageSummary(
  row: Pick<
    MessagesTable,
    | 'id'
    | 'source'
    | 'provider'
    | 'message_key'
    | 'received_at'
    | 'state'
    | 'message_type'
    | 'reason'
    | 'notes'
    | 'id_reused'
    | 'origin'
    | 'history'
  >,
): MessageSummary {
  return {
    id: row.id,
    source: row.source,
    provider: row.provider,
    messageKey: row.message_key,
    receivedAt: new Date(row.received_at),
    state: row.state,
    idReused: row.id_reused === 1,
    origin: row.origin,
    history: row.history === 1,
    ...(row.message_type !== null && { messageType: row.message_type }),
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.notes !== null && { notes: JSON.parse(row.notes) as ParseNote[] }),
  };
}

export function toMessageDetail(row: MessagesTable): MessageDetail {
  return { ...toMessageSummary(row), headers: JSON.parse(row.headers) as HeaderMap, body: row.body };
}

export function toEventSummary(row: EventsTable): EventSummary {
  return {
    ...toStoredEvent(row),
    occurredAt: new Date(row.occurred_at),
    recordedAt: new Date(row.recorded_at),
  };
}

export function toDeliverySummary(row: DeliveriesTable): DeliverySummary {
  return {
    id: row.id,
    eventId: row.event_id,
    handlerId: row.handler_id,
    state: row.state,
    attempts: row.attempts,
    replayId: row.replay_id,
    ...(row.due_at !== null && { dueAt: new Date(row.due_at) }),
    ...(row.waiting_for !== null && { waitingFor: row.waiting_for }),
    ...(row.dismissal !== null && { dismissal: parseDismissal(row.dismissal) }),
  };
}

function parseDismissal(text: string): DismissalRecord {
  const { at, ...rest } = JSON.parse(text) as Omit<DismissalRecord, 'at'> & { at: string };
  return { at: new Date(at), ...rest };
}

export function toProcessSummary(row: ProcessesTable): ProcessSummary {
  const { id, role, label } = row;
  return {
    id,
    role,
    label,
    startedAt: new Date(row.started_at),
    seenAt: new Date(row.seen_at),
    clockAheadMs: row.clock_ahead_ms,
    handlerIds: versionsOf(row).map(handlerIdOf),
    abandoned: JSON.parse(row.abandoned) as AbandonedCount[],
  };
}

export function versionsOf({ handlers }: Pick<ProcessesTable, 'handlers'>): string[] {
  return JSON.parse(handlers) as string[];
}

export function toAttemptSummary(row: AttemptsTable): AttemptSummary {
  const { error_name: name, error_message: message, error_stack: stack } = row;
  return {
    deliveryId: row.delivery_id,
    attempt: row.attempt,
    startedAt: new Date(row.started_at),
    finishedAt: new Date(row.finished_at),
    durationMs: row.finished_at - row.started_at,
    outcome: row.outcome,
    ...(name !== null && { error: { name, message: message ?? '', stack: stack ?? '' } }),
  };
}

/** Returns the first attempt of a delivery that succeeded at once. */
export function toFirstSuccess(
  deliveryId: string,
  times: Pick<AttemptsTable, 'started_at' | 'finished_at'>,
): AttemptSummary {
  return {
    deliveryId,
    attempt: 1,
    startedAt: new Date(times.started_at),
    finishedAt: new Date(times.finished_at),
    durationMs: times.finished_at - times.started_at,
    outcome: 'succeeded',
  };
}

export function toRunSummary(row: RunsTable): RunSummary {
  const { source, account_id: accountId, run_id: runId } = row;
  return { source, accountId, runId, ...toRunState(row), updatedAt: new Date(row.updated_at) };
}

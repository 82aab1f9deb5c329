import { describeNote, type ParseNote } from 'nestjs-runhooks/core';
import { filled } from './blank.js';
import { messageTypeOf, type DbtCloudMessageType } from './message-type.js';
import type { DbtCloudPayload } from './payload.js';
import { isFailureText } from './status.js';

/** Kind of a message: about a run, a test of the endpoint, of an unrecognized type, or unusable. */
export type MessageKind =
  | { readonly kind: 'run'; readonly messageType: DbtCloudMessageType }
  | { readonly kind: 'test' | 'unrecognized' | 'quarantined'; readonly reason: string };

const STATUS_PATHS: readonly string[] = ['data.runStatus', 'data.runStatusCode'];

/**
 * Returns the kind of a message. A status that was left out of the payload, with one of the `notes`, counts as a status.
 *
 * dbt does not document the body of its "Test Endpoint" button. Users have seen bodies with the fixed ids of a run that
 * does not exist (`testRunIds` lists them), and report bodies without a status.
 */
export function messageKindOf(
  payload: DbtCloudPayload,
  notes: readonly ParseNote[],
  draft: boolean,
  testRunIds: ReadonlySet<string>,
): MessageKind {
  const { accountId, eventId, data } = payload;
  const runId = filled(data.runId);
  const eventType = filled(payload.eventType);
  if (runId !== undefined && testRunIds.has(runId)) return test("data.runId is one of the source's testRunIds");
  if (eventType === undefined) {
    if (runId === undefined && filled(eventId) !== undefined) return test('eventType and data.runId are missing');
    return { kind: 'quarantined', reason: 'eventType: expected a string such as job.run.completed, got nothing' };
  }
  const messageType = messageTypeOf(eventType);
  if (messageType === undefined) return { kind: 'unrecognized', reason: 'this version does not know the eventType' };
  if (runId === undefined) return test('data.runId is missing');
  const oddStatuses = notes.filter(({ path }) => STATUS_PATHS.includes(path));
  if (!hasStatus(payload) && oddStatuses.length === 0 && !mayLackStatus(messageType, draft)) {
    return test('data.runStatus and data.runStatusCode are missing');
  }
  if (filled(accountId) === undefined) return missing('accountId');
  if (filled(data.jobId) === undefined) return missing('data.jobId');
  const decisive = messageType === 'job.run.completed' && oddStatuses.find(({ path }) => decides(path, payload));
  return decisive ? { kind: 'quarantined', reason: describeNote(decisive) } : { kind: 'run', messageType };
}

/**
 * Returns whether the outcome of a completed run depends on this invalid status: the code decides unless the text names
 * a failure, and without a code the text decides.
 */
function decides(path: string, { data }: DbtCloudPayload): boolean {
  if (path === 'data.runStatus') return filled(data.runStatusCode) === undefined;
  return !isFailureText(filled(data.runStatus), filled(data.runStatusMessage));
}

function hasStatus({ data }: DbtCloudPayload): boolean {
  return filled(data.runStatus) !== undefined || filled(data.runStatusCode) !== undefined;
}

/** The draft of 2022 has a status on completed runs only. */
function mayLackStatus(messageType: DbtCloudMessageType, draft: boolean): boolean {
  return messageType === 'job.run.canceled' || (draft && messageType === 'job.run.started');
}

function test(found: string): MessageKind {
  return { kind: 'test', reason: `${found}, as in the messages of dbt's "Test Endpoint" button` };
}

function missing(path: string): MessageKind {
  return { kind: 'quarantined', reason: `${path}: expected an id, got nothing` };
}

import { describeNote, type ParseNote } from 'nestjs-runhooks/core';
import { messageTypeOf, type DbtCloudMessageType } from './message-type.js';
import { told } from './nothing.js';
import type { DbtCloudPayload } from './payload.js';
import { isFailureText } from './status.js';

/** What a message is about: a run, a test of the endpoint, something new, or nothing we can make sense of. */
export type MessageKind =
  | { readonly kind: 'run'; readonly messageType: DbtCloudMessageType }
  | { readonly kind: 'test' | 'unrecognized' | 'quarantined'; readonly reason: string };

const STATUS_PATHS: readonly string[] = ['data.runStatus', 'data.runStatusCode'];

/**
 * `notes` tell what was left out of the payload: a status that does not fit is still one.
 *
 * The body that dbt's "Test Endpoint" button sends is not documented. It was seen with hard-coded ids of a run that does
 * not exist (`testRunIds` names those), and is said to come without a status.
 */
export function classify(
  payload: DbtCloudPayload,
  notes: readonly ParseNote[],
  draft: boolean,
  testRunIds: ReadonlySet<string>,
): MessageKind {
  const { accountId, eventId, data } = payload;
  const runId = told(data.runId);
  const eventType = told(payload.eventType);
  if (runId !== undefined && testRunIds.has(runId)) return test("data.runId is one of the source's testRunIds");
  if (eventType === undefined) {
    if (runId === undefined && told(eventId) !== undefined) return test('there is no eventType and no data.runId');
    return { kind: 'quarantined', reason: 'eventType: expected a text such as job.run.completed, found nothing' };
  }
  const messageType = messageTypeOf(eventType);
  if (messageType === undefined)
    return { kind: 'unrecognized', reason: 'eventType is none of those this version knows' };
  if (runId === undefined) return test('there is no data.runId');
  const oddStatuses = notes.filter(({ path }) => STATUS_PATHS.includes(path));
  if (!namesStatus(payload) && oddStatuses.length === 0 && !mayLackStatus(messageType, draft)) {
    return test('there is no data.runStatus and no data.runStatusCode');
  }
  if (told(accountId) === undefined) return missing('accountId');
  if (told(data.jobId) === undefined) return missing('data.jobId');
  const decisive = messageType === 'job.run.completed' && oddStatuses.find(({ path }) => decides(path, payload));
  return decisive ? { kind: 'quarantined', reason: describeNote(decisive) } : { kind: 'run', messageType };
}

/** Whether the outcome of a completed run hangs on a status that cannot be read: on the code unless the text is bad news, else on the text. */
function decides(path: string, { data }: DbtCloudPayload): boolean {
  if (path === 'data.runStatus') return told(data.runStatusCode) === undefined;
  return !isFailureText(told(data.runStatus), told(data.runStatusMessage));
}

function namesStatus({ data }: DbtCloudPayload): boolean {
  return told(data.runStatus) !== undefined || told(data.runStatusCode) !== undefined;
}

/** The draft of 2022 gives a status to completed runs only. */
function mayLackStatus(messageType: DbtCloudMessageType, draft: boolean): boolean {
  return messageType === 'job.run.canceled' || (draft && messageType === 'job.run.started');
}

function test(found: string): MessageKind {
  return { kind: 'test', reason: `${found}: taken for a message of dbt's "Test Endpoint" button` };
}

function missing(path: string): MessageKind {
  return { kind: 'quarantined', reason: `${path}: expected an id, found nothing` };
}

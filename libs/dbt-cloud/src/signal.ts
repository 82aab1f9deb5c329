import {
  endTypesOf,
  parseTimestamp,
  runDurationMs,
  type Reference,
  type Run,
  type RunSignal,
  type RunSignalType,
  defined,
} from 'nestjs-runhooks/core';
import { filled } from './blank.js';
import type { DbtCloudMessageType } from './message-type.js';
import type { DbtCloudPayload, DbtCloudRunData } from './payload.js';
import { statusOf } from './status.js';
import { triggerOf } from './trigger.js';

/** Facts that the payload does not contain. */
export interface SignalContext {
  readonly receivedAt: Date;
  /** Address of the account's dbt Cloud, without a slash at the end. */
  readonly accessUrl: string | undefined;
}

/**
 * Returns the signal of a message about a run. `occurredAt` is the run's own time of the event. If it is missing, it is
 * the time at which dbt created the message, or at which the message was received.
 */
export function signalOf(
  messageType: DbtCloudMessageType,
  payload: DbtCloudPayload,
  { receivedAt, accessUrl }: SignalContext,
): RunSignal {
  const run = runOf(messageType, payload, accessUrl);
  const ownTime = messageType === 'job.run.started' ? run.startedAt : run.finishedAt;
  return {
    types: eventTypesOf(messageType, run),
    occurredAt: ownTime ?? parseTimestamp(payload.timestamp) ?? receivedAt,
    run,
  };
}

/** dbt sends two messages about a failed run: `job.run.errored` at once, `job.run.completed` when its results exist. */
function eventTypesOf(messageType: DbtCloudMessageType, { status }: Run): readonly RunSignalType[] {
  if (messageType === 'job.run.started') return ['run.started'];
  if (messageType === 'job.run.errored') return ['run.failed'];
  return endTypesOf(status);
}

function runOf(
  messageType: DbtCloudMessageType,
  { accountId, data }: DbtCloudPayload,
  accessUrl: string | undefined,
): Run {
  const code = filled(data.runStatusCode);
  const providerStatus = filled(data.runStatus) ?? code?.toString();
  const statusMessage = filled(data.runStatusMessage);
  const project = referenceOf(data.projectId, data.projectName);
  const environment = referenceOf(data.environmentId, data.environmentName);
  const startedAt = parseTimestamp(data.runStartedAt);
  const finishedAt = finishedAtOf(messageType, data);
  const url =
    accessUrl !== undefined && project?.id !== undefined
      ? urlOf(accessUrl, accountId, project.id, data.runId)
      : undefined;
  return {
    id: data.runId,
    status: statusOf(messageType, { code, text: filled(data.runStatus), error: statusMessage }),
    job: {
      key: `${encodeURIComponent(accountId)}/${encodeURIComponent(data.jobId)}`,
      ...referenceOf(data.jobId, data.jobName),
    },
    account: { id: accountId },
    trigger: triggerOf(filled(data.runReason)),
    ...defined({ url, providerStatus, statusMessage, project, environment, startedAt, finishedAt }),
    ...defined({ durationMs: runDurationMs(startedAt, finishedAt) }),
  };
}

/** Each kind of end has its own field. The field of the message type comes first. */
function finishedAtOf(
  messageType: DbtCloudMessageType,
  { runFinishedAt, runErroredAt, runCanceledAt }: DbtCloudRunData,
): Date | undefined {
  switch (messageType) {
    case 'job.run.started':
      return undefined;
    case 'job.run.completed':
      return parseTimestamp(runFinishedAt) ?? parseTimestamp(runErroredAt) ?? parseTimestamp(runCanceledAt);
    case 'job.run.errored':
      return parseTimestamp(runErroredAt) ?? parseTimestamp(runFinishedAt);
    case 'job.run.canceled':
      return parseTimestamp(runCanceledAt) ?? parseTimestamp(runFinishedAt);
  }
}

function urlOf(accessUrl: string, ...ids: readonly [account: string, project: string, run: string]): string {
  const [account, project, run] = ids.map(encodeURIComponent);
  return `${accessUrl}/deploy/${account}/projects/${project}/runs/${run}`;
}

function referenceOf(sentId: string | null | undefined, sentName: string | null | undefined): Reference | undefined {
  const [id, name] = [filled(sentId), filled(sentName)];
  return id === undefined && name === undefined ? undefined : defined({ id, name });
}

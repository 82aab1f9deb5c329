import {
  parseTimestamp,
  runDurationMs,
  type Reference,
  type Run,
  type RunSignal,
  type RunSignalType,
} from 'nestjs-runhooks/core';
import type { DbtCloudMessageType } from './message-type.js';
import { told } from './nothing.js';
import type { DbtCloudPayload, DbtCloudRunData } from './payload.js';
import { statusOf } from './status.js';
import { triggerOf } from './trigger.js';

/** What the payload alone does not tell. */
export interface SignalContext {
  readonly receivedAt: Date;
  /** Where the account's runs can be looked at, without a slash at the end. */
  readonly accessUrl: string | undefined;
}

/**
 * What a message about a run says. `occurredAt` is the run's own time of the event, else when dbt made the message,
 * else when it was received.
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
    occurredAt: ownTime ?? timeOf(payload.timestamp) ?? receivedAt,
    run,
  };
}

/** A failed run is announced twice, by `job.run.errored` at once and by `job.run.completed` when its results are there. */
function eventTypesOf(messageType: DbtCloudMessageType, { status }: Run): readonly RunSignalType[] {
  if (messageType === 'job.run.started') return ['run.started'];
  if (messageType === 'job.run.errored') return ['run.failed'];
  switch (status) {
    case 'succeeded':
      return ['run.succeeded', 'run.completed'];
    case 'failed':
      return ['run.failed', 'run.completed'];
    case 'canceled':
      return ['run.canceled', 'run.completed'];
    default:
      return ['run.completed'];
  }
}

function runOf(
  messageType: DbtCloudMessageType,
  { accountId, data }: DbtCloudPayload,
  accessUrl: string | undefined,
): Run {
  const code = told(data.runStatusCode);
  const providerStatus = told(data.runStatus) ?? code?.toString();
  const statusMessage = told(data.runStatusMessage);
  const project = referenceOf(data.projectId, data.projectName);
  const environment = referenceOf(data.environmentId, data.environmentName);
  const startedAt = timeOf(data.runStartedAt);
  const finishedAt = finishedAtOf(messageType, data);
  const durationMs = runDurationMs(startedAt, finishedAt);
  return {
    id: data.runId,
    ...(accessUrl !== undefined &&
      project?.id !== undefined && { url: urlOf(accessUrl, accountId, project.id, data.runId) }),
    status: statusOf(messageType, { code, text: told(data.runStatus), error: statusMessage }),
    ...(providerStatus !== undefined && { providerStatus }),
    ...(statusMessage !== undefined && { statusMessage }),
    job: {
      key: `${encodeURIComponent(accountId)}/${encodeURIComponent(data.jobId)}`,
      ...referenceOf(data.jobId, data.jobName),
    },
    account: { id: accountId },
    ...(project && { project }),
    ...(environment && { environment }),
    trigger: triggerOf(told(data.runReason)),
    ...(startedAt && { startedAt }),
    ...(finishedAt && { finishedAt }),
    ...(durationMs !== undefined && { durationMs }),
  };
}

/** Each kind of end has a field of its own; the one that fits the message comes first. */
function finishedAtOf(
  messageType: DbtCloudMessageType,
  { runFinishedAt, runErroredAt, runCanceledAt }: DbtCloudRunData,
): Date | undefined {
  switch (messageType) {
    case 'job.run.started':
      return undefined;
    case 'job.run.completed':
      return timeOf(runFinishedAt) ?? timeOf(runErroredAt) ?? timeOf(runCanceledAt);
    case 'job.run.errored':
      return timeOf(runErroredAt) ?? timeOf(runFinishedAt);
    case 'job.run.canceled':
      return timeOf(runCanceledAt) ?? timeOf(runFinishedAt);
  }
}

function urlOf(accessUrl: string, ...ids: readonly [account: string, project: string, run: string]): string {
  const [account, project, run] = ids.map(encodeURIComponent);
  return `${accessUrl}/deploy/${account}/projects/${project}/runs/${run}`;
}

function referenceOf(sentId: string | null | undefined, sentName: string | null | undefined): Reference | undefined {
  const id = told(sentId);
  const name = told(sentName);
  if (id === undefined && name === undefined) return undefined;
  return { ...(id !== undefined && { id }), ...(name !== undefined && { name }) };
}

function timeOf(text: string | null | undefined): Date | undefined {
  const time = told(text);
  return time === undefined ? undefined : parseTimestamp(time);
}

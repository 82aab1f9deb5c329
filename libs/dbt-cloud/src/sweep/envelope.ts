import {
  defined,
  parseJson,
  validatePayload,
  type ApiPhase,
  type ParseResult,
  type Run,
  type VerifiedMessage,
} from 'nestjs-runhooks/core';
import type { DbtCloudApiRun } from '../api/api-objects.js';
import { fieldsOf, type Fields, readRun } from '../api/api-readers.js';
import { messageKindOf } from '../message-kind.js';
import type { DbtCloudMessageType } from '../message-type.js';
import { DbtCloudPayload } from '../payload.js';
import { signalOf } from '../signal.js';
import { STATUS_CODE } from '../status.js';
import { phaseNow } from './phases.js';
import type { RunNames } from './provider-names.js';

/** Body of a message that a sweep appended, besides its phase. */
export interface DbtCloudEnvelope {
  readonly v: 1;
  /** The run as the API returned it, without its related objects except the trigger. */
  readonly run: Fields;
  readonly names: RunNames;
}

/** Related objects that are large, or contain settings of the job that no handler asked to store. */
const LEFT_OUT = new Set(['job', 'environment', 'repository', 'run_steps', 'run_retries', 'audit', 'debug_logs']);

/** Returns the body of a message about a run. */
export function envelopeOf({ raw }: DbtCloudApiRun, names: RunNames): DbtCloudEnvelope {
  return { v: 1, run: Object.fromEntries(Object.entries(raw).filter(([name]) => !LEFT_OUT.has(name))), names };
}

/** Options for {@link parseEnvelope}. */
export interface EnvelopeContext {
  readonly accessUrl: string | undefined;
  readonly testRunIds: ReadonlySet<string>;
}

/**
 * Parses a message that a sweep appended, with the same result as for a webhook about the same run, and with what only the
 * API reports. The payload is the webhook's: handlers need not know how a run was heard of. Never throws.
 */
export function parseEnvelope(
  { body, receivedAt }: VerifiedMessage,
  { accessUrl, testRunIds }: EnvelopeContext,
): ParseResult {
  const json = parseJson(body);
  if (!json.ok) return { state: 'quarantined', reason: json.reason };
  const envelope = fieldsOf(json.value) ?? {};
  const run = readRun(envelope['run']);
  if (envelope['v'] !== 1 || !run) {
    return { state: 'quarantined', reason: 'the body: expected v 1 and a run with its ids, got another value' };
  }
  const phase = typeof envelope['phase'] === 'string' ? (envelope['phase'] as ApiPhase) : phaseNow(run);
  const checked = validatePayload(DbtCloudPayload, webhookOf(run, phase, fieldsOf(envelope['names']) ?? {}));
  if (!checked.ok) return { state: 'quarantined', reason: checked.reason };
  const { payload, notes } = checked;
  const found = messageKindOf(payload, notes, false, testRunIds);
  // A run of the API always exists, so one without a status is no test of an endpoint.
  if (found.kind !== 'run') return { state: testRunIds.has(run.id) ? 'test' : 'quarantined', reason: found.reason };
  const { messageType } = found;
  const signal = signalOf(messageType, payload, { receivedAt, accessUrl });
  // The artifacts of a run that has only ended are not there yet.
  const types = phase.startsWith('ended:') ? signal.types.filter((type) => type !== 'run.completed') : signal.types;
  return {
    state: 'parsed',
    messageType,
    payload,
    notes,
    signal: { ...signal, types, run: { ...signal.run, ...onlyInApi(run, signal.run) } },
  };
}

function messageTypeOfPhase({ status }: DbtCloudApiRun, phase: ApiPhase): DbtCloudMessageType {
  if (phase === 'running') return 'job.run.started';
  if (status === STATUS_CODE.cancelled) return 'job.run.canceled';
  return status === STATUS_CODE.error && phase.startsWith('ended:') ? 'job.run.errored' : 'job.run.completed';
}

/** Words of the webhooks, which differ from those of the API. */
const STATUS_WORDS: Readonly<Record<number, string>> = {
  [STATUS_CODE.running]: 'Running',
  [STATUS_CODE.success]: 'Success',
  [STATUS_CODE.error]: 'Errored',
  [STATUS_CODE.cancelled]: 'Cancelled',
};

/** Returns the run in the shape of a webhook's body. Invalid values stay, so that they are handled as those of a webhook. */
function webhookOf(run: DbtCloudApiRun, phase: ApiPhase, { project, environment, job }: Fields): object {
  const { raw, status } = run;
  const eventType = messageTypeOfPhase(run, phase);
  const code = eventType === 'job.run.started' ? STATUS_CODE.running : status;
  const end = raw['finished_at'] ?? raw['updated_at'];
  return defined({
    accountId: run.accountId,
    eventType,
    data: defined({
      jobId: run.jobId,
      jobName: job ?? undefined,
      runId: run.id,
      environmentId: raw['environment_id'] ?? undefined,
      environmentName: environment ?? undefined,
      dbtVersion: raw['dbt_version'] ?? undefined,
      projectId: raw['project_id'] ?? undefined,
      projectName: project ?? undefined,
      runStatus: (code !== undefined && STATUS_WORDS[code]) || (raw['status_humanized'] ?? undefined),
      runStatusCode: code ?? raw['status'] ?? undefined,
      runStatusMessage: raw['status_message'] ?? undefined,
      runReason: run.trigger?.cause,
      runStartedAt: raw['started_at'] ?? undefined,
      ...(eventType === 'job.run.completed' && { runFinishedAt: end ?? undefined }),
      ...(eventType === 'job.run.errored' && { runErroredAt: end ?? undefined }),
      ...(eventType === 'job.run.canceled' && { runCanceledAt: end ?? undefined }),
    }),
  });
}

/** Returns what no webhook of dbt Cloud reports about a run. */
function onlyInApi(
  { trigger, gitBranch, gitSha, retryOf, href }: DbtCloudApiRun,
  { trigger: told, url }: Run,
): Partial<Run> {
  const commit = defined({
    branch: gitBranch ?? trigger?.gitBranch,
    sha: gitSha ?? trigger?.gitSha,
    pullRequest: trigger?.pullRequestId,
  });
  return defined({
    trigger: { ...told, ...defined({ category: trigger?.category }) },
    commit: Object.keys(commit).length > 0 ? commit : undefined,
    retryOf,
    url: url ?? (href !== undefined && URL.canParse(href) && href.startsWith('https://') ? href : undefined),
  });
}

import { defined, parseTimestamp, readId } from 'nestjs-runhooks/core';
import type {
  DbtCloudApiJob,
  DbtCloudApiPlace,
  DbtCloudApiRun,
  DbtCloudApiStep,
  DbtCloudApiSubscription,
  DbtCloudApiTrigger,
} from './api-objects.js';

/** Fields of an object of the API. dbt's specification marks hardly any of them as nullable, though many can be null. */
export type Fields = Readonly<Record<string, unknown>>;

/** Returns the fields of an object, or `undefined` for anything else. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** Returns a run, or `undefined` if it has no id. `job_definition_id` is the older name of `job_id`. */
export function readRun(value: unknown): DbtCloudApiRun | undefined {
  const raw = fieldsOf(value) ?? {};
  const [id, accountId] = [readId(raw['id']), readId(raw['account_id'])];
  if (id === undefined || accountId === undefined) return undefined;
  const { run_steps: steps } = raw;
  const job = fieldsOf(raw['job']);
  return {
    id,
    accountId,
    isComplete: raw['is_complete'] === true,
    artifactsSaved: raw['artifacts_saved'] === true,
    canRetry: raw['can_retry'] === true,
    raw,
    ...defined({
      jobId: readId(raw['job_definition_id']) ?? readId(raw['job_id']),
      projectId: readId(raw['project_id']),
      environmentId: readId(raw['environment_id']),
      status: integerOf(raw['status']),
      statusMessage: textOf(raw['status_message']),
      href: textOf(raw['href']),
      gitBranch: textOf(raw['git_branch']),
      gitSha: textOf(raw['git_sha']),
      createdAt: timeOf(raw['created_at']),
      startedAt: timeOf(raw['started_at']),
      finishedAt: timeOf(raw['finished_at']),
      updatedAt: timeOf(raw['updated_at']),
      retryOf: readId(raw['retrying_run_id']),
      retryRefusal: textOf(raw['retry_not_supported_reason']),
      trigger: readTrigger(raw['trigger']),
      jobName: textOf(job?.['name']),
      jobType: textOf(job?.['job_type']),
      steps: Array.isArray(steps) && steps.length > 0 ? readEach(steps, readStep) : undefined,
    }),
  };
}

const PULL_REQUESTS = [
  'github_pull_request_id',
  'gitlab_merge_request_id',
  'azure_pull_request_id',
  'non_native_pull_request_id',
];

/** Returns the cause of a run, or `undefined` if it is missing. */
export function readTrigger(value: unknown): DbtCloudApiTrigger | undefined {
  const trigger = fieldsOf(value);
  return (
    trigger &&
    defined({
      cause: textOf(trigger['cause']),
      category: textOf(trigger['cause_category']),
      gitBranch: textOf(trigger['git_branch']),
      gitSha: textOf(trigger['git_sha']),
      pullRequestId: PULL_REQUESTS.map((name) => readId(trigger[name])).find((id) => id !== undefined),
      schemaOverride: textOf(trigger['schema_override']),
      targetOverride: textOf(trigger['target_name_override']),
    })
  );
}

function readStep(value: unknown): DbtCloudApiStep | undefined {
  const step = fieldsOf(value) ?? {};
  const index = integerOf(step['index']);
  if (index === undefined) return undefined;
  const [status, logs] = [integerOf(step['status']), textOf(step['logs']) ?? textOf(step['debug_logs'])];
  return { index, name: textOf(step['name']) ?? '', ...defined({ status, logs }) };
}

/** Returns a job, or `undefined` if it has no id. */
export function readJob(value: unknown): DbtCloudApiJob | undefined {
  const raw = fieldsOf(value) ?? {};
  const id = readId(raw['id']);
  if (id === undefined) return undefined;
  return {
    id,
    name: textOf(raw['name']) ?? '',
    isScheduled: fieldsOf(raw['triggers'])?.['schedule'] === true,
    raw,
    ...defined({
      projectId: readId(raw['project_id']),
      environmentId: readId(raw['environment_id']),
      jobType: textOf(raw['job_type']),
      cron: textOf(fieldsOf(raw['schedule'])?.['cron']),
      nextRunAt: timeOf(raw['next_run']),
    }),
  };
}

/** Returns a project or an environment, or `undefined` if it has no id or no name. */
export function readPlace(value: unknown): DbtCloudApiPlace | undefined {
  const raw = fieldsOf(value) ?? {};
  const [id, name] = [readId(raw['id']), textOf(raw['name'])];
  return id === undefined || name === undefined ? undefined : { id, name, raw };
}

/** Returns a subscription, or `undefined` if it has no id or URL. Its times are microseconds since 1970, as strings. */
export function readSubscription(value: unknown): DbtCloudApiSubscription | undefined {
  const raw = fieldsOf(value) ?? {};
  const [id, clientUrl] = [textOf(raw['id']), textOf(raw['client_url'])];
  if (id === undefined || clientUrl === undefined) return undefined;
  const { hmac_secret: _, ...shown } = raw;
  return {
    id,
    clientUrl,
    isActive: raw['active'] === true,
    eventTypes: readEach(raw['event_types'], textOf),
    // Numbers, or strings in the system before 2026.
    jobIds: readEach(raw['job_ids'], readId),
    raw: shown,
    ...defined({
      name: textOf(raw['name']),
      deactivateReason: textOf(raw['deactivate_reason']),
      lastStatus: integerOf(Number(raw['http_status_code'] ?? 0)) || undefined,
      lastDispatchedAt: microsecondsOf(raw['dispatched_at']),
    }),
  };
}

/** Returns the items of a list that `read` understands. A list that is null is empty. */
export function readEach<T>(list: unknown, read: (value: unknown) => T | undefined): readonly T[] {
  if (!Array.isArray(list)) return [];
  return list.map((item: unknown) => read(item)).filter((item) => item !== undefined);
}

/** Returns a string that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function integerOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

function timeOf(value: unknown): Date | undefined {
  return typeof value === 'string' ? parseTimestamp(value) : undefined;
}

function microsecondsOf(value: unknown): Date | undefined {
  const ms = Math.floor(Number(value ?? 0) / 1_000);
  return Number.isSafeInteger(ms) && ms > 0 ? new Date(ms) : undefined;
}

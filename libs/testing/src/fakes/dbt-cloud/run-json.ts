import { FAKE_LIMITS } from '../../limits.js';
import type { DbtRun } from './dbt-run.js';
import { apiTime, clockTime, humanized } from './json-times.js';
import type { RunState, StepState } from './run-state.js';

const LABELS = { 1: 'Queued', 2: 'Starting', 3: 'Running', 10: 'Success', 20: 'Error', 30: 'Cancelled' } as const;

/** Objects that a run can include. */
export type Related = ReadonlySet<string>;

/** How a run is shown. */
export interface RunView {
  readonly now: Date;
  readonly related: Related;
  /** Number of the call if fields change, see `FakeFaults.changeFields`. */
  readonly change: number | undefined;
}

/**
 * Returns a run as the Admin API v2 shows it (`RunResponse` of dbt's OpenAPI specification). Ids are numbers, and objects
 * that the call did not ask for are null.
 */
export function runJson(run: DbtRun, state: RunState, { now, related, change }: RunView): Record<string, unknown> {
  const { account, job, options } = run;
  const { status, startedAt, finishedAt } = state;
  const artifactsSaved = state.artifactsAt !== null && state.artifactsAt <= now;
  return {
    id: Number(run.id),
    trigger_id: Number(run.id) + 1_000_000,
    account_id: Number(account.id),
    environment_id: Number(job.environment.id),
    project_id: Number(job.project.id),
    job_definition_id: Number(job.id),
    job_id: Number(job.id),
    status,
    dbt_version: 'latest',
    git_branch: options.gitBranch ?? 'main',
    git_sha: options.gitSha ?? GIT_SHA,
    status_message: state.message,
    owner_thread_id: null,
    executed_by_thread_id: status === 1 ? null : `scheduler-run-${run.id}`,
    deferring_run_id: null,
    artifacts_saved: artifactsSaved,
    artifact_s3_path: artifactsSaved ? `prod/runs/${run.id}/artifacts/target` : null,
    has_docs_generated: false,
    has_sources_generated: false,
    notifications_sent: false,
    blocked_by: [],
    ...timesOf(run, state, now, change),
    trigger: related.has('trigger') ? triggerJson(run) : null,
    job: related.has('job') ? job.toJson(now) : null,
    environment: related.has('environment') ? job.environment.toJson() : null,
    run_steps: related.has('run_steps') ? state.steps.map((step) => stepJson(run, step)) : [],
    ...(related.has('run_retries') && { run_retries: retriesOf(run, now) }),
    ...(related.has('audit') && { audit: auditOf(run, state) }),
    status_humanized: LABELS[status],
    in_progress: status < 10,
    is_complete: status >= 10,
    is_success: status === 10,
    is_error: status === 20,
    is_cancelled: status === 30,
    is_running: status === 3,
    ...durationsOf(run, startedAt, finishedAt ?? now),
    retrying_run_id: options.retryOf === undefined ? null : Number(options.retryOf),
    can_retry: run.refusalOfRetry === undefined,
    retry_not_supported_reason: run.refusalOfRetry ?? null,
    href: `https://${account.host}/deploy/${account.id}/projects/${job.project.id}/runs/${run.id}/`,
    used_repo_cache: related.has('used_repo_cache') ? false : null,
  };
}

const GIT_SHA = '54a134583ef6dccbe154e30e1cd09a9d94b6bda0';

function timesOf(run: DbtRun, { updatedAt, startedAt, finishedAt }: RunState, now: Date, change?: number): object {
  const orNull = (date: Date | null) => (date === null ? null : apiTime(date));
  const agoMs = now.getTime() - run.createdAt.getTime();
  return {
    created_at: apiTime(run.createdAt),
    updated_at: apiTime(new Date(updatedAt.getTime() + (change ?? 0))),
    dequeued_at: orNull(startedAt),
    started_at: orNull(startedAt),
    finished_at: orNull(finishedAt),
    last_checked_at: change === undefined ? null : apiTime(new Date(now.getTime() + change)),
    last_heartbeat_at: null,
    should_start_at: apiTime(run.createdAt),
    created_at_humanized: `${humanized(agoMs + (change ?? 0) * 1_000)} ago`,
    finished_at_humanized: finishedAt === null ? null : `${humanized(now.getTime() - finishedAt.getTime())} ago`,
  };
}

function durationsOf({ createdAt }: DbtRun, startedAt: Date | null, end: Date): object {
  const totalMs = end.getTime() - createdAt.getTime();
  const queuedMs = (startedAt ?? end).getTime() - createdAt.getTime();
  const ranMs = totalMs - queuedMs;
  return {
    duration: clockTime(totalMs),
    queued_duration: clockTime(queuedMs),
    run_duration: clockTime(ranMs),
    duration_humanized: humanized(totalMs),
    queued_duration_humanized: humanized(queuedMs),
    run_duration_humanized: humanized(ranMs),
  };
}

function triggerJson({ cause, job, options }: DbtRun): object {
  return {
    cause,
    job_definition_id: Number(job.id),
    git_branch: options.gitBranch ?? null,
    git_sha: options.gitSha ?? null,
    azure_pull_request_id: null,
    github_pull_request_id: options.pullRequestId ?? null,
    gitlab_merge_request_id: null,
    non_native_pull_request_id: null,
    schema_override: options.schemaOverride ?? null,
    dbt_version_override: null,
    threads_override: null,
    target_name_override: options.targetOverride ?? null,
    generate_docs_override: null,
    timeout_seconds_override: null,
    steps_override: options.steps ?? null,
    cause_category: options.causeCategory ?? 'scheduled',
    ...options.overrides,
  };
}

/** Returns the retries of a run. They are a list, so they lag like one. */
function retriesOf({ account, retries }: DbtRun, now: Date): readonly object[] {
  const seenMs = now.getTime() - account.faults.listLagMs;
  return retries.filter(({ createdAt }) => createdAt.getTime() <= seenMs).map(({ id }) => ({ id: Number(id) }));
}

/** Returns a step. Its id is made of the run's id and its index. */
export function stepJson(run: DbtRun, { index, name, status, logs }: StepState): Record<string, unknown> {
  return {
    id: stepIdOf(run, index),
    run_id: Number(run.id),
    account_id: Number(run.account.id),
    index,
    status,
    name,
    logs,
    debug_logs: logs,
    log_path: `logs/prod/${run.id}/${index}.log`,
    debug_log_path: `logs/prod/${run.id}/${index}.debug.log`,
    truncated_debug_logs: logs,
    status_color: null,
    status_humanized: LABELS[status],
    created_at: apiTime(run.createdAt),
    updated_at: apiTime(run.createdAt),
    started_at: apiTime(run.createdAt),
    finished_at: apiTime(run.createdAt),
    duration: '00:00:01',
    duration_humanized: '1 second',
    run_step_command: null,
    run_step_invocation: null,
  };
}

/** Returns the id of a step. */
export function stepIdOf(run: Pick<DbtRun, 'id'>, index: number): number {
  return Number(run.id) * FAKE_LIMITS.dbtStepsMax + index;
}

function auditOf({ cause }: DbtRun, { status }: RunState): object {
  const actor = { id: '1', type: 'user', name: 'Kim' };
  return { trigger: { actor: { ...actor, name: cause } }, cancellation: status === 30 ? { actor } : null };
}

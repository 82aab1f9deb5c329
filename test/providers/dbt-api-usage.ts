/**
 * Everything that Runhooks uses of dbt Cloud's Administrative API (https://github.com/dbt-labs/dbt-cloud-openapi-spec, commit
 * 1f274f7 of 2026-08-20). A test compares it with the calls and fields of the client. After a change of this list, compare it
 * with the specification.
 */
export const DBT_API_CALLS: readonly string[] = [
  'GET /api/v2/accounts/{account_id}/jobs/ ? environment_id limit name__icontains offset project_id__in',
  'GET /api/v2/accounts/{account_id}/jobs/{id}/',
  'GET /api/v2/accounts/{account_id}/runs/ ? created_at__range environment_id finished_at__range id__gt include_related job_definition_id limit offset order_by pk__in project_id__in status__in',
  'GET /api/v2/accounts/{account_id}/runs/{id}/ ? include_related',
  'GET /api/v2/accounts/{account_id}/runs/{id}/artifacts/ ? step',
  'GET /api/v2/accounts/{account_id}/runs/{id}/artifacts/{path} ? step',
  'GET /api/v3/accounts/',
  'GET /api/v3/accounts/{account_id}/projects/ ? limit offset state',
  'GET /api/v3/accounts/{account_id}/projects/{id}/environments/ ? limit offset state',
  'GET /api/v3/accounts/{account_id}/webhooks/subscription/{id}',
  'GET /api/v3/accounts/{account_id}/webhooks/subscriptions ? limit offset',
];

/** Fields of each object, with `.` before those of objects in it. */
export const DBT_API_FIELDS = {
  run: [
    'account_id',
    'artifacts_saved',
    'can_retry',
    'created_at',
    'dbt_version',
    'environment_id',
    'finished_at',
    'git_branch',
    'git_sha',
    'href',
    'id',
    'is_complete',
    'job.name',
    'job_definition_id',
    'job_id',
    'project_id',
    'retrying_run_id',
    'run_steps',
    'started_at',
    'status',
    'status_humanized',
    'status_message',
    'trigger.azure_pull_request_id',
    'trigger.cause',
    'trigger.cause_category',
    'trigger.git_branch',
    'trigger.git_sha',
    'trigger.github_pull_request_id',
    'trigger.gitlab_merge_request_id',
    'trigger.non_native_pull_request_id',
    'updated_at',
  ],
  step: ['debug_logs', 'index', 'logs', 'name', 'status'],
  job: ['environment_id', 'id', 'job_type', 'name', 'next_run', 'project_id', 'schedule.cron', 'triggers.schedule'],
  place: ['id', 'name'],
  subscription: [
    'active',
    'client_url',
    'deactivate_reason',
    'dispatched_at',
    'event_types',
    'http_status_code',
    'id',
    'job_ids',
    'name',
  ],
} as const;

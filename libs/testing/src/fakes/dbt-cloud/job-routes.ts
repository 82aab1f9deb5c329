import type { FakeResponse } from '../loopback-server.js';
import type { DbtAccount } from './dbt-account.js';
import type { DbtJob } from './dbt-job.js';
import type { Route } from './dbt-routes.js';
import type { DbtRun } from './dbt-run.js';
import { one, page } from './list-page.js';
import { PAGE, parseParameters } from './parameters.js';
import { notFound, Refused } from './refused.js';
import { runJson } from './run-json.js';

const READ = ['read', 'act'] as const;
const RELATED_OF_JOB = [
  'environment',
  'custom_environment_variables',
  'most_recent_run',
  'most_recent_completed_run',
] as const;

const JOBS = {
  ...PAGE,
  pk: 'integer',
  project_id: 'integer',
  project_id__in: 'integers',
  environment_id: 'integer',
  name__icontains: 'string',
  state: 'string',
  triggers_schedule: 'boolean',
  order_by: 'string',
  include_related: RELATED_OF_JOB,
} as const;

const STATES: Readonly<Record<string, (job: { readonly isDeleted: boolean }) => boolean>> = {
  active: ({ isDeleted }) => !isDeleted,
  1: ({ isDeleted }) => !isDeleted,
  deleted: ({ isDeleted }) => isDeleted,
  2: ({ isDeleted }) => isDeleted,
  all: () => true,
};

/** Routes of jobs, projects and environments. */
export const JOB_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: 'v2/jobs/',
    rights: READ,
    respond: ({ account, request }) => listJobs(account, request.query),
  },
  {
    method: 'GET',
    path: 'v2/jobs/{}/',
    rights: READ,
    respond: ({ account, request, parts: [id = ''] }) => {
      const { include_related: related = [] } = parseParameters(request.query, { include_related: RELATED_OF_JOB });
      const job = account.jobs.get(id);
      if (job === undefined || job.isDeleted) throw notFound('No job has this id.');
      return one(jobJson(account, job, related));
    },
  },
  {
    method: 'GET',
    path: 'v3/projects/',
    rights: READ,
    respond: ({ account, request }) => {
      const parameters = parseParameters(request.query, {
        ...PAGE,
        state: 'string',
        order_by: 'string',
        name__icontains: 'string',
      });
      return page(named([...account.projects.values()], parameters.name__icontains), (one) => one.toJson(), parameters);
    },
  },
  {
    method: 'GET',
    path: 'v3/projects/{}/',
    rights: READ,
    respond: ({ account, parts: [id = ''] }) => {
      const project = account.projects.get(id);
      if (project === undefined) throw notFound('No project has this id.');
      return one(project.toJson());
    },
  },
  {
    method: 'GET',
    path: 'v3/projects/{}/environments/',
    rights: READ,
    respond: ({ account, request, parts: [id = ''] }) => {
      const parameters = parseParameters(request.query, {
        ...PAGE,
        state: 'string',
        order_by: 'string',
        name__icontains: 'string',
      });
      if (!account.projects.has(id)) throw notFound('No project has this id.');
      const ofProject = [...account.environments.values()].filter(({ project }) => project.id === id);
      return page(named(ofProject, parameters.name__icontains), (one) => one.toJson(), parameters);
    },
  },
];

function listJobs(account: DbtAccount, query: URLSearchParams): FakeResponse {
  const parameters = parseParameters(query, JOBS);
  const { state = 'active', project_id__in: projects, triggers_schedule: scheduled, include_related = [] } = parameters;
  const isState = STATES[state];
  if (isState === undefined)
    throw new Refused(400, 'Invalid value for parameter state.', 'state: expected active, deleted or all');
  const isOne = (id: string, wanted: number | undefined) => wanted === undefined || Number(id) === wanted;
  const found = named([...account.jobs.values()], parameters.name__icontains).filter(
    (job) =>
      isState(job) &&
      isOne(job.id, parameters.pk) &&
      isOne(job.project.id, parameters.project_id) &&
      isOne(job.environment.id, parameters.environment_id) &&
      (projects === undefined || projects.includes(Number(job.project.id))) &&
      (scheduled === undefined || scheduled === job.isScheduled),
  );
  return page(found, (job) => jobJson(account, job, include_related), parameters);
}

function named<T extends { readonly name: string }>(items: readonly T[], part = ''): readonly T[] {
  return items.filter(({ name }) => name.toLowerCase().includes(part.toLowerCase()));
}

function jobJson(account: DbtAccount, job: DbtJob, related: readonly string[]): object {
  const now = account.clock.now();
  const runs = account.runsOf(job);
  const show = (run: DbtRun | undefined) =>
    run === undefined ? null : runJson(run, run.states.current, { now, related: new Set(), change: undefined });
  return {
    ...job.toJson(now),
    ...(related.includes('environment') && { environment: job.environment.toJson() }),
    ...(related.includes('most_recent_run') && { most_recent_run: show(runs.at(-1)) }),
    ...(related.includes('most_recent_completed_run') && {
      most_recent_completed_run: show(runs.findLast(({ status }) => status >= 10)),
    }),
  };
}

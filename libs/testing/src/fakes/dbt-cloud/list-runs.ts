import type { FakeResponse } from '../loopback-server.js';
import type { DbtAccount } from './dbt-account.js';
import type { DbtRun } from './dbt-run.js';
import { page } from './list-page.js';
import { PAGE, parseParameters } from './parameters.js';
import { Refused } from './refused.js';
import { runJson } from './run-json.js';
import type { RunState } from './run-state.js';

/** Parameters of the list of runs (`List Runs` of dbt's OpenAPI specification). A list has no `run_steps`. */
const PARAMETERS = {
  ...PAGE,
  created_at__range: 'range',
  finished_at__range: 'range',
  job_definition_id: 'integer',
  project_id: 'integer',
  project_id__in: 'integers',
  environment_id: 'integer',
  status: 'integer',
  status__in: 'integers',
  id__gt: 'integer',
  pk: 'integer',
  pk__in: 'integers',
  deferring_run_id: 'integer',
  has_docs_generated: 'boolean',
  has_sources_generated: 'boolean',
  dbt_version: 'string',
  dbt_version__in: 'strings',
  state: 'string',
  order_by: 'string',
  include_related: ['trigger', 'job', 'audit', 'debug_logs'],
} as const;

/** A run in one of its states. */
interface Seen {
  readonly run: DbtRun;
  readonly state: RunState;
}

const ORDERS: Readonly<Record<string, (seen: Seen) => number>> = {
  id: ({ run }) => Number(run.id),
  created_at: ({ run }) => run.createdAt.getTime(),
  // Postgres sorts null after all other values.
  finished_at: ({ state }) => state.finishedAt?.getTime() ?? Infinity,
};

/** Responds with the runs that fit, as they were before the delay of lists. */
export function listRuns(account: DbtAccount, query: URLSearchParams): FakeResponse {
  const parameters = parseParameters(query, PARAMETERS);
  const { order_by: orderBy = 'id', include_related: related = [] } = parameters;
  const order = ORDERS[orderBy.replace(/^-/, '')];
  if (order === undefined)
    throw new Refused(400, 'Invalid value for parameter order_by.', 'order_by: expected id, created_at or finished_at');
  const now = account.clock.now();
  const seenAt = new Date(now.getTime() - account.faults.listLagMs);
  const sign = orderBy.startsWith('-') ? -1 : 1;
  const found = seenRuns(account, seenAt, conditionsOf(parameters)).sort(
    (a, b) => sign * compare(order(a), order(b)) || Number(a.run.id) - Number(b.run.id),
  );
  const view = { now: seenAt, related: new Set<string>(related), change: account.faults.nextChange() };
  return page(
    found,
    ({ run, state }) => runJson(run, state, view),
    { ...parameters, account_id: Number(account.id) },
    orderBy,
  );
}

type Parameters = ReturnType<typeof parseParameters<typeof PARAMETERS>>;
type Condition = (seen: Seen) => boolean;

/** Returns one condition for each parameter that was given, because tests list thousands of runs many times. */
function conditionsOf(parameters: Parameters): readonly Condition[] {
  const { created_at__range: created, finished_at__range: finished, id__gt: after } = parameters;
  const { status, status__in: statuses, pk, pk__in: ids, project_id: project, project_id__in: projects } = parameters;
  const { job_definition_id: job, environment_id: environment, dbt_version: version = 'latest' } = parameters;
  const { dbt_version__in: versions = ['latest'] } = parameters;
  // No run of the fake defers to another one, or has generated documents.
  const isNone =
    parameters.deferring_run_id !== undefined ||
    parameters.has_docs_generated === true ||
    parameters.has_sources_generated === true ||
    version !== 'latest' ||
    !versions.includes('latest');
  const all: readonly (Condition | false | undefined)[] = [
    isNone && (() => false),
    created && (({ run }) => isWithin(run.createdAt, created)),
    finished && (({ state }) => isWithin(state.finishedAt, finished)),
    after !== undefined && (({ run }) => Number(run.id) > after),
    status !== undefined && (({ state }) => state.status === status),
    statuses && (({ state }) => statuses.includes(state.status)),
    pk !== undefined && (({ run }) => Number(run.id) === pk),
    ids && (({ run }) => ids.includes(Number(run.id))),
    job !== undefined && (({ run }) => Number(run.job.id) === job),
    environment !== undefined && (({ run }) => Number(run.job.environment.id) === environment),
    project !== undefined && (({ run }) => Number(run.job.project.id) === project),
    projects && (({ run }) => projects.includes(Number(run.job.project.id))),
  ];
  return all.filter((condition) => condition !== undefined && condition !== false);
}

function seenRuns({ runs }: DbtAccount, at: Date, conditions: readonly Condition[]): Seen[] {
  const found: Seen[] = [];
  for (const run of runs.values()) {
    const state = run.states.at(at);
    if (state === undefined) continue;
    const seen = { run, state };
    if (conditions.every((isMet) => isMet(seen))) found.push(seen);
  }
  return found;
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Returns whether a time is in a range, whose ends belong to it. A time that is null never is. */
function isWithin(time: Date | null, [from, to]: readonly [number, number]): boolean {
  return time !== null && time.getTime() >= from && time.getTime() <= to;
}

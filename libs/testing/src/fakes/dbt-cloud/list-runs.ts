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
  const found = [...account.runs.values()]
    .flatMap((run) => seenOf(run, seenAt))
    .filter((seen) => fits(seen, parameters))
    .sort((a, b) => sign * compare(order(a), order(b)) || Number(a.run.id) - Number(b.run.id));
  const view = { now: seenAt, related: new Set<string>(related), change: account.faults.nextChange() };
  return page(found, ({ run, state }) => runJson(run, state, view), { ...parameters, ...filtersOf(account) }, orderBy);
}

function filtersOf({ id }: DbtAccount): object {
  return { account_id: Number(id) };
}

function seenOf(run: DbtRun, at: Date): readonly Seen[] {
  const state = run.states.at(at);
  return state === undefined ? [] : [{ run, state }];
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function fits({ run, state }: Seen, parameters: ReturnType<typeof parseParameters<typeof PARAMETERS>>): boolean {
  const { created_at__range: created, finished_at__range: finished, id__gt: after } = parameters;
  const { project, environment, id: jobId } = run.job;
  const isOne = (id: string, ...wanted: readonly (number | undefined)[]) =>
    wanted.every((one) => one === undefined || Number(id) === one);
  const isAmong = (id: number, wanted: readonly number[] | undefined) => wanted === undefined || wanted.includes(id);
  return (
    isWithin(run.createdAt, created) &&
    isWithin(state.finishedAt, finished) &&
    isOne(jobId, parameters.job_definition_id) &&
    isOne(project.id, parameters.project_id) &&
    isOne(environment.id, parameters.environment_id) &&
    isOne(run.id, parameters.pk) &&
    isOne(String(state.status), parameters.status) &&
    isAmong(Number(project.id), parameters.project_id__in) &&
    isAmong(Number(run.id), parameters.pk__in) &&
    isAmong(state.status, parameters.status__in) &&
    (after === undefined || Number(run.id) > after) &&
    // No run of the fake defers to another one, or has generated documents.
    parameters.deferring_run_id === undefined &&
    parameters.has_docs_generated !== true &&
    parameters.has_sources_generated !== true &&
    (parameters.dbt_version ?? 'latest') === 'latest' &&
    (parameters.dbt_version__in ?? ['latest']).includes('latest')
  );
}

/** Returns whether a time is in a range, whose ends belong to it. A time that is null never is. */
function isWithin(time: Date | null, range: readonly [number, number] | undefined): boolean {
  if (range === undefined) return true;
  return time !== null && time.getTime() >= range[0] && time.getTime() <= range[1];
}

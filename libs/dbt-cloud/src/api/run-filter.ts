import { integersOf, type Query } from './query.js';

/** Filter for runs. A run must match every field that is set. Ids that are not numbers match nothing. */
export interface DbtCloudRunFilter {
  readonly jobId?: string;
  readonly projectIds?: readonly string[];
  readonly environmentId?: string;
  /** 1 queued, 2 starting, 3 running, 10 success, 20 error, 30 cancelled. */
  readonly statuses?: readonly number[];
  readonly ids?: readonly string[];
  /** Only runs with a higher id. */
  readonly idAfter?: string;
  /** First and last time of creation. */
  readonly createdAt?: readonly [from: Date, to: Date];
  /** First and last time of the end. Runs without an end, such as some cancelled ones, do not match. */
  readonly finishedAt?: readonly [from: Date, to: Date];
  /**
   * A `-` reverses the order.
   * @default 'id'
   */
  readonly orderBy?: 'id' | '-id' | 'created_at' | '-created_at' | 'finished_at' | '-finished_at';
}

/** Objects that every run includes. */
export const RELATED: readonly string[] = ['trigger', 'job'];

/** Returns the query of a filter. */
export function runQuery(filter: DbtCloudRunFilter): Query {
  const { jobId, projectIds, environmentId, statuses, ids, idAfter, createdAt, finishedAt, orderBy = 'id' } = filter;
  return {
    job_definition_id: jobId,
    project_id__in: projectIds && integersOf(projectIds),
    environment_id: environmentId,
    status__in: statuses,
    pk__in: ids && integersOf(ids),
    id__gt: idAfter,
    created_at__range: createdAt,
    finished_at__range: finishedAt,
    order_by: orderBy,
    include_related: RELATED,
  };
}

/** Returns whether a filter matches nothing. An empty array in a query would not filter at all. */
export function matchesNothing(...wanted: readonly (readonly (string | number)[] | undefined)[]): boolean {
  return wanted.some((values) => values && integersOf(values).length === 0);
}

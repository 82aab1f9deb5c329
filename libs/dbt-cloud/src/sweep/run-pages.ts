import { ProviderApiError } from 'nestjs-runhooks/core';
import type { DbtCloudApiRun } from '../api/api-objects.js';
import type { DbtCloudRunPage } from '../api/call-options.js';
import type { DbtCloudApi } from '../api/dbt-cloud-api.js';
import type { DbtCloudRunFilter } from '../api/run-filter.js';

/** Time of a run that pages are sorted by. */
export type SortedBy = 'finishedAt' | 'createdAt';

/** Range of times of the runs to list, and a further filter. */
export interface RunPagesOptions {
  readonly by: SortedBy;
  readonly from: Date;
  readonly to: Date;
  readonly filter?: DbtCloudRunFilter;
  readonly signal?: AbortSignal;
}

/**
 * Returns all runs of a range in pages, in ascending order, while runs are added and change. It uses no offsets, with which
 * a change between two pages hides runs: each page begins at the last time of the page before it. If a full page has only
 * runs of one millisecond, they are listed by id.
 *
 * @throws {ProviderApiError} `invalid-answer` if the API ignores a filter, with which the pages would never end.
 */
export async function* runPagesBy(api: DbtCloudApi, options: RunPagesOptions): AsyncGenerator<DbtCloudRunPage> {
  const { by, to, filter = {}, signal } = options;
  const orderBy = by === 'finishedAt' ? 'finished_at' : 'created_at';
  let { from } = options;
  while (from <= to) {
    const page = await api.runPage({ ...filter, [by]: [from, to], orderBy }, { signal });
    const last = lastOf(page.runs, by);
    if (!page.hasMore || !last) {
      yield page;
      return;
    }
    if (last < from) throw ignoredFilter(by);
    if (last > from) {
      yield page;
      from = last;
    } else {
      yield* pagesOfOneMoment(api, options, from);
      from = new Date(from.getTime() + 1);
    }
  }
}

/** Returns the last time of a page that can be read. */
export function lastOf(runs: readonly DbtCloudApiRun[], by: SortedBy): Date | undefined {
  return runs.findLast((run) => run[by] !== undefined)?.[by];
}

/** The API's times have microseconds, ours have milliseconds. */
async function* pagesOfOneMoment(
  api: DbtCloudApi,
  { by, filter = {}, signal }: RunPagesOptions,
  moment: Date,
): AsyncGenerator<DbtCloudRunPage> {
  const range = [moment, new Date(moment.getTime() + 1)] as const;
  let after: DbtCloudApiRun | undefined;
  for (let hasMore = true; hasMore;) {
    const idAfter = after && { idAfter: after.id };
    const page = await api.runPage({ ...filter, ...idAfter, [by]: range, orderBy: 'id' }, { signal });
    // Runs of the next millisecond come in their own order later.
    const runs = page.runs.filter((run) => run[by]?.getTime() === moment.getTime());
    yield { ...page, runs, hasMore: true };
    const last = page.runs.at(-1);
    if (last && after && Number(last.id) <= Number(after.id)) throw ignoredFilter('id');
    after = last;
    hasMore = page.hasMore && after !== undefined;
  }
}

function ignoredFilter(by: string): ProviderApiError {
  return new ProviderApiError({
    reason: 'invalid-answer',
    asked: 'dbt Cloud: list runs',
    found: `expected runs behind those of the last page by ${by}, got earlier ones`,
    todo: "Report it to Runhooks, because dbt Cloud's API may have changed",
  });
}

import { DBT_CLOUD_LIMITS } from '../limits.js';
import type { AdminCaller } from './admin-caller.js';
import type { DbtCloudApiRun } from './api-objects.js';
import type { ApiRight } from './api-options.js';
import { readEach, readRun } from './api-readers.js';
import type { DbtCloudCallOptions, DbtCloudRunPage } from './call-options.js';
import { type DbtCloudRunFilter, RELATED, runQuery } from './run-filter.js';

/** Options of the calls that read runs. */
export interface RunCallOptions extends DbtCloudCallOptions {
  /** Right of the token. */
  readonly right: ApiRight;
}

/** Returns a run, with objects besides its trigger and its job. */
export function getRun(
  caller: AdminCaller,
  id: string,
  { right, related = [], signal }: RunCallOptions & { readonly related?: readonly string[] },
): Promise<DbtCloudApiRun> {
  const query = { include_related: [...RELATED, ...related] };
  const call = { right, asked: `get run ${id}`, version: 'v2', path: ['runs', id], query, signal } as const;
  return caller.one(call, readRun, 'a run');
}

/** Returns one page of up to 100 runs that match. */
export async function listRuns(
  caller: AdminCaller,
  filter: DbtCloudRunFilter,
  { right, offset, signal }: RunCallOptions & { readonly offset: number },
): Promise<DbtCloudRunPage> {
  const query = { ...runQuery(filter), limit: DBT_CLOUD_LIMITS.pageItemsMax, offset };
  const call = { right, asked: 'list runs', version: 'v2', path: ['runs'], query, isList: true, signal } as const;
  const { items, hasMore, serverTime } = await caller.page(call, offset);
  const runs = readEach(items, readRun);
  return { runs, unreadable: items.length - runs.length, hasMore, ...(serverTime && { serverTime }) };
}

import type { ActionFilter, ActionSummary, Page, PageRequest } from 'nestjs-runhooks/core';
import { sql, type SqlBool } from 'kysely';
import { itemsOf, pageOf } from '../rows/pages.js';
import { IS_RARE_ACTION, isRareAction } from '../rows/rare-states.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { ActionsTable } from '../schema/provider-tables.js';
import { query, type Transaction } from '../schema/statement.js';
import { toActionSummary } from './action-rows.js';
import { isOfRun } from './actions-of-run.js';

/** Lists actions, newest first. */
export function listActions({ db }: SqlDialect) {
  return function* ({ source, state, run }: ActionFilter, page: PageRequest): Transaction<Page<ActionSummary>> {
    const limit = itemsOf(page);
    let list = db
      .selectFrom('actions')
      .selectAll()
      // The few actions of a run are sorted. In the order of the index, the engine would look for them among all actions.
      .orderBy(run ? sql`created_at + 0` : 'created_at', 'desc')
      .orderBy('source', 'desc')
      .orderBy('action_key', 'desc')
      .limit(limit + 1);
    if (page.after !== undefined) {
      const [createdAt, ...key] = readCursor(page.after);
      // The first condition lets the engine begin at the cursor.
      list = list
        .where('created_at', '<=', createdAt)
        .where((eb) =>
          eb.or([
            eb('created_at', '<', createdAt),
            eb.and([eb('created_at', '=', createdAt), eb(eb.refTuple('source', 'action_key'), '<', eb.tuple(...key))]),
          ]),
        );
    }
    if (run) list = list.where((eb) => isOfRun(eb, run));
    // In no index: by the one of keys, the engine would read and sort all actions of the source.
    if (source !== undefined) list = list.where(sql<SqlBool>`source || '' = ${source}`);
    if (state !== undefined) list = list.where('state', '=', state);
    if (state !== undefined && isRareAction(state)) list = list.where(IS_RARE_ACTION);
    return pageOf(yield* query(list), limit, toActionSummary, cursorOf);
  };
}

type Cursor = readonly [createdAt: number, source: string, key: string];

/** Returns a cursor of time and key, because several actions can begin in one millisecond. */
function cursorOf({ created_at, source, action_key }: ActionsTable): string {
  return JSON.stringify([created_at, source, action_key] satisfies Cursor);
}

/** Parses a cursor. An invalid cursor leads to an empty page. */
function readCursor(cursor: string): Cursor {
  try {
    const [createdAt, source, key] = JSON.parse(cursor) as unknown[];
    return [Number.isSafeInteger(createdAt) ? Number(createdAt) : 0, String(source), String(key)];
  } catch {
    return [0, '', ''];
  }
}

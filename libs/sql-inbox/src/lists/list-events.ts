import type { EventSummary, Page, PageRequest, StoredEventFilter } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { itemsOf, pageOf } from '../rows/pages.js';
import { toEventSummary } from '../rows/rows.js';
import type { EventsTable } from '../schema/schema.js';
import { query, type Transaction } from '../schema/statement.js';
import { messagesOfRun } from '../rows/run-and-job-rows.js';

/** Lists events, last recorded first. */
export function listEvents({ db, isOneOf, list: listOf }: SqlDialect) {
  return function* (filter: StoredEventFilter, page: PageRequest): Transaction<Page<EventSummary>> {
    const { ids, messageId, withoutMessage, source, type, recordedFrom, recordedBefore, run } = filter;
    const limit = itemsOf(page);
    let list = db
      .selectFrom('events')
      .selectAll()
      .orderBy('recorded_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1);
    if (page.after !== undefined) {
      const { recordedAt, id } = readCursor(page.after);
      // The first condition lets the engine begin at the cursor.
      list = list
        .where('recorded_at', '<=', recordedAt)
        .where((eb) =>
          eb.or([eb('recorded_at', '<', recordedAt), eb('recorded_at', '=', recordedAt).and('id', '<', id)]),
        );
    }
    if (ids) list = list.where((eb) => isOneOf(eb.ref('id'), listOf(ids)));
    if (messageId !== undefined) list = list.where('message_id', '=', messageId);
    if (withoutMessage) list = list.where('message_id', 'is', null);
    if (source !== undefined) list = list.where('source', '=', source);
    if (type !== undefined) list = list.where('type', '=', type);
    if (run) list = list.where('message_id', 'in', messagesOfRun(db, run));
    if (recordedFrom) list = list.where('recorded_at', '>=', recordedFrom.getTime());
    if (recordedBefore) list = list.where('recorded_at', '<', recordedBefore.getTime());
    return pageOf(yield* query(list), limit, toEventSummary, cursorOf);
  };
}

/** Returns a cursor of time and id, because event ids are not in the order of time. */
function cursorOf({ recorded_at, id }: EventsTable): string {
  return `${recorded_at} ${id}`;
}

/** Parses a cursor. An invalid cursor leads to an empty page. */
function readCursor(cursor: string): { recordedAt: number; id: string } {
  const space = cursor.indexOf(' ');
  const recordedAt = Number(cursor.slice(0, Math.max(0, space)));
  return { recordedAt: Number.isSafeInteger(recordedAt) ? recordedAt : 0, id: cursor.slice(space + 1) };
}

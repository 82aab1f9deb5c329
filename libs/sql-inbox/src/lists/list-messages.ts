import type { MessageDetail, MessageFilter, MessageSummary, Page, PageRequest } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { itemsOf, pageOf } from '../rows/pages.js';
import { toMessageDetail, toMessageSummary } from '../rows/rows.js';
import { query, type Transaction } from '../schema/statement.js';
import { IS_RARE_MESSAGE, isRareMessage } from '../rows/rare-states.js';

const SUMMARY = [
  'id',
  'source',
  'provider',
  'message_key',
  'received_at',
  'state',
  'message_type',
  'reason',
  'notes',
  'id_reused',
  'origin',
  'history',
] as const;

/** Lists messages without their bytes, newest first. */
export function listMessages({ db }: SqlDialect) {
  return function* (filter: MessageFilter, page: PageRequest): Transaction<Page<MessageSummary>> {
    const { source, state, run } = filter;
    const { after } = page;
    const limit = itemsOf(page);
    let list = db
      .selectFrom('messages')
      .select(SUMMARY)
      .orderBy('id', 'desc')
      .limit(limit + 1);
    if (after !== undefined) list = list.where('id', '<', after);
    if (source !== undefined) list = list.where('source', '=', source);
    if (state !== undefined) list = list.where('state', '=', state);
    if (state !== undefined && isRareMessage(state)) list = list.where(IS_RARE_MESSAGE);
    if (run) {
      list = list
        .where('source', '=', run.source)
        .where('account_id', '=', run.accountId)
        .where('run_id', '=', run.runId);
    }
    return pageOf(yield* query(list), limit, toMessageSummary, ({ id }) => id);
  };
}

/** Finds a message, with its bytes. */
export function findMessage({ db }: SqlDialect) {
  return function* (id: string): Transaction<MessageDetail | undefined> {
    const [row] = yield* query(db.selectFrom('messages').selectAll().where('id', '=', id));
    return row && toMessageDetail(row);
  };
}

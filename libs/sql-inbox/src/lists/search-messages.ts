import type { Page, PageRequest } from 'nestjs-runhooks/core';
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import { itemsOf } from '../rows/pages.js';
import type { Schema } from '../schema/schema.js';
import { query, type Transaction } from '../schema/statement.js';

/**
 * Lists messages that contain one of the strings, also in their events, tasks or attempts, or in the facts or results of their
 * run or in actions that it led to, newest first. No index can help, so the page limit is the number of messages searched; other work runs between two pages.
 */
export function searchMessages({ db, holds, holdsBytes }: SqlDialect) {
  return function* (texts: readonly string[], page: PageRequest): Transaction<Page<string>> {
    const limit = itemsOf(page);
    let look = db
      .selectFrom('messages')
      .select('id')
      .orderBy('id', 'desc')
      .limit(limit + 1);
    if (page.after !== undefined) look = look.where('id', '<', page.after);
    const looked = (yield* query(look)).slice(0, limit + 1).map(({ id }) => id);
    const [first, last] = [looked[0], looked.slice(0, limit).at(-1)];
    if (first === undefined || last === undefined || texts.length === 0) return { items: [] };

    const parts = texts.map((text) => ({ text, bytes: Buffer.from(text) }));
    const inAnyOf = (...columns: Expression<unknown>[]): Expression<SqlBool>[] =>
      columns.flatMap((column) => parts.map(({ text }) => holds(column, text)));
    const found = db
      .selectFrom('messages')
      .select('id')
      .where('id', '<=', first)
      .where('id', '>=', last)
      .where((eb) => {
        const events = eb.selectFrom('events').select('events.id').whereRef('events.message_id', '=', 'messages.id');
        const tasks = eb.selectFrom('tasks').select('tasks.id').whereRef('tasks.message_id', '=', 'messages.id');
        const attempts = eb
          .selectFrom('events')
          .innerJoin('deliveries', 'deliveries.event_id', 'events.id')
          .innerJoin('attempts', 'attempts.delivery_id', 'deliveries.id')
          .select('attempts.attempt')
          .whereRef('events.message_id', '=', 'messages.id');
        return eb.or([
          ...parts.map(({ bytes }) => holdsBytes(eb.ref('body'), bytes)),
          ...inAnyOf(eb.ref('headers'), eb.ref('reason'), eb.ref('notes')),
          eb.exists(events.where((inner) => inner.or(inAnyOf(inner.ref('events.data'))))),
          eb.exists(tasks.where((inner) => inner.or(inAnyOf(inner.ref('tasks.data'))))),
          ...ofRun(eb, inAnyOf),
          eb.exists(
            attempts.where((inner) =>
              inner.or(
                inAnyOf(
                  inner.ref('attempts.error_name'),
                  inner.ref('attempts.error_message'),
                  inner.ref('attempts.error_stack'),
                ),
              ),
            ),
          ),
        ]);
      })
      .orderBy('id', 'desc');
    const items = (yield* query(found)).map(({ id }) => id);
    return looked.length > limit ? { items, next: last } : { items };
  };
}

type InAnyOf = (...columns: Expression<unknown>[]) => Expression<SqlBool>[];

/** Returns conditions for what the inbox keeps with the run of a message: facts, results, and actions that its events led to. */
function ofRun(eb: ExpressionBuilder<Schema, 'messages'>, inAnyOf: InAnyOf): Expression<SqlBool>[] {
  const runs = eb
    .selectFrom('runs')
    .select('runs.run_id')
    .whereRef('runs.source', '=', 'messages.source')
    .whereRef('runs.account_id', '=', 'messages.account_id')
    .whereRef('runs.run_id', '=', 'messages.run_id')
    .where((inner) => inner.or(inAnyOf(inner.ref('runs.facts'))));
  const nodes = eb
    .selectFrom('result_nodes')
    .select('result_nodes.part')
    .whereRef('result_nodes.source', '=', 'messages.source')
    .whereRef('result_nodes.account_id', '=', 'messages.account_id')
    .whereRef('result_nodes.run_id', '=', 'messages.run_id')
    .where((inner) => inner.or(inAnyOf(inner.ref('result_nodes.nodes'))));
  const actions = eb
    .selectFrom('actions')
    .select('actions.action_key')
    .whereRef('actions.asked_source', '=', 'messages.source')
    .whereRef('actions.asked_account', '=', 'messages.account_id')
    .whereRef('actions.asked_run', '=', 'messages.run_id')
    .where((inner) =>
      inner.or(inAnyOf(inner.ref('actions.request'), inner.ref('actions.answer'), inner.ref('actions.refusal'))),
    );
  return [eb.exists(runs), eb.exists(nodes), eb.exists(actions)];
}

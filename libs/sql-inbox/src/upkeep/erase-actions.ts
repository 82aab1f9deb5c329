import type { ActionAnswer, ActionKey, ActionRefusal, RunKey } from 'nestjs-runhooks/core';
import { selectAction, updateAction } from '../actions/action-rows.js';
import { isOfRun } from '../actions/actions-of-run.js';
import type { SqlDialect } from '../schema/dialect.js';
import { command, query, type Transaction } from '../schema/statement.js';

/**
 * Erases the content of actions that runs and events have led to, or that contain one of the texts: arguments, pages, and messages of
 * refusals. Texts are looked for in all actions, because an action is kept longer than messages, and may follow from none.
 */
export function actionEraser({ db, holds, isOneOf, list, locking }: SqlDialect) {
  const erase = function* (key: ActionKey): Transaction<void> {
    const [row] = yield* query(locking(selectAction(db, key)));
    if (!row) return;
    const [answer, refusal] = [row.answer && withoutPage(row.answer), row.refusal && withoutText(row.refusal)];
    yield* command(updateAction(db, key).set({ request: '{}', answer, refusal }));
  };
  const keysOf = db.selectFrom('actions').select(['source', 'action_key']);
  const findHolding = function* (texts: readonly string[]): Transaction<ActionKey[]> {
    if (texts.length === 0) return [];
    const holding = keysOf.where((eb) =>
      eb.or(
        texts.flatMap((text) =>
          (['request', 'answer', 'refusal'] as const).map((column) => holds(eb.ref(column), text)),
        ),
      ),
    );
    return (yield* query(holding)).map(({ source, action_key: key }) => ({ source, key }));
  };
  return function* (runs: readonly RunKey[], eventIds: readonly string[], texts: readonly string[]): Transaction<void> {
    const asked = keysOf.where('event_id', 'is not', null).where((eb) => isOneOf(eb.ref('event_id'), list(eventIds)));
    const found = eventIds.length > 0 ? yield* query(asked) : [];
    for (const run of runs) found.push(...(yield* query(keysOf.where((eb) => isOfRun(eb, run)))));
    const named = [...found.map(({ source, action_key: key }) => ({ source, key })), ...(yield* findHolding(texts))];
    const keys = new Map(named.map((key) => [JSON.stringify([key.source, key.key]), key]));
    // In one order, so that no two erasures wait for each other.
    for (const name of [...keys.keys()].sort()) yield* erase(keys.get(name) as ActionKey);
  };
}

function withoutPage(answer: string): string {
  const { url: _url, ...rest } = JSON.parse(answer) as Partial<ActionAnswer>;
  return JSON.stringify(rest);
}

function withoutText(refusal: string): string {
  const { reason } = JSON.parse(refusal) as ActionRefusal;
  return JSON.stringify({ reason, message: '' } satisfies ActionRefusal);
}

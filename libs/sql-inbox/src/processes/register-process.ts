import { latestClockMs, type RegisteredHandler, type Registration } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { HandlersTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { nextDueAt } from '../deliveries/next-due.js';
import { noteClock } from './note-clock.js';

/** Says that a process lives, removes what is long gone, and looks for work. */
export function registerProcess(
  dialect: SqlDialect,
): (registration: Registration, now: Date) => Transaction<Date | undefined> {
  const note = noteClock(dialect);
  const save = processSaver(dialect);
  const saveHandlers = handlersSaver(dialect);
  const removeGone = goneRemovers(dialect);
  const look = nextDueAt(dialect);
  return function* (registration, now) {
    const { processId, role, label, startedAt, handlers, lapsedBefore, missingBefore, scope } = registration;
    const { jump } = yield* note(now);
    const versions = JSON.stringify(handlers.map(({ version }) => version));
    const times = { started_at: startedAt.getTime(), seen_at: now.getTime() };
    const abandoned = JSON.stringify(registration.abandoned);
    const clock_ahead_ms = registration.clockAheadMs ?? 0;
    yield* save({ id: processId, role, label, handlers: versions, abandoned, clock_ahead_ms, ...times });
    yield* saveHandlers(handlers, startedAt, now);
    const lapseMs = now.getTime() - lapsedBefore.getTime();
    yield* removeGone.processes({ before: lapsedBefore.getTime(), after: now.getTime() + lapseMs });
    // By a clock that is wrong, every handler was last seen long ago.
    if (!jump) yield* removeGone.handlers({ before: missingBefore.getTime() });
    return yield* look(scope);
  };
}

export function deregisterProcess({ db }: SqlDialect): (processId: string) => Transaction<void> {
  const remove = change<{ id: string }>((value) => db.deleteFrom('processes').where('id', '=', value('id')));
  return function* (id) {
    yield* remove({ id });
  };
}

/** Versions of registered handlers that are not among those known, in the order of their ids. */
export function otherHandlers({
  db,
  list,
  isOneOf,
}: SqlDialect): (versions: readonly string[]) => Transaction<string[]> {
  const find = statement<{ versions: string }, Pick<HandlersTable, 'version'>>((value) =>
    db
      .selectFrom('handlers')
      .select('version')
      .where((eb) => eb.not(isOneOf(eb.ref('version'), value('versions'))))
      .orderBy('id'),
  );
  return function* (versions) {
    return (yield* find({ versions: list(versions) })).map(({ version }) => version);
  };
}

function processSaver({ db }: SqlDialect) {
  return change<NewRow<'processes'>>((value) => {
    const { id, ...changing } = newRow('processes', value);
    return db
      .insertInto('processes')
      .values({ id, ...changing })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(changing));
  });
}

/** Writes only what is new, and once an hour that the rest is still there. */
function handlersSaver({ db, list, isOneOf }: SqlDialect) {
  const touch = change<{ versions: string; seen_at: number; before: number }>((value) =>
    db
      .updateTable('handlers')
      .set({ seen_at: value('seen_at') })
      .where((eb) => isOneOf(eb.ref('version'), value('versions')))
      .where('seen_at', '<', value('before')),
  );
  const cutSeen = change<{ now: number }>((value) =>
    db
      .updateTable('handlers')
      .set({ seen_at: value('now') })
      .where('seen_at', '>', value('now')),
  );
  // Of one that a process brought whose clock was ahead, nobody knows when: any other version counts as later.
  const cutSince = change<{ after: number }>((value) =>
    db.updateTable('handlers').set({ since: 0 }).where('since', '>', value('after')),
  );
  const find = statement<{ ids: string }, Pick<HandlersTable, 'id' | 'version' | 'since'>>((value) =>
    db
      .selectFrom('handlers')
      .select(['id', 'version', 'since'])
      .where((eb) => isOneOf(eb.ref('id'), value('ids'))),
  );
  const save = change<NewRow<'handlers'>>((value) => {
    const { id, ...changing } = newRow('handlers', value);
    return db
      .insertInto('handlers')
      .values({ id, ...changing })
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet(changing).where('handlers.since', '<', value('since')),
      );
  });
  return function* (handlers: readonly RegisteredHandler[], startedAt: Date, now: Date): Transaction<void> {
    const seen_at = now.getTime();
    const since = Math.min(startedAt.getTime(), seen_at);
    yield* cutSeen({ now: seen_at });
    yield* cutSince({ after: latestClockMs(seen_at) });
    const versions = list(handlers.map(({ version }) => version));
    yield* touch({ versions, seen_at, before: seen_at - SQL_LIMITS.handlerSeenMs });
    const rows = yield* find({ ids: list(handlers.map(({ id }) => id)) });
    const known = new Map(rows.map((row) => [row.id, row]));
    // In one order for all processes, so that none waits for another that waits for it.
    for (const { id, version, subscriptions } of [...handlers].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const row = known.get(id);
      if (row && (row.version === version || row.since >= since)) continue;
      yield* save({ id, version, subscriptions, since, seen_at });
    }
  };
}

function goneRemovers({ db }: SqlDialect) {
  // One that was last heard of in the future will be heard of again, if it lives.
  const processes = change<{ before: number; after: number }>((value) =>
    db
      .deleteFrom('processes')
      .where((eb) => eb.or([eb('seen_at', '<', value('before')), eb('seen_at', '>', value('after'))])),
  );
  const handlers = change<{ before: number }>((value) =>
    db.deleteFrom('handlers').where('seen_at', '<', value('before')),
  );
  return { processes, handlers };
}

import { latestClockMs, type RegisteredHandler, type Registration } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { HandlersTable, ProcessesTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { releaseLease } from '../deliveries/release-work.js';
import { nextDueAt } from '../deliveries/next-due.js';
import { noteClock } from './note-clock.js';

/** Registers a process, removes registrations that have expired, and returns when the next work is due. */
export function registerProcess(
  dialect: SqlDialect,
): (registration: Registration, now: Date) => Transaction<Date | undefined> {
  const note = noteClock(dialect);
  const save = processSaver(dialect);
  const saveHandlers = handlersSaver(dialect);
  const removeGone = goneRemover(dialect);
  const removeMissing = missingRemover(dialect);
  const findNextDue = nextDueAt(dialect);
  return function* (registration, now) {
    const { processId, role, label, startedAt, handlers, missingBefore, scope } = registration;
    const { jump } = yield* note(now);
    const versions = JSON.stringify(handlers.map(({ version }) => version));
    const times = { started_at: startedAt.getTime(), seen_at: now.getTime() };
    const abandoned = JSON.stringify(registration.abandoned);
    const clock_ahead_ms = registration.clockAheadMs ?? 0;
    const { host = '', pid = 0, lease = null } = registration;
    const place = { host, pid, lease };
    yield* save({ id: processId, role, label, ...place, handlers: versions, abandoned, clock_ahead_ms, ...times });
    yield* saveHandlers(handlers, startedAt, now);
    yield* removeGone(registration, now);
    // By a wrong clock, every handler was last seen long ago.
    if (!jump) yield* removeMissing({ before: missingBefore.getTime() });
    return yield* findNextDue(scope);
  };
}

export function deregisterProcess({ db }: SqlDialect): (processId: string) => Transaction<void> {
  const remove = change<{ id: string }>((value) => db.deleteFrom('processes').where('id', '=', value('id')));
  return function* (id) {
    yield* remove({ id });
  };
}

/** Finds versions of registered handlers that are not among the given versions, sorted by handler id. */
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

/** Writes new versions, and once an hour that the other versions are still present. */
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
  // If the clock of a process was ahead, its start is unknown. Any other version counts as later.
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
    // The same order in all processes prevents deadlocks.
    for (const { id, version, subscriptions } of [...handlers].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const row = known.get(id);
      if (row && (row.version === version || row.since >= since)) continue;
      yield* save({ id, version, subscriptions, since, seen_at });
    }
  };
}

/** Removes processes that are gone, and releases what they have claimed. */
function goneRemover(dialect: SqlDialect): (registration: Registration, now: Date) => Transaction<void> {
  const { db } = dialect;
  const release = releaseLease(dialect);
  type Other = Pick<ProcessesTable, 'id' | 'host' | 'pid' | 'lease' | 'seen_at'>;
  const findOthers = statement<{ id: string }, Other>((value) =>
    db.selectFrom('processes').select(['id', 'host', 'pid', 'lease', 'seen_at']).where('id', '<>', value('id')),
  );
  const remove = change<{ id: string }>((value) => db.deleteFrom('processes').where('id', '=', value('id')));
  return function* ({ processId, lapsedBefore, isGone = () => false }, now) {
    const lapseMs = now.getTime() - lapsedBefore.getTime();
    for (const { id, host, pid, lease, seen_at } of yield* findOthers({ id: processId })) {
      const isOver = seen_at < lapsedBefore.getTime() || isGone(host, pid);
      // A running process that was last seen in the future will register again.
      const isAhead = seen_at > now.getTime() + lapseMs;
      if (!isOver && !isAhead) continue;
      // Another process that registers at the same time may have removed it.
      const isRemoved = (yield* remove({ id })) > 0;
      if (isRemoved && isOver && lease !== null) yield* release(lease, now);
    }
  };
}

function missingRemover({ db }: SqlDialect) {
  return change<{ before: number }>((value) => db.deleteFrom('handlers').where('seen_at', '<', value('before')));
}

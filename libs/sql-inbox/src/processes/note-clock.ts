import { isBraking, isClockJump } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { ClockTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';

const ID = 1;

/** What the inbox knows of the time, once it was told it. */
export interface NotedClock {
  /** Its last jump, if that is not long ago. */
  readonly jump?: { readonly atMs: number; readonly ms: number };
}

/**
 * Tells the inbox the time. If that is far from what it was told last, the clock was set, or nobody was there for so long:
 * which of them it was cannot be told, not even after a restart, so either counts as a jump.
 */
export function noteClock({ db }: SqlDialect): (now: Date) => Transaction<NotedClock> {
  const find = statement<object, ClockTable>(() => db.selectFrom('clock').selectAll());
  const insert = change<{ seen_at: number }>((value) =>
    db
      .insertInto('clock')
      .values({ id: ID, seen_at: value('seen_at'), hour_rows: 0, hour_rows_max: 0 })
      .onConflict((conflict) => conflict.column('id').doNothing()),
  );
  type Seen = { seen_at: number; before: number };
  const move = change<Seen>((value) =>
    db
      .updateTable('clock')
      .set({ seen_at: value('seen_at') })
      .where('seen_at', '=', value('before')),
  );
  const jump = change<Seen & { jump_ms: number; hour_from: number | null }>((value) =>
    db
      .updateTable('clock')
      .set({
        seen_at: value('seen_at'),
        jumped_at: value('seen_at'),
        jump_ms: value('jump_ms'),
        hour_from: value('hour_from'),
      })
      .where('seen_at', '=', value('before')),
  );
  return function* (now) {
    const seen_at = now.getTime();
    const [row] = yield* find({});
    if (!row) {
      yield* insert({ seen_at });
      return {};
    }
    const before = row.seen_at;
    const jump_ms = seen_at - before;
    if (isClockJump(jump_ms)) {
      // The hour begins anew, with what went in it: a clock that jumps often frees no more than one that jumps once.
      yield* jump({ seen_at, before, jump_ms, hour_from: row.hour_from === null ? null : seen_at });
      return { jump: { atMs: seen_at, ms: jump_ms } };
    }
    if (jump_ms >= SQL_LIMITS.clockNoteMs) yield* move({ seen_at, before });
    if (row.jumped_at === null || row.jump_ms === null || !isBraking(row.jumped_at, seen_at)) return {};
    return { jump: { atMs: row.jumped_at, ms: row.jump_ms } };
  };
}

/** Counts the rows that went in an hour while purging brakes. */
export function brakedHour({ db }: SqlDialect) {
  const find = statement<object, ClockTable>(() => db.selectFrom('clock').selectAll());
  const countMessages = statement<object, { count: number }>(() =>
    db.selectFrom('messages').select((eb) => eb.fn.countAll<number>().as('count')),
  );
  const begin = change<{ hour_from: number; hour_rows_max: number }>((value) =>
    db.updateTable('clock').set({ hour_from: value('hour_from'), hour_rows: 0, hour_rows_max: value('hour_rows_max') }),
  );
  const spend = change<{ rows: number }>((value) =>
    db.updateTable('clock').set((eb) => ({ hour_rows: eb('hour_rows', '+', value('rows')) })),
  );
  return {
    /** How many rows may still go. */
    *left(now: Date, share: number, rowsMin: number): Transaction<number> {
      const [row] = yield* find({});
      const nowMs = now.getTime();
      if (row && row.hour_from !== null && nowMs - row.hour_from < SQL_LIMITS.purgeBrakeHourMs) {
        return Math.max(0, row.hour_rows_max - row.hour_rows);
      }
      const [messages] = yield* countMessages({});
      const hour_rows_max = Math.max(rowsMin, Math.floor(Number(messages?.count ?? 0) * share));
      yield* begin({ hour_from: nowMs, hour_rows_max });
      return hour_rows_max;
    },
    *spend(rows: number): Transaction<void> {
      if (rows > 0) yield* spend({ rows });
    },
  };
}

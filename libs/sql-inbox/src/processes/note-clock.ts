import { isBraking, isClockJump } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { ClockTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';

const ID = 1;

/** Knowledge of the inbox about the time, once a process has reported it. */
export interface NotedClock {
  /** Last jump of the time, if it is recent. */
  readonly jump?: { readonly atMs: number; readonly ms: number };
}

/**
 * Reports the time to the inbox. A time far from the last reported one counts as a jump: the clock was set, or no
 * process ran for that long, and the two cannot be distinguished.
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
      // The hour starts again but keeps its count, so that a clock that jumps often does not allow more rows.
      yield* jump({ seen_at, before, jump_ms, hour_from: row.hour_from === null ? null : seen_at });
      return { jump: { atMs: seen_at, ms: jump_ms } };
    }
    if (jump_ms >= SQL_LIMITS.clockNoteMs) yield* move({ seen_at, before });
    if (row.jumped_at === null || row.jump_ms === null || !isBraking(row.jumped_at, seen_at)) return {};
    return { jump: { atMs: row.jumped_at, ms: row.jump_ms } };
  };
}

/** Counts the rows purged per hour while purging is limited after a jump. */
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
    /** Returns how many rows may still be purged. */
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

import { NOTHING_PURGED, rowsOf, type Purge, type Purged } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { SQL_LIMITS } from '../limits.js';
import type { Transaction } from '../schema/statement.js';
import { minuteOf } from '../series/add-to-series.js';
import { foldSeries, minuteRemover } from '../series/fold-series.js';
import { brakedHour, noteClock } from '../processes/note-clock.js';
import {
  barrierRemover,
  decisionRemover,
  eventRemover,
  keyRemover,
  messageRemover,
  oldEventsAlone,
  oldMessages,
  runRemover,
  taskRemover,
} from './old-rows.js';
import { actionRemover } from './old-actions.js';
import { goodRemover, nodeRemover, resultsRemover } from './old-results.js';

/**
 * Removes a limited number of old rows: finished messages with everything derived from them, old events without a
 * message, results, deduplication keys, states of nodes, runs and barriers, decisions in the audit, actions, and tasks that no process claims. Job
 * states stay: there are few, and new runs are compared with them. A step continues after the messages of the one before,
 * so that old messages that must stay, such as those of dead letters, are not read by every step. Each step folds the
 * series, and one that no brake limits removes its old minutes.
 */
export function purgeInbox(dialect: SqlDialect): (purge: Purge) => Transaction<Purged> {
  const note = noteClock(dialect);
  const hour = brakedHour(dialect);
  const remove = oldRemover(dialect);
  const removeMinutes = minuteRemover(dialect);
  return function* (purge) {
    // One process is enough.
    const [taken] = yield* dialect.locks.takeFree(['purge']);
    if (taken === undefined) return NOTHING_PURGED;
    const { brake } = purge;
    const jump = brake && (yield* note(brake.now)).jump;
    if (!brake || !jump) {
      const removed = yield* remove(purge, Infinity);
      yield* removeMinutes({
        before: minuteOf(purge.finishedBefore.getTime()),
        limit: SQL_LIMITS.seriesRowsMax,
      });
      return removed;
    }
    const left = yield* hour.left(brake.now, brake.share, brake.rowsMin);
    const removed = yield* remove(purge, left);
    yield* hour.spend(rowsOf(removed));
    const isHeldBack = rowsOf(removed) >= left;
    return { ...removed, ...(isHeldBack && { heldBackBy: { at: new Date(jump.atMs), ms: jump.ms } }) };
  };
}

/** Removes at most `limit` rows of each kind, and at most `most` rows in all. Then folds the series. */
function oldRemover(dialect: SqlDialect) {
  const findMessages = oldMessages(dialect);
  const removeMessages = messageRemover(dialect);
  const findAlone = oldEventsAlone(dialect);
  const removeAlone = eventRemover(dialect, 'events.id');
  const removeResults = resultsRemover(dialect);
  const removeGood = goodRemover(dialect);
  const removeNodes = nodeRemover(dialect);
  const removeKeys = keyRemover(dialect);
  const removeRuns = runRemover(dialect);
  const removeBarriers = barrierRemover(dialect);
  const removeDecisions = decisionRemover(dialect);
  const removeTasks = taskRemover(dialect);
  const removeActions = actionRemover(dialect);
  const fold = foldSeries(dialect);
  let after = '';
  return function* (purge: Purge, most: number): Transaction<Purged> {
    const deduplicationBefore = purge.deduplicationBefore.getTime();
    let left = most;
    const limit = (): number => Math.min(purge.limit, left);
    const count = (rows: number): number => {
      left = Math.max(0, left - rows);
      return rows;
    };
    const old = { settled: idBefore(purge.finishedBefore), dead: idBefore(purge.deadBefore), limit: limit() };
    let found = yield* findMessages({ ...old, after });
    if (found.length === 0 && after !== '') found = yield* findMessages({ ...old, after: '' });
    after = found.at(-1)?.id ?? '';
    if (found.length > 0) yield* removeMessages(found);
    const messages = count(found.length);
    const times = { settled: purge.finishedBefore.getTime(), dead: purge.deadBefore.getTime() };
    const alone = yield* findAlone({ ...times, limit: limit() });
    if (alone.length > 0) yield* removeAlone({ ids: dialect.list(alone.map(({ id }) => id)) });
    const events = count(alone.length);
    const results = count(yield* removeResults({ before: times.settled, limit: limit() }));
    yield* removeGood({ before: purge.goodBefore.getTime(), limit: limit() });
    const nodes = count(yield* removeNodes({ before: purge.nodesBefore.getTime(), limit: limit() }));
    const keys = count(yield* removeKeys({ before: idBefore(purge.deduplicationBefore), limit: limit() }));
    const runs = count(yield* removeRuns({ before: deduplicationBefore, limit: limit() }));
    const barriers = count(yield* removeBarriers({ before: deduplicationBefore, limit: limit() }));
    const decisions = count(yield* removeDecisions({ before: deduplicationBefore, limit: limit() }));
    const tasks = count(yield* removeTasks({ before: purge.tasksBefore.getTime(), limit: limit() }));
    const actions = count(yield* removeActions({ before: deduplicationBefore, limit: limit() }));
    yield* fold(SQL_LIMITS.seriesRowsMax);
    return { messages, events, results, nodes, keys, runs, barriers, decisions, tasks, actions };
  };
}

/** Returns the first message id of a time: ids begin with their time in milliseconds, as 12 hexadecimal digits. */
function idBefore(time: Date): string {
  return `msg_${Math.max(0, time.getTime()).toString(16).padStart(12, '0')}`;
}

import type { JobKey, JobRecord } from 'nestjs-runhooks/core';
import { otherHandlers } from '../processes/register-process.js';
import { deliveryInserter, eventInserter } from '../rows/insert-event.js';
import { jobRows, keyOfJob, keyOfRun, runRows } from '../rows/run-and-job-rows.js';
import type { SqlDialect } from '../schema/dialect.js';
import { withoutStatements, type Transaction } from '../schema/statement.js';
import { addToSeries, type Counted } from '../series/add-to-series.js';
import { taskInserter } from '../tasks/insert-task.js';
import { attemptsRowByRow } from './attempt-rows.js';
import { jobKeysOf, sharedHandlers, type EntryAccess, type EntryRows, type KnownStates } from './entry-access.js';
import { messagesRowByRow } from './message-rows.js';

/** Takes each step row by row, for an engine in the process of the app. */
export function entriesRowByRow(dialect: SqlDialect): EntryAccess {
  const findOthers = otherHandlers(dialect);
  const jobs = jobRows(dialect);
  const runs = runRows(dialect);
  const insertEvent = eventInserter(dialect);
  const insertDelivery = deliveryInserter(dialect);
  const insertTask = taskInserter(dialect);
  const jobRecord = function* (key: JobKey, known: KnownStates): Transaction<JobRecord | undefined> {
    const record = known.jobs.get(keyOfJob(key)) ?? (yield* jobs.find(key));
    if (record) known.jobs.set(keyOfJob(key), record);
    return record;
  };
  const count = addToSeries(dialect);
  return {
    // No other transaction can write.
    lock: () => withoutStatements(undefined),
    settleMessages: messagesRowByRow(dialect),
    settleDeliveries: attemptsRowByRow(dialect),
    *known(entries) {
      const shared = sharedHandlers(entries);
      const handlers = shared ? yield* findOthers(shared) : [];
      const known: KnownStates = { jobs: new Map(), runs: new Map(), handlers };
      for (const entry of entries) {
        const { run } = entry;
        const ran = run && !known.runs.has(keyOfRun(run)) && (yield* runs.find(run));
        if (run && ran) known.runs.set(keyOfRun(run), ran);
        for (const key of jobKeysOf(entry, known)) {
          const record = yield* jobRecord(key, known);
          if (record && 'aliasOf' in record) yield* jobRecord({ ...key, jobKey: record.aliasOf }, known);
        }
      }
      return known;
    },
    *write(rows) {
      const fresh = new Set<string>();
      for (const row of rows.jobs) yield* jobs.save(row);
      for (const row of rows.runs) yield* runs.save(row);
      for (const row of rows.events) if ((yield* insertEvent(row)) > 0) fresh.add(row.id);
      for (const row of rows.deliveries) if (fresh.has(row.event_id)) yield* insertDelivery(row);
      for (const row of rows.tasks) yield* insertTask(row);
      const found = rows.found.map(foundRun);
      yield* count([
        ...rows.parsed.map(parsedMessage),
        ...found,
        ...rows.events.filter(({ id }) => fresh.has(id)).map(newEvent),
      ]);
      return fresh;
    },
  };
}

function parsedMessage({ source, received_at }: EntryRows['parsed'][number]): Counted {
  return { kind: 'messages.parsed', source, amount: 1, atMs: received_at };
}

function foundRun({ source, received_at }: EntryRows['found'][number]): Counted {
  return { kind: 'runs.found', source, amount: 1, atMs: received_at };
}

function newEvent({ source, recorded_at }: EntryRows['events'][number]): Counted {
  return { kind: 'events', source, amount: 1, atMs: recorded_at };
}

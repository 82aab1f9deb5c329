import {
  ERASED_EVENT_DATA,
  erasedFromBarrier,
  type Decision,
  type Erased,
  type Erasure,
  type RunKey,
} from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { command, query, type Transaction } from '../schema/statement.js';
import { IS_RARE_DELIVERY } from '../rows/rare-states.js';
import { ERASED_FACTS, NO_FACTS } from '../rows/rows.js';
import { runLock } from '../rows/run-and-job-rows.js';
import { recordDecision } from '../rows/record-decision.js';
import { actionEraser } from './erase-actions.js';
import { addToSeries, parsedNoMore } from '../series/add-to-series.js';

/**
 * Erases the content of messages and of everything derived from them. Messages are locked before their tasks are
 * removed, and their events are found after that, so no process that parses a message or evaluates a task adds an event
 * unseen.
 */
export function eraseMessages(dialect: SqlDialect) {
  const { db, isOneOf, list, locking } = dialect;
  const recordDecided = recordDecision(dialect);
  const findHeld = heldFinder(dialect);
  const eraseEvents = eventEraser(dialect);
  const eraseBarriers = barrierEraser(dialect);
  const lockRuns = runLocker(dialect);
  const eraseFacts = factsEraser(dialect);
  const eraseResults = resultsEraser(dialect);
  const eraseActions = actionEraser(dialect);
  const count = addToSeries(dialect);
  return function* (erasure: Erasure, decision: Decision, now: Date): Transaction<Erased> {
    const named = db
      .selectFrom('messages')
      .select(['id', 'source', 'state'])
      .where((eb) => isOneOf(eb.ref('id'), list(erasure.messageIds)))
      .where('state', '<>', 'erased')
      .orderBy('id');
    // Before the messages, as a recording takes the locks.
    yield* lockRuns(list(erasure.messageIds), erasure);
    const locked = yield* query(locking(named));
    const held = yield* findHeld(
      locked.map(({ id }) => id),
      erasure.eventIds,
      now,
    );
    const erased = locked.filter(({ id }) => !held.messages.has(id));
    const messageIds = list(erased.map(({ id }) => id));
    yield* command(db.deleteFrom('tasks').where((eb) => isOneOf(eb.ref('message_id'), messageIds)));
    const ofMessages = db
      .selectFrom('events')
      .select('id')
      .where((eb) => isOneOf(eb.ref('message_id'), messageIds));
    const eventIds = (yield* query(ofMessages)).map(({ id }) => id);
    const quoting = erasure.eventIds.filter((id) => !held.events.has(id));
    const { events, dismissed } = yield* eraseEvents([...eventIds, ...quoting], decision.by, now);
    const messages = yield* command(
      db
        .updateTable('messages')
        .set({
          state: 'erased',
          body: Buffer.alloc(0),
          headers: '{}',
          reason: null,
          notes: null,
          due_at: null,
          lease: null,
        })
        .where((eb) => isOneOf(eb.ref('id'), messageIds)),
    );
    yield* count(erased.flatMap(parsedNoMore));
    // Messages that were parsed in the meantime may be about further runs.
    const runs = yield* lockRuns(messageIds, erasure);
    yield* eraseFacts(runs);
    yield* eraseResults(runs);
    yield* eraseBarriers(erasure, now);
    yield* eraseActions(runs, [...eventIds, ...quoting], erasure.texts);
    yield* recordDecided('erase', decision, messages + quoting.length, now);
    return { messages, events, dismissed, held: held.messages.size + held.events.size };
  };
}

/** Finds messages and events that a handler is running with: its attempt could still record their content. */
function heldFinder({ db, isOneOf, list }: SqlDialect) {
  return function* (messageIds: readonly string[], eventIds: readonly string[], now: Date) {
    const held = db
      .selectFrom('events')
      .innerJoin('deliveries', 'deliveries.event_id', 'events.id')
      .select(['events.id', 'events.message_id'])
      .where('deliveries.lease', 'is not', null)
      .where('deliveries.due_at', '>', now.getTime());
    const ofMessages = yield* query(held.where((eb) => isOneOf(eb.ref('events.message_id'), list(messageIds))));
    const quoting = yield* query(held.where((eb) => isOneOf(eb.ref('events.id'), list(eventIds))));
    return {
      messages: new Set(ofMessages.map(({ message_id }) => message_id)),
      events: new Set(quoting.map(({ id }) => id)),
    };
  };
}

/** Erases the data of events, and dismisses their pending and dead deliveries. */
function eventEraser({ db, isOneOf, list }: SqlDialect) {
  return function* (ids: readonly string[], by: string, now: Date) {
    const eventIds = list(ids);
    const dismiss = db
      .updateTable('deliveries')
      .set({
        state: 'dismissed',
        due_at: null,
        lease: null,
        waiting_for: null,
        waiting_since: null,
        dismissal: JSON.stringify({ at: now, by, reason: 'erased' }),
      })
      .where((eb) => isOneOf(eb.ref('event_id'), eventIds));
    const pending = yield* command(dismiss.where('due_at', 'is not', null));
    const dead = yield* command(dismiss.where('state', '=', 'dead').where(IS_RARE_DELIVERY));
    const events = yield* command(
      db
        .updateTable('events')
        .set({ data: ERASED_EVENT_DATA })
        .where((eb) => isOneOf(eb.ref('id'), eventIds)),
    );
    yield* command(
      db
        .updateTable('attempts')
        .set({ error_name: 'erased', error_message: '', error_stack: '' })
        .where('error_name', 'is not', null)
        .where('delivery_id', 'in', (eb) =>
          eb
            .selectFrom('deliveries')
            .select('deliveries.id')
            .where((inner) => isOneOf(inner.ref('deliveries.event_id'), eventIds)),
        ),
    );
    return { events, dismissed: pending + dead };
  };
}

/** Locks the runs that messages are about, and given runs, whose messages may be purged. Returns them. */
function runLocker({ db, isOneOf, locks }: SqlDialect) {
  return function* (messageIds: string, { runs }: Erasure): Transaction<RunKey[]> {
    const ofMessages = yield* query(
      db
        .selectFrom('messages')
        .select(['source', 'account_id as accountId', 'run_id as runId'])
        .$narrowType<{ accountId: string; runId: string }>()
        .where((eb) => isOneOf(eb.ref('id'), messageIds))
        .where('run_id', 'is not', null)
        .distinct(),
    );
    const byName = new Map([...ofMessages, ...runs].map((key) => [runLock(key), key]));
    yield* locks.takeAll([...byName.keys()]);
    return [...byName.values()];
  };
}

/** Erases the facts from the API of runs. */
function factsEraser({ db }: SqlDialect) {
  return function* (runs: readonly RunKey[]): Transaction<void> {
    for (const { source, accountId, runId } of runs) {
      yield* command(
        db
          .updateTable('runs')
          .set({ facts: ERASED_FACTS })
          .where('source', '=', source)
          .where('account_id', '=', accountId)
          .where('run_id', '=', runId)
          .where('facts', '<>', NO_FACTS),
      );
    }
  };
}

/** Erases the nodes of the results of runs, which quote texts of dbt. Their numbers stay. */
function resultsEraser({ db }: SqlDialect) {
  return function* (runs: readonly RunKey[]): Transaction<void> {
    for (const { source, accountId, runId } of runs) {
      yield* command(
        db
          .deleteFrom('result_nodes')
          .where('source', '=', source)
          .where('account_id', '=', accountId)
          .where('run_id', '=', runId),
      );
    }
  };
}

/** Erases waiting runs, except for their keys. There are no more barriers than handlers. */
function barrierEraser({ db, locks }: SqlDialect) {
  return function* ({ runs, texts }: Erasure, now: Date): Transaction<void> {
    if (runs.length === 0 && texts.length === 0) return;
    for (const { name } of yield* query(db.selectFrom('barriers').select('name').orderBy('name'))) {
      yield* locks.takeAll([`barrier ${name}`]);
      const [barrier] = yield* query(db.selectFrom('barriers').select('waiting').where('name', '=', name));
      const waiting = barrier && erasedFromBarrier(barrier.waiting, runs, texts);
      if (waiting === undefined) continue;
      yield* command(db.updateTable('barriers').set({ waiting, updated_at: now.getTime() }).where('name', '=', name));
    }
  };
}

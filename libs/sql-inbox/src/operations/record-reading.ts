import type { Recorded, Recording, RunKey, RunState } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import { toRunState } from '../rows.js';
import type { MessagesTable, RunsTable } from '../schema.js';
import { statement, type Transaction } from '../statement.js';
import { insertEvent } from './insert-event.js';

type Settled = Pick<MessagesTable, 'source' | 'provider' | 'id_reused'>;

/** Records one reading: the message's new state, its run, the events that are new, and their deliveries. */
export function recordReading(dialect: SqlDialect): (recording: Recording, now: Date) => Transaction<Recorded> {
  const settleMessage = messageSettler(dialect);
  const run = runAccess(dialect);
  const insert = insertEvent(dialect);

  return function* (recording, now) {
    const { messageId: id, lease, state, reason = null, messageType = null } = recording;
    const [message] = yield* settleMessage({ id, lease, state, reason, message_type: messageType });
    if (!message) return { recorded: false, eventIds: [], deliveries: 0, idReused: false };

    const known = recording.run && (yield* run.find(recording.run));
    const decision = recording.decide(known);
    if (recording.run && decision.run) yield* run.save(recording.run, decision.run, now);

    const { source, provider } = message;
    const eventIds: string[] = [];
    let deliveries = 0;
    for (const event of decision.events) {
      const isNew = yield* insert(event, { source, provider, message_id: id }, now);
      if (!isNew) continue;
      eventIds.push(event.id);
      deliveries += event.deliveries.length;
    }
    const { contradicts } = decision;
    const idReused = message.id_reused === 1;
    return { recorded: true, eventIds, deliveries, idReused, ...(contradicts && { contradicts }) };
  };
}

/** Fenced by the lease: answers nothing if another reader holds the message. */
function messageSettler({ db }: SqlDialect) {
  type Values = Pick<MessagesTable, 'id' | 'state' | 'reason' | 'message_type'> & { lease: string };
  return statement<Values, Settled>((value) =>
    db
      .updateTable('messages')
      .set((eb) => ({
        state: value('state'),
        reason: value('reason'),
        message_type: value('message_type'),
        due_at: null,
        lease: null,
        id_reused: eb
          .case()
          .when(
            eb.exists(
              eb
                .selectFrom('message_keys as earlier')
                .select('earlier.message_id')
                .whereRef('earlier.source', '=', 'messages.source')
                .whereRef('earlier.message_key', '=', 'messages.message_key')
                .whereRef('earlier.message_id', '<', 'messages.id')
                .where('messages.message_key', '<>', ''),
            ),
          )
          .then(1)
          .else(0)
          .end(),
      }))
      .where('id', '=', value('id'))
      .where('lease', '=', value('lease'))
      .returning(['source', 'provider', 'id_reused']),
  );
}

function runAccess({ db }: SqlDialect) {
  type Key = Pick<RunsTable, 'source' | 'account_id' | 'run_id'>;
  const find = statement<Key, RunsTable>((value) =>
    db
      .selectFrom('runs')
      .selectAll()
      .where('source', '=', value('source'))
      .where('account_id', '=', value('account_id'))
      .where('run_id', '=', value('run_id')),
  );
  const save = statement<RunsTable, object>((value) => {
    const changing = {
      job_key: value('job_key'),
      outcome: value('outcome'),
      contradicted: value('contradicted'),
      types: value('types'),
      started_at: value('started_at'),
      finished_at: value('finished_at'),
      updated_at: value('updated_at'),
    };
    return db
      .insertInto('runs')
      .values({ source: value('source'), account_id: value('account_id'), run_id: value('run_id'), ...changing })
      .onConflict((conflict) => conflict.columns(['source', 'account_id', 'run_id']).doUpdateSet(changing));
  });
  const keyOf = (key: RunKey): Key => ({ source: key.source, account_id: key.accountId, run_id: key.runId });
  return {
    *find(key: RunKey): Transaction<RunState | undefined> {
      const [row] = yield* find(keyOf(key));
      return row && toRunState(row);
    },
    *save(key: RunKey, state: RunState, now: Date): Transaction<void> {
      yield* save({
        ...keyOf(key),
        job_key: state.jobKey,
        outcome: state.outcome ?? null,
        contradicted: state.contradicted ? 1 : 0,
        types: JSON.stringify(state.types),
        started_at: state.startedAt?.getTime() ?? null,
        finished_at: state.finishedAt?.getTime() ?? null,
        updated_at: now.getTime(),
      });
    },
  };
}

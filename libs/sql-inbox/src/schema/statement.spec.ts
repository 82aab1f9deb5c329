import { describe, expect, it } from '@jest/globals';
import { SQLITE_DIALECT } from '../sqlite/sqlite-dialect.js';
import type { DeliveriesTable } from './schema.js';
import { change, command, query, statement, type Answer, type BoundStatement, type Transaction } from './statement.js';

const { db } = SQLITE_DIALECT;

/** Runs a transaction against prepared answers, one for each statement; answers its result and what it yielded. */
function play<T>(transaction: Transaction<T>, ...answers: Answer[]) {
  const asked: BoundStatement[] = [];
  let step = transaction.next();
  while (!step.done) {
    asked.push(step.value);
    step = transaction.next(answers[asked.length - 1] ?? []);
  }
  return { result: step.value, asked };
}

describe('statement', () => {
  type Values = Pick<DeliveriesTable, 'id' | 'state'> & { limit: number };
  let compiled = 0;
  const find = statement<Values, { id: string }>((value) => {
    compiled += 1;
    return db
      .selectFrom('deliveries')
      .select('id')
      .where('state', '=', value('state'))
      .where('id', '>', value('id'))
      .where('replay_id', '=', 'fixed')
      .limit(value('limit'));
  });

  it('is compiled once, when it is first run, and bound to the values of each call in the order of its placeholders', () => {
    expect(compiled).toBe(0);
    const first = play(find({ id: 'a', state: 'dead', limit: 5 }));
    const second = play(find({ limit: 7, state: 'pending', id: "'; drop table deliveries; --" }));
    expect(compiled).toBe(1);
    expect(first.asked).toEqual([
      { sql: expect.stringMatching(/^select "id"/), parameters: ['dead', 'a', 'fixed', 5], isCounted: false },
    ]);
    expect(second.asked[0]?.parameters).toEqual(['pending', "'; drop table deliveries; --", 'fixed', 7]);
    expect(second.asked[0]?.sql).toBe(first.asked[0]?.sql);
    expect(first.asked[0]?.sql).not.toContain('dead');
  });

  it('answers the rows that it is given', () => {
    const rows = [{ id: 'b' }];
    expect(play(find({ id: 'a', state: 'dead', limit: 5 }), rows).result).toBe(rows);
  });

  it('binds a value each time that it is used, and leaves null and bytes as they are', () => {
    const twice = statement<{ lease: string | null; body: Uint8Array }, object>((value) =>
      db
        .updateTable('messages')
        .set({ lease: value('lease'), body: value('body') })
        .where('lease', 'is not', value('lease')),
    );
    const body = Buffer.from([0, 255]);
    expect(play(twice({ lease: null, body })).asked[0]?.parameters).toEqual([null, body, null]);
  });

  it('runs nothing before the transaction is', () => {
    const transaction = find({ id: 'a', state: 'dead', limit: 5 });
    expect(transaction.next().done).toBe(false);
  });
});

describe('a statement that is counted', () => {
  it('says so, and answers the number that it is given', () => {
    const removeOne = change<{ id: string }>((value) => db.deleteFrom('deliveries').where('id', '=', value('id')));
    const one = play(removeOne({ id: 'a' }), 1);
    expect(one).toMatchObject({ result: 1, asked: [{ parameters: ['a'], isCounted: true }] });
    const all = play(command(db.deleteFrom('deliveries')), 0);
    expect(all).toMatchObject({ result: 0, asked: [{ parameters: [], isCounted: true }] });
  });
});

describe('query', () => {
  it('is put together anew each time', () => {
    const ofStates = (states: DeliveriesTable['state'][]) =>
      play(query(db.selectFrom('deliveries').select('id').where('state', 'in', states)), [{ id: 'a' }]);
    expect(ofStates(['dead']).asked[0]).toMatchObject({ parameters: ['dead'] });
    expect(ofStates(['dead', 'pending']).asked[0]).toMatchObject({ parameters: ['dead', 'pending'] });
    expect(ofStates(['dead']).result).toEqual([{ id: 'a' }]);
  });
});

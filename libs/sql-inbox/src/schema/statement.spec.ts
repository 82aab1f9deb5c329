import { describe, expect, it } from '@jest/globals';
import { SQLITE_DIALECT } from '../sqlite/sqlite-dialect.js';
import type { DeliveriesTable } from './schema.js';
import { change, command, query, statement, type Result, type BoundStatement, type Transaction } from './statement.js';

const { db } = SQLITE_DIALECT;

/** Runs a transaction against prepared results, one for each statement; results its result and what it yielded. */
function play<T>(transaction: Transaction<T>, ...results: Result[]) {
  const asked: BoundStatement[] = [];
  let step = transaction.next();
  while (!step.done) {
    asked.push(step.value);
    step = transaction.next(results[asked.length - 1] ?? []);
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

  it('compiles once, when it first runs, and binds the values of each call in the order of the placeholders', () => {
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

  it('returns the rows of its result', () => {
    const rows = [{ id: 'b' }];
    expect(play(find({ id: 'a', state: 'dead', limit: 5 }), rows).result).toBe(rows);
  });

  it('binds a value at each use, and keeps null and bytes unchanged', () => {
    const twice = statement<{ lease: string | null; body: Uint8Array }, object>((value) =>
      db
        .updateTable('messages')
        .set({ lease: value('lease'), body: value('body') })
        .where('lease', 'is not', value('lease')),
    );
    const body = Buffer.from([0, 255]);
    expect(play(twice({ lease: null, body })).asked[0]?.parameters).toEqual([null, body, null]);
  });

  it('runs no statement before the transaction runs', () => {
    const transaction = find({ id: 'a', state: 'dead', limit: 5 });
    expect(transaction.next().done).toBe(false);
  });
});

describe('change', () => {
  it('asks for a count and returns it', () => {
    const removeOne = change<{ id: string }>((value) => db.deleteFrom('deliveries').where('id', '=', value('id')));
    const one = play(removeOne({ id: 'a' }), 1);
    expect(one).toMatchObject({ result: 1, asked: [{ parameters: ['a'], isCounted: true }] });
    const all = play(command(db.deleteFrom('deliveries')), 0);
    expect(all).toMatchObject({ result: 0, asked: [{ parameters: [], isCounted: true }] });
  });
});

describe('query', () => {
  it('compiles the query of each call', () => {
    const ofStates = (states: DeliveriesTable['state'][]) =>
      play(query(db.selectFrom('deliveries').select('id').where('state', 'in', states)), [{ id: 'a' }]);
    expect(ofStates(['dead']).asked[0]).toMatchObject({ parameters: ['dead'] });
    expect(ofStates(['dead', 'pending']).asked[0]).toMatchObject({ parameters: ['dead', 'pending'] });
    expect(ofStates(['dead']).result).toEqual([{ id: 'a' }]);
  });
});

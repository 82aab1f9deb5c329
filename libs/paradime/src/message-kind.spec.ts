import { describe, expect, it } from '@jest/globals';
import type { ParadimePayload } from './payload.js';
import { messageKindOf, type MessageKind } from './message-kind.js';

const START = '2023-10-15 16:44:01.476190';
const END = '2023-10-15 16:44:39.891890';
const ABSENT = Symbol('absent');

/** Blank values of each of the three fields. */
const NOTHING = {
  commands: [ABSENT, null, []],
  end_dttm: [ABSENT, null, '', ' ', 'NaT'],
  error_string: [ABSENT, null, '', 'None'],
};
const NOT_FINAL = [ABSENT, null, 'running', 'brand-new', 'None'];
const FINAL = ['failed', 'SUCCESS', 'Cancelled', 'skipped', 'timeout', 'Killed'];
/** Values of an end, valid or not. */
const ENDS = [END, '2023-02-30', 1697388279, {}, Symbol('given twice')];

function shapeWith(fields: Record<string, unknown>): MessageKind {
  const given = Object.entries(fields).filter(([, value]) => value !== ABSENT);
  const sent = { id: '1', workspace: { uid: 'w' }, ...Object.fromEntries(given) };
  return messageKindOf(sent as ParadimePayload, sent);
}

function combinations(choices: Record<string, readonly unknown[]>): Record<string, unknown>[] {
  return Object.entries(choices).reduce<Record<string, unknown>[]>(
    (before, [name, values]) => before.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

describe('messageKindOf', () => {
  it('returns started for a start without the three fields, with any status', () => {
    for (const status of [...NOT_FINAL, ...FINAL]) {
      expect(shapeWith({ status, start_dttm: START })).toEqual({ kind: 'started' });
      expect(shapeWith({ status, start_dttm: 0 })).toEqual({ kind: 'started' });
    }
  });

  it('returns started for three blank fields and a status that is not final, in every combination', () => {
    for (const fields of combinations({ ...NOTHING, status: NOT_FINAL, start_dttm: [ABSENT, null, START] })) {
      expect(shapeWith(fields)).toEqual({ kind: 'started' });
    }
  });

  it('returns completed for a final status and one of the three fields, with any value', () => {
    for (const fields of combinations({ ...NOTHING, status: FINAL, start_dttm: [ABSENT, START] })) {
      const isThere = Object.keys(NOTHING).some((field) => fields[field] !== ABSENT);
      const isOver = isThere || fields['start_dttm'] === ABSENT;
      expect(shapeWith(fields)).toEqual({ kind: isOver ? 'completed' : 'started' });
    }
  });

  it('returns completed for an end_dttm unless the status means pending or running', () => {
    const all = combinations({
      commands: [...NOTHING.commands, [{ id: '1' }]],
      error_string: [...NOTHING.error_string, 'boom'],
      status: [ABSENT, null, '', 'failed', 'SUCCESS', 'Cancelled', 'skipped', 'brand-new'],
    });
    for (const fields of all) {
      for (const end_dttm of ENDS) expect(shapeWith({ ...fields, end_dttm })).toEqual({ kind: 'completed' });
    }
  });

  it.each(['running', 'RUNNING', 'started', 'starting', 'pending', 'queued'])(
    'returns unclear for an end_dttm and the status %s',
    (status) => {
      const kind = shapeWith({ commands: [{ id: '1' }], end_dttm: END, status });
      expect(kind).toEqual({
        kind: 'unclear',
        reason: expect.stringMatching(/, got an end_dttm, and a status that means (running|pending)$/),
      });
    },
  );

  it.each([
    [{ commands: [{ id: '1' }] }, 'commands, but no end_dttm'],
    [{ error_string: 'boom' }, 'an error_string, but no end_dttm'],
    [{ commands: [{ id: '1' }], error_string: 'boom' }, 'commands and an error_string, but no end_dttm'],
  ])('returns unclear for results without an end: %j', (fields, found) => {
    for (const nothing of NOTHING.end_dttm) {
      for (const status of NOT_FINAL) {
        const kind = shapeWith({ ...fields, end_dttm: nothing, status });
        expect(kind).toEqual({
          kind: 'unclear',
          reason: `the run: expected a final status and an end_dttm (completed), or none of commands, end_dttm and error_string (started), got ${found}`,
        });
      }
    }
  });

  it('repeats no sent value in a reason', () => {
    expect(JSON.stringify(shapeWith({ error_string: 'SECRET' }))).not.toContain('SECRET');
  });
});

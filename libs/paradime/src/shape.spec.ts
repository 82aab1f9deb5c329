import { describe, expect, it } from '@jest/globals';
import type { ParadimePayload } from './payload.js';
import { shapeOf } from './shape.js';

const END = '2023-10-15 16:44:39.891890';
const ABSENT = Symbol('absent');

/** Every way to say nothing in each of the three fields. */
const NOTHING = {
  commands: [ABSENT, null, []],
  end_dttm: [ABSENT, null, '', ' '],
  error_string: [ABSENT, null, '', ' '],
};
const STATUSES = [ABSENT, null, 'failed', 'SUCCESS', 'running', 'skipped', 'brand-new'];

function payload(fields: Record<string, unknown>): ParadimePayload {
  const given = Object.entries(fields).filter(([, value]) => value !== ABSENT);
  return { id: '1', workspace: { uid: 'w' }, ...Object.fromEntries(given) };
}

function combinations(choices: Record<string, readonly unknown[]>): Record<string, unknown>[] {
  return Object.entries(choices).reduce<Record<string, unknown>[]>(
    (before, [name, values]) => before.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

describe('shapeOf', () => {
  it('is started where all three fields say nothing, in every combination and whatever the status says', () => {
    const all = combinations({ ...NOTHING, status: STATUSES });
    expect(all).toHaveLength(3 * 4 * 4 * STATUSES.length);
    for (const fields of all) expect(shapeOf(payload(fields))).toEqual({ kind: 'started' });
  });

  it('is completed with an end_dttm and a status that is not one of a run under way, whatever else is there', () => {
    const all = combinations({
      commands: [...NOTHING.commands, [{ id: '1' }]],
      error_string: [...NOTHING.error_string, 'boom'],
      status: [ABSENT, null, '', 'failed', 'SUCCESS', 'Cancelled', 'skipped', 'brand-new'],
    });
    for (const fields of all) expect(shapeOf(payload({ ...fields, end_dttm: END }))).toEqual({ kind: 'completed' });
  });

  it.each(['running', 'RUNNING', 'started', 'starting', 'pending', 'queued'])(
    'is unclear with an end_dttm and the status %s',
    (status) => {
      const shape = shapeOf(payload({ commands: [{ id: '1' }], end_dttm: END, status }));
      expect(shape).toEqual({
        kind: 'unclear',
        reason: expect.stringMatching(/^The run has an end_dttm, .* status that means it is (running|pending);/),
      });
    },
  );

  it.each([
    [{ commands: [{ id: '1' }] }, 'has commands, but no end_dttm'],
    [{ error_string: 'boom' }, 'has an error_string, but no end_dttm'],
    [{ commands: [{ id: '1' }], error_string: 'boom' }, 'has commands and an error_string, but no end_dttm'],
  ])('is unclear where something was done but nothing ended: %j', (fields, found) => {
    for (const nothing of NOTHING.end_dttm) {
      for (const status of STATUSES) {
        const shape = shapeOf(payload({ ...fields, end_dttm: nothing, status }));
        expect(shape).toEqual({
          kind: 'unclear',
          reason: `The run ${found}; expected an end_dttm with a final status (completed), or none of commands, end_dttm and error_string (started).`,
        });
      }
    }
  });

  it('does not repeat what was sent in a reason', () => {
    expect(JSON.stringify(shapeOf(payload({ error_string: 'SECRET' })))).not.toContain('SECRET');
  });
});

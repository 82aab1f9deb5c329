import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { advanceJob, type FailedRun, type JobUpdate, type JobState } from './incident.js';
import { LIMITS } from '../limits.js';
import type { RunOutcome } from './run.js';

type Ended = readonly [outcome: RunOutcome, at: number];

const runAt = (at: number, runId = `run-${at}`): FailedRun => ({ accountId: '1', runId, finishedAt: new Date(at) });

/** Returns the updates and the final state of a job after its outcomes, in order. */
function advance(ended: readonly Ended[]): { updates: JobUpdate[]; state: JobState } {
  let state: JobState = {};
  const updates = ended.map(([outcome, at], index) => {
    const one = advanceJob(state, outcome, runAt(at, `${index}`));
    ({ state } = one);
    return one;
  });
  return { updates, state };
}

/** Returns the effect of each outcome: `first`, `joins`, `late`, `recovers`, or an empty string. */
const effectsOf = (ended: readonly Ended[]) =>
  advance(ended).updates.map(({ firstFailure, late, recovered }, index) => {
    if (recovered) return `recovers ${recovered.failures}`;
    if (late) return 'late';
    if (firstFailure) return 'first';
    return ended[index]?.[0] === 'failed' ? 'joins' : '';
  });

describe('advanceJob', () => {
  it.each<[string, Ended[], string[]]>([
    ['a failure', [['failed', 1]], ['first']],
    ['a success without an incident', [['succeeded', 1]], ['']],
    [
      'a failure after a success',
      [
        ['succeeded', 1],
        ['failed', 2],
      ],
      ['', 'first'],
    ],
    [
      'failures in a row',
      [
        ['failed', 1],
        ['failed', 2],
        ['failed', 3],
      ],
      ['first', 'joins', 'joins'],
    ],
    [
      'a success after them',
      [
        ['failed', 1],
        ['failed', 2],
        ['succeeded', 3],
      ],
      ['first', 'joins', 'recovers 2'],
    ],
    [
      'a second incident',
      [
        ['failed', 1],
        ['succeeded', 2],
        ['failed', 3],
      ],
      ['first', 'recovers 1', 'first'],
    ],
    [
      'a success parsed late',
      [
        ['failed', 2],
        ['succeeded', 1],
      ],
      ['first', ''],
    ],
    [
      'a success between two failures, parsed last',
      [
        ['failed', 1],
        ['failed', 3],
        ['succeeded', 2],
      ],
      ['first', 'joins', ''],
    ],
    [
      'a failure parsed late',
      [
        ['succeeded', 2],
        ['failed', 1],
      ],
      ['', 'late'],
    ],
    [
      'a late failure beside an open incident',
      [
        ['succeeded', 2],
        ['failed', 3],
        ['failed', 1],
      ],
      ['', 'first', 'late'],
    ],
    [
      'a failure before the incident, parsed late',
      [
        ['failed', 2],
        ['failed', 1],
        ['succeeded', 3],
      ],
      ['first', 'joins', 'recovers 2'],
    ],
    [
      'a success parsed late makes older failures late',
      [
        ['failed', 3],
        ['succeeded', 2],
        ['failed', 1],
      ],
      ['first', '', 'late'],
    ],
    [
      'a success in the same millisecond',
      [
        ['failed', 1],
        ['succeeded', 1],
      ],
      ['first', ''],
    ],
    [
      'a failure in the same millisecond',
      [
        ['succeeded', 1],
        ['failed', 1],
      ],
      ['', 'first'],
    ],
    [
      'canceled runs',
      [
        ['canceled', 1],
        ['failed', 2],
        ['canceled', 3],
        ['failed', 4],
        ['canceled', 5],
      ],
      ['', 'first', '', 'joins', ''],
    ],
  ])('%s', (_, ended, expected) => {
    expect(effectsOf(ended)).toEqual(expected);
  });

  it('reports the start of an incident, and its failed runs with their number', () => {
    const { updates } = advance([
      ['failed', 5],
      ['failed', 3],
      ['failed', 9],
      ['succeeded', 10],
    ]);
    expect(updates.at(-1)?.recovered).toEqual({
      openedAt: new Date(3),
      latestFailureAt: new Date(9),
      failures: 3,
      runs: [runAt(5, '0'), runAt(3, '1'), runAt(9, '2')],
    });
  });

  it('counts all runs of an incident and lists the first ones', () => {
    const many = LIMITS.incidentRunsMax + 50;
    const { incident } = advance(Array.from({ length: many }, (_, at) => ['failed', at] as const)).state;
    expect([incident?.failures, incident?.runs.length]).toEqual([many, LIMITS.incidentRunsMax]);
    expect(incident?.latestFailureAt).toEqual(new Date(many - 1));
  });

  it('does not change its argument', () => {
    const { state } = advance([
      ['failed', 1],
      ['failed', 2],
    ]);
    const copy = structuredClone(state);
    for (const outcome of ['failed', 'succeeded', 'canceled'] as const) advanceJob(state, outcome, runAt(9));
    expect(state).toEqual(copy);
  });
});

/** Returns the effect of the last outcome by the rule, without a state. */
function byTheRule(outcomes: readonly Ended[]): string {
  const [outcome, at] = outcomes.at(-1) ?? ['canceled', 0];
  const before = outcomes.slice(0, -1);
  const successes = before.filter(([one]) => one === 'succeeded').map(([, time]) => time);
  // The incident: failures that were not late, since the last success that recovered.
  let open: number[] = [];
  for (const [index, [one, time]] of before.entries()) {
    const known = before.slice(0, index).filter(([earlier]) => earlier === 'succeeded');
    if (one === 'failed' && !known.some(([, success]) => success > time)) open.push(time);
    if (one === 'succeeded' && open.length > 0 && open.every((failure) => failure < time)) open = [];
  }
  if (outcome === 'failed') {
    if (successes.some((success) => success > at)) return 'late';
    return open.length === 0 ? 'first' : 'joins';
  }
  return outcome === 'succeeded' && open.length > 0 && open.every((failure) => failure < at)
    ? `recovers ${open.length}`
    : '';
}

describe('the incidents of a job', () => {
  const outcomes = fc.constantFrom<RunOutcome>('succeeded', 'failed', 'canceled');
  const anyOrder = fc.array(fc.tuple(outcomes, fc.nat(12)), { maxLength: 30 });

  it('follow the rule in any order of runs', () => {
    fc.assert(
      fc.property(anyOrder, (ended) => {
        expect(effectsOf(ended)).toEqual(ended.map((_, index) => byTheRule(ended.slice(0, index + 1))));
      }),
      { numRuns: 2_000 },
    );
  });

  it('contain each failure once and end with a success, if runs are parsed in the order of time', () => {
    fc.assert(
      fc.property(fc.array(outcomes, { maxLength: 30 }), (inOrder) => {
        const ended = inOrder.map((outcome, at): Ended => [outcome, at]);
        const { updates, state } = advance(ended);
        expect(updates.every(({ late }) => !late)).toBe(true);
        const counted = updates.reduce((sum, { recovered }) => sum + (recovered?.failures ?? 0), 0);
        const failures = inOrder.filter((one) => one === 'failed').length;
        expect(counted + (state.incident?.failures ?? 0)).toBe(failures);
        const firsts = updates.filter(({ firstFailure }) => firstFailure).length;
        const recoveries = updates.filter(({ recovered }) => recovered).length;
        expect(firsts - recoveries).toBe(state.incident ? 1 : 0);
      }),
    );
  });
});

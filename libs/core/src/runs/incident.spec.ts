import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { advanceJob, type FailedRun, type JobUpdate, type JobState } from './incident.js';
import { LIMITS } from '../limits.js';
import type { RunOutcome } from './run.js';

type Ended = readonly [outcome: RunOutcome, at: number];

const runAt = (at: number, runId = `run-${at}`): FailedRun => ({ accountId: '1', runId, finishedAt: new Date(at) });

/** Tells a job all its outcomes, in the order given. */
function tell(ended: readonly Ended[]): { news: JobUpdate[]; state: JobState } {
  let state: JobState = {};
  const news = ended.map(([outcome, at], index) => {
    const one = advanceJob(state, outcome, runAt(at, `${index}`));
    ({ state } = one);
    return one;
  });
  return { news, state };
}

/** What became of each outcome: `first`, `joins`, `late`, `recovers`, or nothing. */
const said = (ended: readonly Ended[]) =>
  tell(ended).news.map(({ firstFailure, late, recovered }, index) => {
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
      'a success told late',
      [
        ['failed', 2],
        ['succeeded', 1],
      ],
      ['first', ''],
    ],
    [
      'a success between two failures, told last',
      [
        ['failed', 1],
        ['failed', 3],
        ['succeeded', 2],
      ],
      ['first', 'joins', ''],
    ],
    [
      'a failure told late',
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
      'a failure before the incident, told late',
      [
        ['failed', 2],
        ['failed', 1],
        ['succeeded', 3],
      ],
      ['first', 'joins', 'recovers 2'],
    ],
    [
      'a success told late makes older failures late',
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
    expect(said(ended)).toEqual(expected);
  });

  it('tells of an incident since when it is, how many runs failed, and which', () => {
    const { news } = tell([
      ['failed', 5],
      ['failed', 3],
      ['failed', 9],
      ['succeeded', 10],
    ]);
    expect(news.at(-1)?.recovered).toEqual({
      openedAt: new Date(3),
      latestFailureAt: new Date(9),
      failures: 3,
      runs: [runAt(5, '0'), runAt(3, '1'), runAt(9, '2')],
    });
  });

  it('counts all runs of an incident, and lists no more than is useful', () => {
    const many = LIMITS.incidentRunsMax + 50;
    const { incident } = tell(Array.from({ length: many }, (_, at) => ['failed', at] as const)).state;
    expect([incident?.failures, incident?.runs.length]).toEqual([many, LIMITS.incidentRunsMax]);
    expect(incident?.latestFailureAt).toEqual(new Date(many - 1));
  });

  it('leaves the state it is given as it was', () => {
    const { state } = tell([
      ['failed', 1],
      ['failed', 2],
    ]);
    const copy = structuredClone(state);
    for (const outcome of ['failed', 'succeeded', 'canceled'] as const) advanceJob(state, outcome, runAt(9));
    expect(state).toEqual(copy);
  });
});

/** The rule in plain words, over everything told so far: no state is kept but the list. */
function byTheRule(told: readonly Ended[]): string {
  const [outcome, at] = told.at(-1) ?? ['canceled', 0];
  const before = told.slice(0, -1);
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

  it('are those of the rule, whatever the order in which runs are told', () => {
    fc.assert(
      fc.property(anyOrder, (ended) => {
        expect(said(ended)).toEqual(ended.map((_, index) => byTheRule(ended.slice(0, index + 1))));
      }),
      { numRuns: 2_000 },
    );
  });

  it('end one way when they are told in the order of time: each failure is in one, and each success ends what is open', () => {
    fc.assert(
      fc.property(fc.array(outcomes, { maxLength: 30 }), (inOrder) => {
        const ended = inOrder.map((outcome, at): Ended => [outcome, at]);
        const { news, state } = tell(ended);
        expect(news.every(({ late }) => !late)).toBe(true);
        const counted = news.reduce((sum, { recovered }) => sum + (recovered?.failures ?? 0), 0);
        const failures = inOrder.filter((one) => one === 'failed').length;
        expect(counted + (state.incident?.failures ?? 0)).toBe(failures);
        const firsts = news.filter(({ firstFailure }) => firstFailure).length;
        const recoveries = news.filter(({ recovered }) => recovered).length;
        expect(firsts - recoveries).toBe(state.incident ? 1 : 0);
      }),
    );
  });
});

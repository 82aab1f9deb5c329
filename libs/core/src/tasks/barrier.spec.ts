import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { OnAllRunsOptions } from '../handlers/subscription.js';
import { checkBarrier } from '../handlers/subscription.js';
import type { Run } from '../runs/run.js';
import { arrive, barrierJobsOf, type ArrivedRun } from './barrier.js';

const WITHIN = 100;

function runOf(job: string, id: string): Run {
  return {
    id,
    status: 'succeeded',
    job: { key: `1/${job}`, id: `id-${job}`, name: job },
    account: { id: '1' },
    trigger: { kind: 'schedule' },
  };
}

function arrival(job: string, at: number, id = `${job}@${at}`, source = 'dbt'): ArrivedRun {
  return { source, provider: 'dbt-cloud', run: runOf(job, id), finishedAt: new Date(at) };
}

/** Who joined after each arrival: the ids of the runs, or nothing. */
function joinsOf(jobs: readonly string[], arrivals: readonly ArrivedRun[]): string[] {
  const options: OnAllRunsOptions = { jobs, withinMs: WITHIN };
  let waiting: string | undefined;
  return arrivals.map((arrived) => {
    const after = arrive(options, waiting, arrived);
    ({ waiting } = after);
    return after.joined?.map(({ run }) => run.id).join(' ') ?? '';
  });
}

describe('arrive', () => {
  it.each<[string, string[], ArrivedRun[], string[]]>([
    ['all there', ['a', 'b'], [arrival('a', 0), arrival('b', 50)], ['', 'a@0 b@50']],
    ['in the order of the jobs', ['b', 'a'], [arrival('a', 0), arrival('b', 50)], ['', 'b@50 a@0']],
    ['just within the window', ['a', 'b'], [arrival('a', 0), arrival('b', 100)], ['', 'a@0 b@100']],
    ['just outside', ['a', 'b'], [arrival('a', 0), arrival('b', 101)], ['', '']],
    [
      'what is left waits on',
      ['a', 'b'],
      [arrival('a', 0), arrival('b', 101), arrival('a', 150)],
      ['', '', 'a@150 b@101'],
    ],
    ['two at the same time', ['a', 'b'], [arrival('a', 7), arrival('b', 7)], ['', 'a@7 b@7']],
    ['told in another order than they finished', ['a', 'b'], [arrival('b', 50), arrival('a', 0)], ['', 'a@0 b@50']],
    ['a rerun replaces', ['a', 'b'], [arrival('a', 0), arrival('a', 80), arrival('b', 150)], ['', '', 'a@80 b@150']],
    [
      'an older run told later does not',
      ['a', 'b'],
      [arrival('a', 80), arrival('a', 0), arrival('b', 90)],
      ['', '', 'a@80 b@90'],
    ],
    [
      'an old run told late changes nothing',
      ['a', 'b'],
      [arrival('a', 500), arrival('b', 0), arrival('b', 550)],
      ['', '', 'a@500 b@550'],
    ],
    [
      'an older run told after a newer one has joined does not',
      ['a', 'b'],
      [arrival('a', 10), arrival('b', 11), arrival('a', 5), arrival('b', 12), arrival('a', 13)],
      ['', 'a@10 b@11', '', '', 'a@13 b@12'],
    ],
    [
      'each run counts once',
      ['a', 'b'],
      [arrival('a', 0), arrival('b', 1), arrival('b', 2), arrival('a', 3)],
      ['', 'a@0 b@1', '', 'a@3 b@2'],
    ],
    ['another job', ['a', 'b'], [arrival('a', 0), arrival('c', 1)], ['', '']],
    ['by id', ['id-a', 'b'], [arrival('a', 0), arrival('b', 1)], ['', 'a@0 b@1']],
    ['by pattern', ['a*', 'b'], [arrival('ab', 0), arrival('b', 1)], ['', 'ab@0 b@1']],
    ['a run takes one entry only', ['*', 'a'], [arrival('a', 0), arrival('a', 1)], ['', '']],
    ['the closest one', ['*', 'a'], [arrival('a', 0), arrival('b', 1)], ['', 'b@1 a@0']],
    ['the longer pattern', ['x*', 'xy*'], [arrival('xy1', 0), arrival('xa', 1)], ['', 'xa@1 xy1@0']],
    ['else a free one', ['x*', 'xy*'], [arrival('xy1', 0), arrival('xy2', 1)], ['', 'xy2@1 xy1@0']],
    [
      'a rerun keeps its entry',
      ['x*', 'xy*'],
      [arrival('xy1', 0), arrival('xy1', 1), arrival('xa', 2)],
      ['', '', 'xa@2 xy1@1'],
    ],
    [
      'a name that objects have of themselves',
      ['__proto__', 'constructor'],
      [arrival('__proto__', 0), arrival('constructor', 1)],
      ['', '__proto__@0 constructor@1'],
    ],
  ])('%s', (_, jobs, arrivals, expected) => {
    expect(joinsOf(jobs, arrivals)).toEqual(expected);
  });

  it('forgets what waits for a job that is no longer asked for', () => {
    const { waiting } = arrive({ jobs: ['a', 'b'], withinMs: WITHIN }, undefined, arrival('a', 0));
    const after = arrive({ jobs: ['b', 'c'], withinMs: WITHIN }, waiting, arrival('b', 1));
    expect(Object.keys(JSON.parse(after.waiting) as object)).toEqual(['b']);
  });

  it('keeps what it needs of a run in the state that is stored', () => {
    const arrived = arrival('a', 5);
    const { waiting } = arrive({ jobs: ['a', 'b'], withinMs: WITHIN }, undefined, arrived);
    const { joined } = arrive({ jobs: ['a', 'b'], withinMs: WITHIN }, waiting, arrival('b', 6));
    expect(joined?.[0]).toEqual({ job: 'a', ...arrived });
  });
});

/** The rule in plain words, for jobs by name: the latest run of each job, all within the window, none of them joined. */
function byTheRule(jobs: readonly string[], arrivals: readonly { job: string; at: number; id: string }[]): string[] {
  const joined = new Set<string>();
  return arrivals.map((_, index) => {
    const latest = jobs.flatMap((job) => {
      const own = arrivals.slice(0, index + 1).filter((one) => one.job === job);
      const last = Math.max(...own.map(({ at }) => at));
      return own.filter(({ at }) => at === last).at(-1) ?? [];
    });
    const times = latest.map(({ at }) => at);
    const isAll = latest.length === jobs.length && latest.every(({ id }) => !joined.has(id));
    if (!isAll || Math.max(...times) - Math.min(...times) > WITHIN) return '';
    for (const { id } of latest) joined.add(id);
    return latest.map(({ id }) => id).join(' ');
  });
}

describe('a barrier', () => {
  const jobs = ['a', 'b', 'c'];
  const arrivals = fc
    .array(fc.record({ job: fc.constantFrom(...jobs), at: fc.nat(400) }), { maxLength: 40 })
    .map((list) => list.map((one, index) => ({ ...one, id: `${one.job}${index}` })));

  it('joins what the rule joins, whatever the order of arrival', () => {
    fc.assert(
      fc.property(arrivals, (list) => {
        const arrived = list.map(({ job, at, id }) => arrival(job, at, id));
        expect(joinsOf(jobs, arrived)).toEqual(byTheRule(jobs, list));
      }),
      { numRuns: 2_000 },
    );
  });

  it('joins no run twice, and only what finished within the window', () => {
    const patterns = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', '*', 'a*', 'id-*'), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(patterns, arrivals, (entries, list) => {
        const at = new Map(list.map((one) => [one.id, one.at]));
        const joins = joinsOf(
          entries,
          list.map((one) => arrival(one.job, one.at, one.id)),
        ).filter((join) => join !== '');
        const all = joins.flatMap((join) => join.split(' '));
        expect(new Set(all).size).toBe(all.length);
        for (const join of joins) {
          const times = join.split(' ').map((id) => at.get(id) ?? NaN);
          expect(times).toHaveLength(entries.length);
          expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(WITHIN);
        }
      }),
    );
  });
});

describe('barrierJobsOf', () => {
  it('answers the entries that a run fits, the closest first', () => {
    const options = { jobs: ['*', 'nightly-*', 'other', 'nightly-build', 'n*'], withinMs: 1 };
    expect(barrierJobsOf(options, runOf('nightly-build', '1'))).toEqual(['nightly-build', 'nightly-*', 'n*', '*']);
  });

  it('leaves those that are as close in their order', () => {
    const run = runOf('bb', '1');
    for (const jobs of [
      ['b*', '*b'],
      ['*b', 'b*'],
      ['id-bb', 'bb'],
    ]) {
      expect(barrierJobsOf({ jobs, withinMs: 1 }, run)).toEqual(jobs);
    }
  });
});

describe('checkBarrier', () => {
  it.each<[object, string]>([
    [{ jobs: [], withinMs: 1 }, 'All.jobs'],
    [{ jobs: ['a'], withinMs: 1 }, 'All.jobs'],
    [{ jobs: ['a', 'a'], withinMs: 1 }, 'All.jobs'],
    [{ jobs: ['a', 'b', 'a'], withinMs: 1 }, 'All.jobs'],
    [{ jobs: ['a', ''], withinMs: 1 }, 'All.jobs'],
    [{ jobs: ['a', 7], withinMs: 1 }, 'All.jobs'],
    [{ jobs: 'ab', withinMs: 1 }, 'All.jobs'],
    [{ withinMs: 1 }, 'All.jobs'],
    [{ jobs: Array.from({ length: 51 }, String), withinMs: 1 }, 'All.jobs'],
    [{ jobs: ['a', 'b'] }, 'All.withinMs: expected an integer from 1 to 31622400000, got undefined'],
    [{ jobs: ['a', 'b'], withinMs: 0 }, 'All.withinMs: expected an integer from 1 to 31622400000, got 0'],
    [{ jobs: ['a', 'b'], withinMs: 1e15 }, 'All.withinMs'],
    [
      { jobs: ['a', 'b'], withinMs: 1, outcome: 'failed' },
      `All.outcome: expected 'succeeded' or 'completed', got "failed"`,
    ],
  ])('refuses %j by the name of the option', (options, message) => {
    expect(() => checkBarrier('All', options as OnAllRunsOptions)).toThrow(message);
  });
});

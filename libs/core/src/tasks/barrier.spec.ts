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

/** Returns the ids of the runs that joined after each arrival, or an empty string. */
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
    ['joins when all runs have finished', ['a', 'b'], [arrival('a', 0), arrival('b', 50)], ['', 'a@0 b@50']],
    ['returns the runs in the order of the jobs', ['b', 'a'], [arrival('a', 0), arrival('b', 50)], ['', 'b@50 a@0']],
    ['joins runs exactly within the window', ['a', 'b'], [arrival('a', 0), arrival('b', 100)], ['', 'a@0 b@100']],
    ['does not join runs just outside the window', ['a', 'b'], [arrival('a', 0), arrival('b', 101)], ['', '']],
    [
      'keeps the newer run waiting',
      ['a', 'b'],
      [arrival('a', 0), arrival('b', 101), arrival('a', 150)],
      ['', '', 'a@150 b@101'],
    ],
    ['joins runs that finished at the same time', ['a', 'b'], [arrival('a', 7), arrival('b', 7)], ['', 'a@7 b@7']],
    [
      'joins runs that arrive in another order than they finished',
      ['a', 'b'],
      [arrival('b', 50), arrival('a', 0)],
      ['', 'a@0 b@50'],
    ],
    [
      'replaces a run by its rerun',
      ['a', 'b'],
      [arrival('a', 0), arrival('a', 80), arrival('b', 150)],
      ['', '', 'a@80 b@150'],
    ],
    [
      'does not replace a run by an older one that arrives later',
      ['a', 'b'],
      [arrival('a', 80), arrival('a', 0), arrival('b', 90)],
      ['', '', 'a@80 b@90'],
    ],
    [
      'ignores a run older than the window',
      ['a', 'b'],
      [arrival('a', 500), arrival('b', 0), arrival('b', 550)],
      ['', '', 'a@500 b@550'],
    ],
    [
      'ignores an older run that arrives after a newer one has joined',
      ['a', 'b'],
      [arrival('a', 10), arrival('b', 11), arrival('a', 5), arrival('b', 12), arrival('a', 13)],
      ['', 'a@10 b@11', '', '', 'a@13 b@12'],
    ],
    [
      'counts each run once',
      ['a', 'b'],
      [arrival('a', 0), arrival('b', 1), arrival('b', 2), arrival('a', 3)],
      ['', 'a@0 b@1', '', 'a@3 b@2'],
    ],
    ['ignores another job', ['a', 'b'], [arrival('a', 0), arrival('c', 1)], ['', '']],
    ['matches a job by id', ['id-a', 'b'], [arrival('a', 0), arrival('b', 1)], ['', 'a@0 b@1']],
    ['matches a job by pattern', ['a*', 'b'], [arrival('ab', 0), arrival('b', 1)], ['', 'ab@0 b@1']],
    ['fills only one entry with a run', ['*', 'a'], [arrival('a', 0), arrival('a', 1)], ['', '']],
    ['prefers a name over a pattern', ['*', 'a'], [arrival('a', 0), arrival('b', 1)], ['', 'b@1 a@0']],
    ['prefers the longer pattern', ['x*', 'xy*'], [arrival('xy1', 0), arrival('xa', 1)], ['', 'xa@1 xy1@0']],
    [
      'uses a free entry when the closest one is filled',
      ['x*', 'xy*'],
      [arrival('xy1', 0), arrival('xy2', 1)],
      ['', 'xy2@1 xy1@0'],
    ],
    [
      'keeps the entry of a job for its rerun',
      ['x*', 'xy*'],
      [arrival('xy1', 0), arrival('xy1', 1), arrival('xa', 2)],
      ['', '', 'xa@2 xy1@1'],
    ],
    [
      'accepts the names of object properties as jobs',
      ['__proto__', 'constructor'],
      [arrival('__proto__', 0), arrival('constructor', 1)],
      ['', '__proto__@0 constructor@1'],
    ],
  ])('%s', (_, jobs, arrivals, expected) => {
    expect(joinsOf(jobs, arrivals)).toEqual(expected);
  });

  it('removes a waiting run whose job was removed from the options', () => {
    const { waiting } = arrive({ jobs: ['a', 'b'], withinMs: WITHIN }, undefined, arrival('a', 0));
    const after = arrive({ jobs: ['b', 'c'], withinMs: WITHIN }, waiting, arrival('b', 1));
    expect(Object.keys(JSON.parse(after.waiting) as object)).toEqual(['b']);
  });

  it('restores a run from the stored state', () => {
    const arrived = arrival('a', 5);
    const { waiting } = arrive({ jobs: ['a', 'b'], withinMs: WITHIN }, undefined, arrived);
    const { joined } = arrive({ jobs: ['a', 'b'], withinMs: WITHIN }, waiting, arrival('b', 6));
    expect(joined?.[0]).toEqual({ job: 'a', ...arrived });
  });
});

/** Rule for jobs by name: the latest run of each job, all within the window, and none of them has joined. */
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

describe('arrive, for any order of arrival', () => {
  const jobs = ['a', 'b', 'c'];
  const arrivals = fc
    .array(fc.record({ job: fc.constantFrom(...jobs), at: fc.nat(400) }), { maxLength: 40 })
    .map((list) => list.map((one, index) => ({ ...one, id: `${one.job}${index}` })));

  it('joins the runs that the rule joins', () => {
    fc.assert(
      fc.property(arrivals, (list) => {
        const arrived = list.map(({ job, at, id }) => arrival(job, at, id));
        expect(joinsOf(jobs, arrived)).toEqual(byTheRule(jobs, list));
      }),
      { numRuns: 2_000 },
    );
  });

  it('joins no run twice, and only runs within the window', () => {
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
  it('returns the matching entries, the closest first', () => {
    const options = { jobs: ['*', 'nightly-*', 'other', 'nightly-build', 'n*'], withinMs: 1 };
    expect(barrierJobsOf(options, runOf('nightly-build', '1'))).toEqual(['nightly-build', 'nightly-*', 'n*', '*']);
  });

  it('keeps the order of equally close entries', () => {
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
  ])('throws for %j, with the name of the option', (options, message) => {
    expect(() => checkBarrier('All', options as OnAllRunsOptions)).toThrow(message);
  });
});

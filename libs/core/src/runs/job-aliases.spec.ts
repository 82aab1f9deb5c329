import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LIMITS } from '../limits.js';
import type { JobState } from './incident.js';
import { linkJob, type JobRecord } from './job-aliases.js';

const at = (ms: number): Date => new Date(ms);

/** A message: the id or else the first name is the main key. */
interface Report {
  readonly id?: string;
  readonly names?: readonly string[];
  readonly run?: string;
}

/** Records of job keys and the first job keys of runs. Returns the key of the job that each message is about. */
class Jobs {
  readonly records = new Map<string, JobRecord>();
  readonly runs = new Map<string, string>();

  report({ id, names = [], run }: Report): string {
    const [key = '', ...otherKeys] = id === undefined ? names : [id, ...names];
    const known = run === undefined ? undefined : this.runs.get(run);
    const { key: job, changes } = linkJob(this.records, { key, hasId: id !== undefined, otherKeys }, known);
    for (const [changed, record] of changes) this.records.set(changed, record);
    if (run !== undefined && known === undefined) this.runs.set(run, job);
    return job;
  }

  set(key: string, state: JobState): void {
    this.records.set(key, { ...this.records.get(key), ...state });
  }

  /** Returns the key of the job that a key names by now. */
  jobOf(key: string): string {
    const record = this.records.get(key);
    return record && 'aliasOf' in record ? record.aliasOf : key;
  }

  /** Aliases that jobs list. */
  get listedAliases(): readonly string[] {
    return [...this.records]
      .flatMap(([job, record]) =>
        ('aliases' in record ? (record.aliases ?? []) : []).map((alias) => `${alias} of ${job}`),
      )
      .sort();
  }

  /** Aliases that have a record. */
  get aliases(): readonly string[] {
    return [...this.records]
      .flatMap(([key, record]) => ('aliasOf' in record ? [`${key} of ${record.aliasOf}`] : []))
      .sort();
  }

  get all(): Record<string, JobRecord> {
    return Object.fromEntries(this.records);
  }
}

const jobsAfter = (...reports: readonly Report[]): Jobs => {
  const jobs = new Jobs();
  for (const report of reports) jobs.report(report);
  return jobs;
};

const BOTH = { id: 'slug', names: ['label'] };

describe('linkJob', () => {
  it('changes nothing for a job that is reported with its id only', () => {
    const jobs = new Jobs();
    expect([jobs.report({ id: '7', run: '1' }), jobs.report({ id: '7', run: '1' }), jobs.all]).toEqual(['7', '7', {}]);
  });

  it('notes that a job has been reported with a name only, once', () => {
    expect(jobsAfter({ names: ['label'] }).all).toEqual({ label: { nameOnly: true } });
    const { changes } = linkJob(
      new Map([['label', { nameOnly: true as const }]]),
      { key: 'label', hasId: false, otherKeys: [] },
      undefined,
    );
    expect(changes.size).toBe(0);
  });

  it('makes the name of a new job an alias of it', () => {
    const jobs = new Jobs();
    expect([BOTH, { names: ['label'] }, { id: 'slug' }].map((report) => jobs.report(report))).toEqual(
      Array(3).fill('slug'),
    );
    expect(jobs.all).toEqual({ slug: { aliases: ['label'] }, label: { aliasOf: 'slug' } });
  });

  it('makes the id an alias of a job that has been reported with its name only', () => {
    const jobs = jobsAfter({ names: ['label'] });
    jobs.set('label', { latestSuccessAt: at(5) });
    expect([BOTH, { id: 'slug' }, { names: ['label'] }].map((report) => jobs.report(report))).toEqual(
      Array(3).fill('label'),
    );
    expect(jobs.all).toEqual({
      label: { latestSuccessAt: at(5), aliases: ['slug'], idAlias: 'slug' },
      slug: { aliasOf: 'label' },
    });
  });

  it('moves a name to the job that was reported with it last', () => {
    const jobs = jobsAfter(BOTH);
    expect([jobs.report({ id: 'other', names: ['label'] }), jobs.report({ names: ['label'] })]).toEqual([
      'other',
      'other',
    ]);
    expect(jobs.all).toEqual({ slug: {}, other: { aliases: ['label'] }, label: { aliasOf: 'other' } });
  });

  it('leaves a name with the job whose key it is when another id is reported with it', () => {
    const jobs = jobsAfter({ names: ['label'] }, BOTH);
    expect([jobs.report({ id: 'other', names: ['label'] }), jobs.report({ names: ['label'] })]).toEqual([
      'other',
      'label',
    ]);
  });

  describe('for a name of a job that is reported as an id', () => {
    it('makes the name a job of its own if the job has another id', () => {
      const jobs = jobsAfter(BOTH);
      jobs.set('slug', { latestSuccessAt: at(5) });
      expect([jobs.report({ id: 'label', names: ['other'] }), jobs.report(BOTH), jobs.report({ id: 'label' })]).toEqual(
        ['label', 'slug', 'label'],
      );
      expect(jobs.all).toEqual({
        slug: { latestSuccessAt: at(5) },
        label: { aliases: ['other'] },
        other: { aliasOf: 'label' },
      });
    });

    it('moves the job to its id if the name is the key of the job', () => {
      const jobs = jobsAfter({ names: ['label', 'old label'] }, BOTH);
      jobs.set('label', { latestSuccessAt: at(5) });
      expect([
        jobs.report({ id: 'label' }),
        jobs.report({ id: 'slug' }),
        jobs.report({ names: ['old label'] }),
      ]).toEqual(['label', 'slug', 'slug']);
      expect(jobs.all).toEqual({
        label: {},
        slug: { latestSuccessAt: at(5), aliases: ['old label'] },
        'old label': { aliasOf: 'slug' },
      });
    });

    it.each([
      ['key', 'label', {}],
      ['alias', 'old label', { idAlias: 'old label' }],
    ])('makes the %s of a job without an id the id of the job', (_, id, fact) => {
      const jobs = jobsAfter({ names: ['label', 'old label'] }, { id: 'slug', run: '1' }, { id, run: '1' });
      expect(jobs.all['label']).toEqual({ aliases: ['old label'], ...fact });
      expect(jobs.report({ id: 'slug', names: ['label'] })).toBe('slug');
    });

    it('leaves an id with its job when it is reported as the name of another id', () => {
      const jobs = jobsAfter({ names: ['label'] }, BOTH);
      expect([jobs.report({ id: 'other', names: ['slug'] }), jobs.report({ id: 'slug' })]).toEqual(['other', 'label']);
    });
  });

  it('adds no further name to a job with many', () => {
    const jobs = new Jobs();
    for (let index = 0; index < LIMITS.jobAliasesMax + 5; index += 1) jobs.report({ id: 'slug', names: [`${index}`] });
    expect(jobs.records.size).toBe(LIMITS.jobAliasesMax + 1);
    expect(jobs.report({ names: [`${LIMITS.jobAliasesMax + 1}`] })).not.toBe('slug');
  });

  describe('for two known jobs', () => {
    it.each<[string, Report]>([
      ['a message reports both', BOTH],
      ['a run that was reported with the id is reported with the name', { names: ['label'], run: 'of id' }],
      ['a run that was reported with the name is reported with the id', { id: 'slug', run: 'of name' }],
    ])('makes them one, under the key of the id, when %s', (_, report) => {
      const jobs = jobsAfter(
        { id: 'slug', run: 'of id' },
        { names: ['label'], run: 'of name' },
        { names: ['old label'], run: 'of name' },
      );
      jobs.set('slug', { latestSuccessAt: at(5) });
      jobs.set('label', { latestSuccessAt: at(9) });
      expect(jobs.report(report)).toBe('slug');
      expect(jobs.all).toEqual({
        slug: { latestSuccessAt: at(9), aliases: ['label', 'old label'] },
        label: { aliasOf: 'slug' },
        'old label': { aliasOf: 'slug' },
      });
      // The run keeps its key, and its job is the one that stays.
      expect([jobs.runs.get('of name'), jobs.report({ names: ['label'], run: 'of name' })]).toEqual(['label', 'slug']);
    });

    it('joins their open incidents to the one that opened first', () => {
      const failedRun = (ms: number) => ({ accountId: '1', runId: `${ms}`, finishedAt: at(ms) });
      const incident = (...ms: readonly [number, ...number[]]) => ({
        openedAt: at(ms[0]),
        latestFailureAt: at(ms.at(-1) ?? ms[0]),
        failures: ms.length,
        runs: ms.map(failedRun),
      });
      const jobs = jobsAfter({ names: ['label'] });
      jobs.set('slug', { incident: incident(4) });
      jobs.set('label', { incident: incident(2, 3) });
      jobs.report(BOTH);
      expect(jobs.all['slug']).toEqual({ incident: incident(2, 3, 4), aliases: ['label'] });
    });

    it('keeps an incident open that a success of the other job did not report as ended', () => {
      const incident = { openedAt: at(1), latestFailureAt: at(1), failures: 1, runs: [] };
      const jobs = jobsAfter({ names: ['label'] });
      jobs.set('slug', { latestSuccessAt: at(2) });
      jobs.set('label', { incident });
      jobs.report(BOTH);
      expect(jobs.all['slug']).toEqual({ latestSuccessAt: at(2), incident, aliases: ['label'] });
    });

    it.each<[string, Report, Report]>([
      ['both have ids', { id: 'a', run: '1' }, { id: 'b', run: '1' }],
      ['neither has an id', { names: ['a'], run: '1' }, { names: ['b'], run: '1' }],
    ])('never makes them one when %s', (_, first, second) => {
      const jobs = jobsAfter({ ...first, run: 'x' }, { ...second, run: 'y' }, first);
      expect(jobs.report(second)).toBe('a');
      expect([jobs.report({ ...first, run: 'z' }), jobs.report({ ...second, run: '2' })]).toEqual(['a', 'b']);
    });
  });

  describe('for a run that is known', () => {
    it('makes an unknown key that a later message reports an alias of its job', () => {
      for (const [first, second] of [
        [{ id: 'slug' }, { names: ['label'] }],
        [{ names: ['label'] }, { id: 'slug' }],
        [{ names: ['label'] }, { names: ['other label'] }],
      ] as const) {
        const jobs = new Jobs();
        const job = jobs.report({ ...first, run: '1' });
        expect([jobs.report({ ...second, run: '1' }), jobs.report({ ...second, run: '2' })]).toEqual([job, job]);
      }
    });

    it('changes nothing if a later message reports another id', () => {
      const jobs = jobsAfter({ id: 'a', run: '1' });
      expect([jobs.report({ id: 'b', names: ['name'], run: '1' }), jobs.all]).toEqual(['a', {}]);
      expect(jobs.report({ id: 'b' })).toBe('b');
    });

    it('stays with its job when the name under which it was recorded has moved to another job', () => {
      const jobs = jobsAfter(
        { names: ['label'], run: '1' },
        { id: 'slug' },
        { id: 'slug', run: '2' },
        { id: 'slug', names: ['x'] },
        BOTH,
        { id: 'other', names: ['label'] },
      );
      expect(jobs.all['label']).toEqual({ aliasOf: 'other' });
      expect(jobs.report({ id: 'slug', run: '1' })).toBe('slug');
    });
  });

  it('does not change its argument', () => {
    const jobs = jobsAfter({ names: ['label'] });
    jobs.set('slug', { latestSuccessAt: at(1) });
    const before = structuredClone(jobs.all);
    linkJob(jobs.records, { key: 'slug', hasId: true, otherKeys: ['label'] }, undefined);
    expect(jobs.all).toEqual(before);
  });
});

describe('the records of jobs, after any messages', () => {
  const ids = ['id 1', 'id 2', 'id 3'];
  const names = fc.subarray(['name 1', 'name 2', 'name 3'], { minLength: 1, maxLength: 2 });
  const run = fc.constantFrom('1', '2', '3', '4');
  const id = fc.constantFrom(...ids);
  const report: fc.Arbitrary<Report> = fc.oneof(
    fc.record({ id, run }),
    fc.record({ names: fc.constantFrom(['name 1'], ['name 2'], ['name 3']), run }),
    fc.record({ id, names, run }),
  );

  it('list each alias in its job, lead to it in one step, and never join two ids', () => {
    fc.assert(
      fc.property(fc.array(report, { maxLength: 30 }), (reports) => {
        const jobs = new Jobs();
        const runs = new Map<string, string>();
        for (const one of reports) {
          const job = jobs.report(one);
          runs.set(one.run ?? '', runs.get(one.run ?? '') ?? job);
          expect(jobs.records.get(job) ?? {}).not.toHaveProperty('aliasOf');
        }
        expect(jobs.runs).toEqual(runs);
        expect(jobs.listedAliases).toEqual(jobs.aliases);
        const jobsOfIds = ids.map((one) => jobs.jobOf(one));
        expect(new Set(jobsOfIds).size).toBe(ids.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never join two ids, even if the name of one job is the id of another', () => {
    const keys = ['a', 'b', 'c', 'd'];
    const key = fc.constantFrom(...keys);
    const some = (maxLength: number) => fc.shuffledSubarray(keys, { minLength: 1, maxLength });
    const mixed: fc.Arbitrary<Report> = fc.oneof(
      fc.record({ id: key, run }),
      fc.record({ names: some(2), run }),
      fc.record({ id: key, names: some(2), run }),
    );
    fc.assert(
      fc.property(fc.array(mixed, { maxLength: 20 }), (reports) => {
        const jobs = new Jobs();
        const known = new Set<string>();
        for (const one of reports) {
          // Each message reports an outcome, which leaves a state.
          jobs.set(jobs.report(one), { latestSuccessAt: at(1) });
          if (one.id !== undefined && jobs.records.has(one.id)) known.add(one.id);
          const jobsOfIds = [...known].map((each) => jobs.jobOf(each));
          expect(new Set(jobsOfIds).size).toBe(known.size);
          expect(jobs.listedAliases).toEqual(jobs.aliases);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('are the same job for a run that was reported with an id, a name and both, in any order', () => {
    const forms = [{ id: 'slug' }, { names: ['label'] }, BOTH];
    fc.assert(
      fc.property(fc.shuffledSubarray([...forms, ...forms], { minLength: 6 }), (order) => {
        const jobs = jobsAfter(...order.map((form) => ({ ...form, run: '1' })));
        const found = forms.map((form) => jobs.report({ ...form, run: `2 ${JSON.stringify(form)}` }));
        expect(new Set(found).size).toBe(1);
      }),
    );
  });
});

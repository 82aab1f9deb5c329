import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Known } from '../store/recording.js';
import { runUpdateOf, type RunUpdate } from './run-update.js';
import type { Reference } from './run.js';
import type { RunSignal, RunSignalType } from './run-signal.js';

const RECEIVED = new Date(1_000_000);

interface Facts {
  readonly runId?: string;
  readonly finishedAt?: Date;
  readonly occurredAt?: Date;
  readonly receivedAt?: Date;
}

function signal(
  types: readonly RunSignalType[],
  { runId = '7', finishedAt, occurredAt = new Date(50) }: Facts,
): RunSignal {
  const run = {
    id: runId,
    status: 'unknown',
    job: { key: 'job' },
    account: { id: '1' },
    trigger: { kind: 'unknown' },
    ...(finishedAt && { finishedAt }),
  } as const;
  return { types, occurredAt, run };
}

/** An inbox with one job. It returns the update of each message. */
class OneJob {
  #known: Pick<Known, 'jobs'> = {};
  readonly #runs = new Map<string, RunUpdate['run']>();

  parse(types: readonly RunSignalType[], facts: Facts = {}): RunUpdate {
    const { runId = '7', receivedAt = RECEIVED } = facts;
    const run = this.#runs.get(runId);
    const update = runUpdateOf({ ...this.#known, ...(run && { run }) }, signal(types, facts), receivedAt);
    this.#runs.set(runId, update.run);
    if (update.jobs) this.#known = { jobs: new Map([...(this.#known.jobs ?? []), ...update.jobs]) };
    return update;
  }
}

const ERRORED: RunSignalType[] = ['run.failed'];
const FAILED: RunSignalType[] = ['run.failed', 'run.completed'];
const SUCCEEDED: RunSignalType[] = ['run.succeeded', 'run.completed'];
const STARTED: RunSignalType[] = ['run.started'];
const OVER: RunSignalType[] = ['run.completed'];
const at = (ms: number) => ({ finishedAt: new Date(ms) });

describe('runUpdateOf', () => {
  it('keeps the environment that was reported last for a job, and writes it only if it changes', () => {
    const within = (environment: Reference | undefined, known: Pick<Known, 'jobs'> = {}) => {
      const { run, ...one } = signal(STARTED, {});
      return runUpdateOf(known, { ...one, run: { ...run, ...(environment && { environment }) } }, RECEIVED).jobs;
    };
    const jobs = within({ id: '6', name: 'Production' });
    expect(jobs?.get('job')).toMatchObject({ environment: { id: '6', name: 'Production' } });
    for (const environment of [undefined, {}, { id: '6', name: 'Production' }]) {
      expect(within(environment, { ...(jobs && { jobs }) })).toBeUndefined();
    }
    expect(within({ id: '6', name: 'Prod' }, { ...(jobs && { jobs }) })?.get('job')).toMatchObject({
      environment: { id: '6', name: 'Prod' },
    });
  });

  it('reports one failure of a job for the two messages about a failed run, in any order', () => {
    for (const [one, other] of [
      [ERRORED, FAILED],
      [FAILED, ERRORED],
    ] as const) {
      const job = new OneJob();
      const updates = [job.parse(one, at(10)), job.parse(other, at(11)), job.parse(one, at(10))];
      const events = updates.flatMap(({ events }) => events);
      expect(events.filter(({ type }) => type === 'run.failed')).toEqual([
        { type: 'run.failed', extras: { late: false, firstFailure: true } },
      ]);
      expect(job.parse(SUCCEEDED, { runId: '8', ...at(20) }).events.at(-1)?.extras.incident?.failures).toBe(1);
    }
  });

  it('reports a recovery for the first success after failures', () => {
    const job = new OneJob();
    job.parse(FAILED, at(10));
    expect(job.parse(SUCCEEDED, { runId: '8', ...at(20) }).events).toMatchObject([
      { type: 'run.succeeded', extras: {} },
      { type: 'run.completed', extras: {} },
      { type: 'run.recovered', extras: { incident: { openedAt: new Date(10), failures: 1, runs: [{ runId: '7' }] } } },
    ]);
    expect(job.parse(SUCCEEDED, { runId: '9', ...at(30) }).events).toHaveLength(2);
  });

  it.each<[string, RunSignalType[]]>([
    ['a canceled run', ['run.canceled', 'run.completed']],
    ['a run that is over in no outcome', OVER],
  ])('does not change an incident for %s', (_, types) => {
    const job = new OneJob();
    job.parse(FAILED, at(10));
    job.parse(types, { runId: '8', ...at(20) });
    expect(job.parse(FAILED, { runId: '9', ...at(30) }).events[0]?.extras.firstFailure).toBe(false);
    expect(job.parse(SUCCEEDED, { runId: '10', ...at(40) }).events.at(-1)?.extras.incident?.failures).toBe(2);
  });

  it('does not change an incident for a contradictory run', () => {
    const job = new OneJob();
    job.parse(ERRORED, at(10));
    const { events, contradicts, jobs: state } = job.parse(SUCCEEDED, at(20));
    expect([events.map(({ type }) => type), contradicts, state]).toEqual([['run.completed'], 'succeeded', undefined]);
    const other = new OneJob();
    other.parse(SUCCEEDED, at(10));
    expect(other.parse(FAILED, at(20))).toMatchObject({ events: [], contradicts: 'failed' });
    expect(other.parse(ERRORED, { runId: '8', ...at(5) }).events[0]?.extras.late).toBe(true);
  });

  it.each<[string, RunSignalType[][], boolean]>([
    ['a start', [STARTED], false],
    ['a start after the end', [SUCCEEDED, STARTED], true],
    ['a start after an early failure', [ERRORED, STARTED], true],
    ['a start after an end without an outcome', [OVER, STARTED], true],
    ['a failure after the start', [STARTED, ERRORED], false],
    ['a failure of a run that was over already', [OVER, ERRORED], true],
  ])('sets late for %s', (_, messages, late) => {
    const job = new OneJob();
    const updates = messages.map((types) => job.parse(types, at(10)));
    expect(updates.at(-1)?.events[0]?.extras.late).toBe(late);
  });

  it('uses the time of the message if the run has no end', () => {
    const job = new OneJob();
    job.parse(FAILED, { occurredAt: new Date(10) });
    expect(job.parse(SUCCEEDED, { runId: '8', occurredAt: new Date(9) }).events).toHaveLength(2);
    expect(job.parse(SUCCEEDED, { runId: '9', occurredAt: new Date(11) }).events).toHaveLength(3);
  });

  it('uses the latest reported end of a run', () => {
    for (const [over, errored] of [
      [10, 30],
      [30, 10],
    ] as const) {
      const job = new OneJob();
      job.parse(OVER, at(over));
      job.parse(ERRORED, at(errored));
      expect(job.parse(SUCCEEDED, { runId: '8', ...at(20) }).events).toHaveLength(2);
      expect(job.parse(SUCCEEDED, { runId: '9', ...at(31) }).events).toHaveLength(3);
    }
  });

  it('caps the end of a run at the time of receipt', () => {
    const job = new OneJob();
    const future = at(Date.UTC(2099, 0, 1));
    job.parse(FAILED, { ...future, receivedAt: new Date(100) });
    const recovery = job.parse(SUCCEEDED, { runId: '8', ...at(150), receivedAt: new Date(200) });
    expect(recovery.events.at(-1)).toMatchObject({
      type: 'run.recovered',
      extras: { incident: { openedAt: new Date(100) } },
    });
    job.parse(SUCCEEDED, { runId: '9', ...future, receivedAt: new Date(300) });
    const next = job.parse(FAILED, { runId: '10', ...at(350), receivedAt: new Date(400) });
    expect(next.events[0]?.extras).toEqual({ late: false, firstFailure: true });
  });
});

describe('a job with several keys', () => {
  const reported = (key: string, types: readonly RunSignalType[], more: Facts & { id?: string; names?: string[] }) => {
    const { names, id, ...facts } = more;
    const { run, ...rest } = signal(types, facts);
    const job = { key, ...(id !== undefined && { id }) };
    return { ...rest, run: { ...run, job }, ...(names && { otherJobKeys: names }) };
  };

  it('has one incident, whichever of its keys the messages of its runs report', () => {
    const first = runUpdateOf({}, reported('name', FAILED, at(10)), RECEIVED);
    const both = { runId: '8', id: '1', names: ['name'] };
    const second = runUpdateOf(
      { jobs: first.jobs ?? new Map() },
      reported('id', SUCCEEDED, { ...both, ...at(20) }),
      RECEIVED,
    );
    expect([first.run.jobKey, second.run.jobKey]).toEqual(['name', 'name']);
    expect(second.events.at(-1)).toMatchObject({ type: 'run.recovered', extras: { incident: { failures: 1 } } });
    expect(second.jobs).toEqual(
      new Map([
        ['name', { latestSuccessAt: new Date(20), aliases: ['id'], idAlias: 'id' }],
        ['id', { aliasOf: 'name' }],
      ]),
    );
  });

  it('is the same for all messages of a run, although the second one reports another key', () => {
    const started = runUpdateOf({}, reported('id', STARTED, { id: '1' }), RECEIVED);
    expect(started.jobs).toBeUndefined();
    const failed = runUpdateOf({ run: started.run }, reported('name', FAILED, at(10)), RECEIVED);
    expect(failed.run.jobKey).toBe('id');
    expect([...(failed.jobs?.keys() ?? [])].sort()).toEqual(['id', 'name']);
    expect(failed.jobs?.get('id')).toMatchObject({ incident: { failures: 1 }, aliases: ['name'] });
  });

  it('keeps its aliases when an incident opens and ends', () => {
    const linked = runUpdateOf({}, reported('id', FAILED, { id: '1', names: ['name'], ...at(10) }), RECEIVED);
    const known = { jobs: linked.jobs ?? new Map() };
    const ended = runUpdateOf(known, reported('id', SUCCEEDED, { id: '1', runId: '8', ...at(20) }), RECEIVED);
    expect(ended.jobs).toEqual(new Map([['id', { latestSuccessAt: new Date(20), aliases: ['name'] }]]));
  });
});

describe('a run that only an action has written', () => {
  const written = { jobKey: 'old name', contradicted: false, types: [], retryOf: '6', rootRun: '5' } as const;

  it('has the job that its first message reports, and keeps which run it retries', () => {
    const { run, jobs } = runUpdateOf({ run: written }, signal(FAILED, at(10)), RECEIVED);
    expect(run).toMatchObject({ jobKey: 'job', retryOf: '6', rootRun: '5' });
    expect([...(jobs?.keys() ?? [])]).toEqual(['job']);
    expect(jobs?.get('job')).not.toHaveProperty('aliases');
  });

  it.each([
    ['its start', STARTED],
    ['its end', SUCCEEDED],
  ])('counts as found if a sweep reports %s before any webhook', (_, types) => {
    const found = runUpdateOf({ run: written }, signal(types, at(10)), RECEIVED, { isFromApi: true });
    expect([found.isFoundBySweep, found.run.origin]).toEqual([true, 'api']);
    const { run } = runUpdateOf({ run: written }, signal(types, at(10)), RECEIVED);
    expect(run.origin).toBeUndefined();
  });
});

describe('messages of several runs of a job, in any order, lost or repeated', () => {
  const messages = fc.array(
    fc.record({
      runId: fc.constantFrom('1', '2', '3', '4'),
      types: fc.constantFrom(STARTED, ERRORED, FAILED, SUCCEEDED, OVER, [
        'run.canceled',
        'run.completed',
      ] as RunSignalType[]),
    }),
    { maxLength: 40 },
  );

  it('cause each event of a run at most once, and at most one recovery per incident', () => {
    fc.assert(
      fc.property(messages, (sent) => {
        const job = new OneJob();
        const events = sent.flatMap(({ runId, types }) =>
          job.parse(types, { runId, ...at(Number(runId)) }).events.map(({ type, extras }) => ({ runId, type, extras })),
        );
        const keys = events.map(({ runId, type }) => `${type} ${runId}`);
        expect(new Set(keys).size).toBe(keys.length);
        const alerts = events.filter(({ type, extras }) => type === 'run.recovered' || extras.firstFailure);
        // One after the other: an incident that begins, and its end.
        alerts.forEach(({ type }, index) => {
          expect(type).toBe(index % 2 === 0 ? 'run.failed' : 'run.recovered');
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it('reach the same state of a run with one outcome, if each arrives at least once', () => {
    const all = [STARTED, ERRORED, FAILED];
    const shuffled = fc.shuffledSubarray([...all, ...all], { minLength: 6 });
    fc.assert(
      fc.property(shuffled, (order) => {
        const job = new OneJob();
        const updates = order.map((types) => job.parse(types, at(10)));
        expect(updates.at(-1)?.run).toMatchObject({ outcome: 'failed', contradicted: false, finishedAt: new Date(10) });
        expect([...(updates.at(-1)?.run.types ?? [])].sort()).toEqual(['run.completed', 'run.failed', 'run.started']);
        expect(updates.flatMap(({ events }) => events.map(({ type }) => type)).sort()).toEqual([
          'run.completed',
          'run.failed',
          'run.started',
        ]);
      }),
    );
  });
});

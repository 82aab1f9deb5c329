import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Known } from '../store/recording.js';
import { runUpdateOf, type RunUpdate } from './run-update.js';
import type { RunSignal, RunSignalType } from './run-signal.js';

const RECEIVED = new Date(1_000_000);

interface Told {
  readonly runId?: string;
  readonly finishedAt?: Date;
  readonly occurredAt?: Date;
  readonly receivedAt?: Date;
}

function signal(
  types: readonly RunSignalType[],
  { runId = '7', finishedAt, occurredAt = new Date(50) }: Told,
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

/** An inbox of one job: what it says to each message, in the order told. */
class OneJob {
  #known: Pick<Known, 'job'> = {};
  readonly #runs = new Map<string, RunUpdate['run']>();

  tell(types: readonly RunSignalType[], told: Told = {}): RunUpdate {
    const { runId = '7', receivedAt = RECEIVED } = told;
    const run = this.#runs.get(runId);
    const news = runUpdateOf({ ...this.#known, ...(run && { run }) }, signal(types, told), receivedAt);
    this.#runs.set(runId, news.run);
    if (news.job) this.#known = { job: news.job };
    return news;
  }
}

const ERRORED: RunSignalType[] = ['run.failed'];
const FAILED: RunSignalType[] = ['run.failed', 'run.completed'];
const SUCCEEDED: RunSignalType[] = ['run.succeeded', 'run.completed'];
const STARTED: RunSignalType[] = ['run.started'];
const OVER: RunSignalType[] = ['run.completed'];
const at = (ms: number) => ({ finishedAt: new Date(ms) });

describe('what a message means', () => {
  it('fails a job once, whichever of the two announcements of a failed run comes first', () => {
    for (const [one, other] of [
      [ERRORED, FAILED],
      [FAILED, ERRORED],
    ] as const) {
      const job = new OneJob();
      const news = [job.tell(one, at(10)), job.tell(other, at(11)), job.tell(one, at(10))];
      const events = news.flatMap(({ events: told }) => told);
      expect(events.filter(({ type }) => type === 'run.failed')).toEqual([
        { type: 'run.failed', extras: { late: false, firstFailure: true } },
      ]);
      expect(job.tell(SUCCEEDED, { runId: '8', ...at(20) }).events.at(-1)?.extras.incident?.failures).toBe(1);
    }
  });

  it('recovers a job by the first success after its failures, with an event of that run', () => {
    const job = new OneJob();
    job.tell(FAILED, at(10));
    expect(job.tell(SUCCEEDED, { runId: '8', ...at(20) }).events).toMatchObject([
      { type: 'run.succeeded', extras: {} },
      { type: 'run.completed', extras: {} },
      { type: 'run.recovered', extras: { incident: { openedAt: new Date(10), failures: 1, runs: [{ runId: '7' }] } } },
    ]);
    expect(job.tell(SUCCEEDED, { runId: '9', ...at(30) }).events).toHaveLength(2);
  });

  it.each<[string, RunSignalType[]]>([
    ['a canceled run', ['run.canceled', 'run.completed']],
    ['a run that is over in no outcome', OVER],
  ])('changes no incident by %s', (_, types) => {
    const job = new OneJob();
    job.tell(FAILED, at(10));
    job.tell(types, { runId: '8', ...at(20) });
    expect(job.tell(FAILED, { runId: '9', ...at(30) }).events[0]?.extras.firstFailure).toBe(false);
    expect(job.tell(SUCCEEDED, { runId: '10', ...at(40) }).events.at(-1)?.extras.incident?.failures).toBe(2);
  });

  it('changes no incident by a run that contradicts itself', () => {
    const job = new OneJob();
    job.tell(ERRORED, at(10));
    const { events, contradicts, job: state } = job.tell(SUCCEEDED, at(20));
    expect([events.map(({ type }) => type), contradicts, state]).toEqual([['run.completed'], 'succeeded', undefined]);
    const other = new OneJob();
    other.tell(SUCCEEDED, at(10));
    expect(other.tell(FAILED, at(20))).toMatchObject({ events: [], contradicts: 'failed' });
    expect(other.tell(ERRORED, { runId: '8', ...at(5) }).events[0]?.extras.late).toBe(true);
  });

  it.each<[string, RunSignalType[][], boolean]>([
    ['a start', [STARTED], false],
    ['a start after the end', [SUCCEEDED, STARTED], true],
    ['a start after an early failure', [ERRORED, STARTED], true],
    ['a start after an end without an outcome', [OVER, STARTED], true],
    ['a failure after the start', [STARTED, ERRORED], false],
    ['a failure of a run that was over already', [OVER, ERRORED], true],
  ])('%s: late or not', (_, messages, late) => {
    const job = new OneJob();
    const news = messages.map((types) => job.tell(types, at(10)));
    expect(news.at(-1)?.events[0]?.extras.late).toBe(late);
  });

  it('takes a run that does not say when it ended to have ended when the message says', () => {
    const job = new OneJob();
    job.tell(FAILED, { occurredAt: new Date(10) });
    expect(job.tell(SUCCEEDED, { runId: '8', occurredAt: new Date(9) }).events).toHaveLength(2);
    expect(job.tell(SUCCEEDED, { runId: '9', occurredAt: new Date(11) }).events).toHaveLength(3);
  });

  it('takes the latest end that the run has told', () => {
    for (const [over, errored] of [
      [10, 30],
      [30, 10],
    ] as const) {
      const job = new OneJob();
      job.tell(OVER, at(over));
      job.tell(ERRORED, at(errored));
      expect(job.tell(SUCCEEDED, { runId: '8', ...at(20) }).events).toHaveLength(2);
      expect(job.tell(SUCCEEDED, { runId: '9', ...at(31) }).events).toHaveLength(3);
    }
  });

  it('lets no clock that is ahead of ours decide about later runs', () => {
    const job = new OneJob();
    const future = at(Date.UTC(2099, 0, 1));
    job.tell(FAILED, { ...future, receivedAt: new Date(100) });
    const recovery = job.tell(SUCCEEDED, { runId: '8', ...at(150), receivedAt: new Date(200) });
    expect(recovery.events.at(-1)).toMatchObject({
      type: 'run.recovered',
      extras: { incident: { openedAt: new Date(100) } },
    });
    job.tell(SUCCEEDED, { runId: '9', ...future, receivedAt: new Date(300) });
    const next = job.tell(FAILED, { runId: '10', ...at(350), receivedAt: new Date(400) });
    expect(next.events[0]?.extras).toEqual({ late: false, firstFailure: true });
  });
});

describe('the webhooks of several runs of a job, in any order, any of them lost or sent again', () => {
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

  it('lead to each event of a run at most once, and to one recovery for each incident at most', () => {
    fc.assert(
      fc.property(messages, (told) => {
        const job = new OneJob();
        const events = told.flatMap(({ runId, types }) =>
          job.tell(types, { runId, ...at(Number(runId)) }).events.map(({ type, extras }) => ({ runId, type, extras })),
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

  it('end in the same state of a run that ended one way, in whatever order each of them came at least once', () => {
    const all = [STARTED, ERRORED, FAILED];
    const shuffled = fc.shuffledSubarray([...all, ...all], { minLength: 6 });
    fc.assert(
      fc.property(shuffled, (order) => {
        const job = new OneJob();
        const news = order.map((types) => job.tell(types, at(10)));
        expect(news.at(-1)?.run).toMatchObject({ outcome: 'failed', contradicted: false, finishedAt: new Date(10) });
        expect([...(news.at(-1)?.run.types ?? [])].sort()).toEqual(['run.completed', 'run.failed', 'run.started']);
        expect(news.flatMap(({ events }) => events.map(({ type }) => type)).sort()).toEqual([
          'run.completed',
          'run.failed',
          'run.started',
        ]);
      }),
    );
  });
});

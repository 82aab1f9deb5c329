import { describe, expect, it } from '@jest/globals';
import type { Evidence } from '../crash/evidence.js';
import type { Effect } from '../crash/ledger.js';
import { Random } from '../crash/random.js';
import type { PlannedMessage, PlannedRun } from '../crash/run-plan.js';
import { verify, type Expectation } from '../crash/verify.js';
import { planBlows } from './blows.js';
import { WANTED_IN_CLUSTER } from './exact-handler.js';
import { readOptions } from './options.js';
import { verifyExact } from './verify-exact.js';

const CONCURRENCY = 2;
const [GOOD, PAUSED, KILLED] = [1, 2, 3];

const message: PlannedMessage = {
  source: 'dbt',
  key: 'key',
  messageType: 'job.run.started',
  sign: () => ({ provider: 'dbt-cloud', body: Buffer.alloc(0), text: '', headers: {} }),
};
const runs: readonly PlannedRun[] = [{ run: 'dbt/1/1', messages: [message], types: ['run.started'] }];

const expectation: Expectation = {
  runs,
  acknowledged: new Map([['dbt key', { ids: new Set(['msg']) }]]),
  wanted: WANTED_IN_CLUSTER,
  killed: new Set([KILLED]),
  paused: new Map([[PAUSED, 1]]),
  concurrency: CONCURRENCY,
};

const effect = (handlerId: 'every' | 'exact', life: number, attempt: number): Effect => ({
  handlerId,
  life,
  attempt,
  deliveryId: `dlv_${handlerId}`,
});

/** One event for two handlers, each of which succeeded with attempt 2 of 3 that were begun. */
function evidenceOf(effects: readonly Effect[]): Evidence {
  const handlers = ['every', 'exact'];
  return {
    messages: [{ id: 'msg', source: 'dbt', key: 'key', state: 'parsed', run: 'dbt/1/1' }],
    events: [{ id: 'evt', type: 'run.started', messageId: 'msg' }],
    deliveries: handlers.map((handlerId) => ({
      id: `dlv_${handlerId}`,
      eventId: 'evt',
      handlerId,
      state: 'succeeded',
      attempts: 3,
    })),
    attempts: handlers.map((handlerId) => ({ deliveryId: `dlv_${handlerId}`, attempt: 2, outcome: 'succeeded' })),
    effects,
  };
}

const EVERY = effect('every', GOOD, 2);
const EXACT = effect('exact', GOOD, 2);

describe('the verifier of a cluster', () => {
  it('finds in order what was done once', () => {
    const evidence = evidenceOf([EVERY, EXACT]);
    expect(verify(evidence, expectation)).toMatchObject({
      problems: [],
      lost: 0,
      doubleEvents: 0,
      repeatedAttempts: 0,
    });
    expect(verifyExact(evidence, runs)).toEqual({ effects: 1, expected: 1, problems: [] });
  });

  it.each([
    ['before another one had taken over', [effect('every', PAUSED, 1), EVERY]],
    ['after that', [EVERY, effect('every', PAUSED, 1)]],
  ])('explains by a pause what was done again, if the process that was held up did it %s', (_, effects) => {
    const verdict = verify(evidenceOf([...effects, EXACT]), expectation);
    expect(verdict).toMatchObject({ problems: [], repeatedAttempts: 1, repeatedAttemptsMax: 2 * CONCURRENCY });
  });

  it.each([
    ['was neither killed nor held up', [effect('every', GOOD, 1), EVERY], /in process 1, which was not killed/],
    ['was killed, but did it after another one', [EVERY, effect('every', KILLED, 1)], /was made after attempt 2/],
    [
      'was held up, but did it more often than it can have handlers running',
      [EVERY, effect('every', PAUSED, 1), effect('every', PAUSED, 1), effect('every', PAUSED, 3)],
      /3 effects of process 2 were not recorded, and only 2 handlers could run/,
    ],
  ])('reports what a process did again that %s', (_, effects, problem) => {
    const { problems } = verify(evidenceOf([...effects, EXACT]), expectation);
    expect(problems).toContainEqual(expect.stringMatching(problem));
  });

  it.each([
    ['that is missing', [], 0, /has 0 effects for run.started dbt\/1\/1; expected 1/],
    ['that is there twice', [EXACT, EXACT], 2, /has 2 effects for run.started dbt\/1\/1; expected 1/],
    ['without its success, even of a killed process', [effect('exact', KILLED, 1)], 1, /and not its success/],
    ['of a delivery that is not there', [EXACT, { ...EXACT, deliveryId: 'dlv_other' }], 2, /effects for ; expected 0/],
  ])('reports an exactly-once effect %s', (_, effects, count, problem) => {
    const verdict = verifyExact(evidenceOf([EVERY, ...effects]), runs);
    expect(verdict).toMatchObject({ effects: count, expected: 1 });
    expect(verdict.problems).toContainEqual(expect.stringMatching(problem));
  });
});

describe('the blows that a cluster is dealt', () => {
  const counted = (plan: Parameters<typeof planBlows>[0]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { blow, atMs } of planBlows(plan, new Random(1))) {
      expect(atMs).toBeLessThan(plan.seconds * 1_000);
      counts[blow] = (counts[blow] ?? 0) + 1;
    }
    return counts;
  };

  it('are as many kills as asked for, and some of every other kind', () => {
    expect(counted({ kills: 20, seconds: 60, hasRedis: false })).toEqual({ kill: 20, 'restart-postgres': 4, pause: 3 });
    expect(counted({ kills: 1, seconds: 1, hasRedis: true })).toEqual({
      kill: 1,
      'restart-postgres': 1,
      pause: 1,
      'flush-redis': 1,
      'restart-redis': 1,
    });
  });

  it('are the same for the same seed, and in the order of their times', () => {
    const plan = { kills: 10, seconds: 30, hasRedis: true };
    const blows = planBlows(plan, new Random(7));
    expect(planBlows(plan, new Random(7))).toEqual(blows);
    expect(planBlows(plan, new Random(8))).not.toEqual(blows);
    expect(blows.map(({ atMs }) => atMs)).toEqual(blows.map(({ atMs }) => atMs).sort((a, b) => a - b));
  });
});

describe('the command line of the cluster test', () => {
  it('is read, with both set-ups by default', () => {
    expect(readOptions([])).toMatchObject({ setups: ['postgres', 'bullmq'], kills: 20, seconds: 60, json: false });
    expect(readOptions(['--on', 'bullmq', '--seed', '5'])).toMatchObject({ setups: ['bullmq'], seed: 5 });
  });

  it.each([
    [['--on', 'mysql'], '--on: found "mysql"; expected postgres or bullmq'],
    [['--kills', '-1'], /--kills/],
    [['--seconds', 'x'], '--seconds: found "x"; expected a whole number'],
  ])('is refused: %j', (args, problem) => {
    expect(() => readOptions(args)).toThrow(problem);
  });
});

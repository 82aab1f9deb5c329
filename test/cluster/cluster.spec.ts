import { describe, expect, it } from '@jest/globals';
import type { Evidence } from '../crash/evidence.js';
import type { Effect } from '../crash/ledger.js';
import { Random } from '../crash/random.js';
import type { PlannedMessage, PlannedRun } from '../crash/run-plan.js';
import { verify, type Expectation } from '../crash/verify.js';
import { planFaults } from './faults.js';
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

const effect = (handlerId: 'every' | 'exact', processNumber: number, attempt: number): Effect => ({
  handlerId,
  processNumber,
  attempt,
  deliveryId: `dlv_${handlerId}`,
});

/** Returns evidence of one event for two handlers, each of which succeeded with attempt 2 of 3 started attempts. */
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
    totals: [
      { kind: 'messages.parsed', total: 1 },
      { kind: 'events', total: 1 },
      { kind: 'deliveries.succeeded', total: 2 },
    ],
    effects,
  };
}

const EVERY = effect('every', GOOD, 2);
const EXACT = effect('exact', GOOD, 2);

describe('the verifier of a cluster', () => {
  it('finds no problem when all work was done once', () => {
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
    ['before another process took over', [effect('every', PAUSED, 1), EVERY]],
    ['after another process took over', [EVERY, effect('every', PAUSED, 1)]],
  ])('explains repeated work by a pause when the paused process did it %s', (_, effects) => {
    const verdict = verify(evidenceOf([...effects, EXACT]), expectation);
    expect(verdict).toMatchObject({ problems: [], repeatedAttempts: 1, repeatedAttemptsMax: 2 * CONCURRENCY });
  });

  it.each([
    ['was neither killed nor paused', [effect('every', GOOD, 1), EVERY], /in process 1, which was not killed/],
    ['was killed, but worked after another process', [EVERY, effect('every', KILLED, 1)], /was made after attempt 2/],
    [
      'was paused, but worked more often than it can run handlers',
      [EVERY, effect('every', PAUSED, 1), effect('every', PAUSED, 1), effect('every', PAUSED, 3)],
      /3 effects of process 2 were not recorded but only 2 handlers could run/,
    ],
  ])('reports repeated work of a process that %s', (_, effects, problem) => {
    const { problems } = verify(evidenceOf([...effects, EXACT]), expectation);
    expect(problems).toContainEqual(expect.stringMatching(problem));
  });

  it.each([
    ['that is missing', [], 0, /has 0 effects for run.started dbt\/1\/1; expected 1/],
    ['that exists twice', [EXACT, EXACT], 2, /has 2 effects for run.started dbt\/1\/1; expected 1/],
    ['without its success, even of a killed process', [effect('exact', KILLED, 1)], 1, /but no success/],
    ['of a missing delivery', [EXACT, { ...EXACT, deliveryId: 'dlv_other' }], 2, /effects for ; expected 0/],
  ])('reports an exactly-once effect %s', (_, effects, count, problem) => {
    const verdict = verifyExact(evidenceOf([EVERY, ...effects]), runs);
    expect(verdict).toMatchObject({ effects: count, expected: 1 });
    expect(verdict.problems).toContainEqual(expect.stringMatching(problem));
  });
});

describe('faults in a cluster', () => {
  const counted = (plan: Parameters<typeof planFaults>[0]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { fault, atMs } of planFaults(plan, new Random(1))) {
      expect(atMs).toBeLessThan(plan.seconds * 1_000);
      counts[fault] = (counts[fault] ?? 0) + 1;
    }
    return counts;
  };

  it('include the requested kills and some of every other kind', () => {
    expect(counted({ kills: 20, seconds: 60, hasRedis: false })).toEqual({ kill: 20, 'restart-postgres': 4, pause: 3 });
    expect(counted({ kills: 1, seconds: 1, hasRedis: true })).toEqual({
      kill: 1,
      'restart-postgres': 1,
      pause: 1,
      'flush-redis': 1,
      'restart-redis': 1,
    });
  });

  it('are the same for the same seed, sorted by time', () => {
    const plan = { kills: 10, seconds: 30, hasRedis: true };
    const faults = planFaults(plan, new Random(7));
    expect(planFaults(plan, new Random(7))).toEqual(faults);
    expect(planFaults(plan, new Random(8))).not.toEqual(faults);
    expect(faults.map(({ atMs }) => atMs)).toEqual(faults.map(({ atMs }) => atMs).sort((a, b) => a - b));
  });
});

describe('command line of the cluster test', () => {
  it('selects both setups by default', () => {
    expect(readOptions([])).toMatchObject({ setups: ['postgres', 'bullmq'], kills: 20, seconds: 60, json: false });
    expect(readOptions(['--on', 'bullmq', '--seed', '5'])).toMatchObject({ setups: ['bullmq'], seed: 5 });
  });

  it.each([
    [['--on', 'mysql'], '--on: found "mysql"; expected postgres or bullmq'],
    [['--kills', '-1'], /--kills/],
    [['--seconds', 'x'], '--seconds: found "x"; expected an integer'],
  ])('is rejected: %j', (args, problem) => {
    expect(() => readOptions(args)).toThrow(problem);
  });
});
